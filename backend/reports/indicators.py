"""指标: what each figure means, as data. Figures are whole numbers over whole numbers; a target is reached by exact
fraction, never by rounding: 84.96 % is not 85 %.

Sources are clauses of the circular 厦府办〔2018〕138号 unless they name another paper.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from backend.core.errors import Text

Kind = Literal["cases", "items", "halls"]
Unit = Literal["percent", "days", "minutes"]
SECONDS_OF_MINUTE: Final = 60


@dataclass(frozen=True)
class Indicator:
    """`kind` is what is counted. `city` and `department` are the least share that is wanted, where one is."""

    code: str
    kind: Kind
    unit: Unit
    name: Text
    formula: Text
    source: str
    better: Literal["more", "less"] = "more"
    city: Fraction | None = None
    department: Fraction | None = None


@dataclass(frozen=True)
class Figure:
    """A figure as it was counted. Minutes count seconds in the numerator."""

    numerator: int
    denominator: int

    def __add__(self, other: "Figure") -> "Figure":
        return Figure(self.numerator + other.numerator, self.denominator + other.denominator)

    def reaches(self, target: Fraction) -> bool:
        """Whether the share is at least the target; nothing counted reaches nothing."""
        return self.denominator > 0 and self.numerator * target.denominator >= target.numerator * self.denominator

    def shown(self, unit: Unit) -> str | None:
        """One decimal, cut off and never rounded up, so that what is shown never passes a target that was missed."""
        if self.denominator == 0:
            return None
        tenths = self.numerator * (1000 if unit == "percent" else 10)
        whole = tenths // (self.denominator * (SECONDS_OF_MINUTE if unit == "minutes" else 1))
        return f"{'-' if whole < 0 else ''}{abs(whole) // 10}.{abs(whole) % 10}"


NOTHING: Final = Figure(0, 0)

INDICATORS: Final[dict[str, Indicator]] = {
    one.code: one
    for one in (
        Indicator(
            "items_zero",
            "items",
            "percent",
            Text("一趟不用跑的事项", "Items without a visit"),
            Text("申报到场 0 次的事项 ÷ 全部事项", "Items with 0 declared visits ÷ all items"),
            "10",
            city=Fraction(20, 100),
        ),
        Indicator(
            "items_one",
            "items",
            "percent",
            Text("最多跑一趟和一趟不用跑的事项", "Items with one visit at most"),
            Text("申报到场不超过 1 次的事项 ÷ 全部事项", "Items with at most 1 declared visit ÷ all items"),
            "10",
            city=Fraction(93, 100),
            department=Fraction(85, 100),
        ),
        Indicator(
            "items_online",
            "items",
            "percent",
            Text("全程网办的事项", "Items done all online"),
            Text("网办深度五星且到场 0 次的事项 ÷ 全部事项", "Items of depth 5 without a visit ÷ all items"),
            "3",
        ),
        Indicator(
            "promise_cut",
            "items",
            "percent",
            Text("承诺时限压缩", "Promise shorter than the law"),
            Text("（法定工作日 − 承诺工作日）÷ 法定工作日", "(Days by law − days promised) ÷ days by law"),
            "11",
        ),
        Indicator(
            "cases_zero",
            "cases",
            "percent",
            Text("实际没有跑的办件", "Cases without a visit"),
            Text("实际到场 0 次的办件 ÷ 办结的办件", "Cases with 0 actual visits ÷ cases done"),
            "10",
        ),
        Indicator(
            "cases_one",
            "cases",
            "percent",
            Text("实际最多跑一趟的办件", "Cases with one visit at most"),
            Text("实际到场不超过 1 次的办件 ÷ 办结的办件", "Cases with at most 1 actual visit ÷ cases done"),
            "10",
        ),
        Indicator(
            "visits_kept",
            "cases",
            "percent",
            Text("没有多跑的办件", "Cases with no visit too many"),
            Text("实际到场不超过申报次数的办件 ÷ 办结的办件", "Cases with no more visits than declared ÷ cases done"),
            "10",
        ),
        Indicator(
            "online",
            "cases",
            "percent",
            Text("网上申报率", "Filed online"),
            Text("网上提交的办件 ÷ 办结的办件", "Cases filed online ÷ cases done"),
            "3",
        ),
        Indicator(
            "mailed",
            "cases",
            "percent",
            Text("结果寄递覆盖率", "Results by courier"),
            Text("寄出的结果 ÷ 办结的办件", "Results sent by courier ÷ cases done"),
            "18",
        ),
        Indicator(
            "paid_online",
            "cases",
            "percent",
            Text("网上缴费率", "Fees paid by phone"),
            Text("网上缴费的办件 ÷ 缴了费的办件", "Cases paid online ÷ cases with a paid fee"),
            "17",
        ),
        Indicator(
            "days",
            "cases",
            "days",
            Text("平均办理工作日", "Working days used, average"),
            Text("受理到决定用的工作日之和 ÷ 办件数", "Working days from acceptance to decision ÷ cases"),
            "11",
            better="less",
        ),
        Indicator(
            "days_of_promise",
            "cases",
            "percent",
            Text("用时占承诺时限", "Time used of the promise"),
            Text("用的工作日之和 ÷ 承诺工作日之和", "Working days used ÷ working days promised"),
            "11",
            better="less",
        ),
        Indicator(
            "days_of_law",
            "cases",
            "percent",
            Text("用时占法定时限", "Time used of the law's limit"),
            Text("用的工作日之和 ÷ 法定工作日之和", "Working days used ÷ working days by law"),
            "11",
            better="less",
        ),
        Indicator(
            "on_time",
            "cases",
            "percent",
            Text("承诺时限内办完", "Decided within the promise"),
            Text(
                "决定日不晚于承诺到期日的办件 ÷ 有到期日的办件", "Decided by the promised day ÷ cases with such a day"
            ),
            "29",
        ),
        Indicator(
            "lawful",
            "cases",
            "percent",
            Text("法定时限内办完", "Decided within the law's limit"),
            Text(
                "决定日不晚于法定到期日的办件 ÷ 有到期日的办件", "Decided by the day of the law ÷ cases with such a day"
            ),
            "行政许可法 42",
        ),
        Indicator(
            "satisfied",
            "cases",
            "percent",
            Text("满意率", "Satisfied"),
            Text("评 3 分以上的办件 ÷ 评了分的办件", "Cases rated 3 or better ÷ rated cases"),
            "国办发〔2019〕51号",
        ),
        Indicator(
            "bad_answered",
            "cases",
            "percent",
            Text("差评按期整改", "Bad ratings answered in time"),
            Text("15 个工作日内整改的差评 ÷ 差评", "Bad ratings answered within 15 working days ÷ bad ratings"),
            "国办发〔2019〕51号",
        ),
        Indicator(
            "walk_in_wait",
            "halls",
            "minutes",
            Text("现场取号平均等候", "Wait without appointment"),
            Text("等候分钟之和 ÷ 叫到的号", "Minutes waited ÷ numbers called"),
            "12",
            better="less",
        ),
        Indicator(
            "booked_wait",
            "halls",
            "minutes",
            Text("预约平均等候", "Wait with appointment"),
            Text("等候分钟之和 ÷ 叫到的号", "Minutes waited ÷ numbers called"),
            "12",
            better="less",
        ),
        Indicator(
            "no_show",
            "halls",
            "percent",
            Text("预约没有来", "Missed appointments"),
            Text("没有来的预约 ÷ 到了时间的预约", "Appointments missed ÷ appointments due"),
            "29",
            better="less",
        ),
    )
}
"""In the order in which they are shown. The funnel of booking (clause 12.3) is counted where people book."""
