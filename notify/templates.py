"""Every notice as data: its words in both languages, and how it fills a WeChat template.

Words never hold an id number or a full name. `{start}` and other instants are written as citizens read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backend.core import clock
from backend.core.errors import Text
from notify.channels.wechat_values import fit

WEEKDAYS = "一二三四五六日"
INSTANTS = frozenset({"start", "former_start", "until"})
MISSING = {"zh": "见详情", "en": "see details"}


@dataclass(frozen=True)
class Template:
    """One kind of notice.

    `wechat` maps each key of the account's template to a sentence with the same `{names}` as `body`.
    `sms` names the texts that the SMS operator has registered. `useful_for` is how long sending makes sense.
    """

    title: Text
    body: Text
    wechat: Mapping[str, str] = field(default_factory=dict)
    useful_for: timedelta = timedelta(hours=24)


_VISIT = {
    "thing2": "{item}",
    "thing5": "{hall}",
    "time3": "{start_wechat}",
    "character_string4": "{code}",
}

TEMPLATES: dict[str, Template] = {
    "appointment_booked": Template(
        title=Text("约好了：{start}", "Booked: {start}"),
        body=Text(
            "{start} 到{hall}办“{item}”。地址：{address}。预约号 {code}，到了给工作人员看。",
            "Go to {hall} at {start} for “{item}”. Address: {address}. Show your number {code} at the entrance.",
        ),
        wechat={**_VISIT, "thing7": "{address}"},
    ),
    "appointment_changed": Template(
        title=Text("改到了：{start}", "Moved to {start}"),
        body=Text(
            "“{item}”改到 {start}，在{hall}办。地址：{address}。新的预约号 {code}，原来的号不能再用。",
            "“{item}” is now at {start} at {hall}. Address: {address}. "
            "Your new number is {code}; the old one no longer works.",
        ),
        wechat={**_VISIT, "thing7": "{address}"},
    ),
    "appointment_cancelled": Template(
        title=Text("预约已取消：{start}", "Cancelled: {start}"),
        body=Text(
            "你取消了 {start} 在{hall}办“{item}”的预约。要办就再约一次。",
            "You cancelled “{item}” at {hall}, {start}. Book again if you still need it.",
        ),
        wechat={**_VISIT, "phrase6": "已取消"},
    ),
    "appointment_hall_cancelled": Template(
        title=Text("大厅取消了预约：{start}", "The hall cancelled: {start}"),
        body=Text(
            "{hall}取消了你 {start} 办“{item}”的预约：{reason}。很抱歉，请重新选时间，这次不算你取消。",
            "{hall} had to cancel “{item}” at {start}: {reason}. We are sorry. "
            "Pick another time; this does not count against you.",
        ),
        wechat={**_VISIT, "thing8": "{reason}"},
        useful_for=timedelta(days=3),
    ),
    "appointment_no_show": Template(
        title=Text("没有来办事：{start}", "Missed: {start}"),
        body=Text(
            "你约了 {start} 到{hall}办“{item}”，我们没有等到你。"
            "30 天里两次没来，网上预约会暂停 30 天；到大厅取号不受影响。来不了请提前取消，记错了请打开详情申诉。",
            "You had booked “{item}” at {hall} for {start} and did not come. "
            "Missing two visits in 30 days pauses online booking for 30 days; the hall always gives you a ticket. "
            "Cancel early when you cannot come. If this is wrong, open the details to appeal.",
        ),
        wechat={**_VISIT, "thing8": "来不了请提前取消，记错了可以申诉"},
        useful_for=timedelta(days=3),
    ),
    "booking_paused": Template(
        title=Text("网上预约暂停到 {until}", "Online booking is paused until {until}"),
        body=Text(
            "你约了几次没有来，{until} 以前不能在网上预约。"
            "急着办事可以直接到大厅取号，不受影响。记错了请打开详情申诉。",
            "You missed visits you had booked, so you cannot book online until {until}. You can still go to any hall "
            "and take a ticket. If this is wrong, open the details to appeal.",
        ),
        wechat={"thing1": "约了几次没有来", "time2": "{until_wechat}", "thing3": "可以直接到大厅取号办理"},
        useful_for=timedelta(days=3),
    ),
    "appeal_accepted": Template(
        title=Text("申诉通过：{start} 的预约", "Appeal accepted: {start}"),
        body=Text(
            "你说明了 {start} 在{hall}的情况，这次不再算你没来。大厅回复：{answer}",
            "Your appeal about {hall}, {start}, was accepted: this visit no longer counts. The hall says: {answer}",
        ),
        wechat={**_VISIT, "phrase6": "申诉通过"},
        useful_for=timedelta(days=3),
    ),
    "appeal_rejected": Template(
        title=Text("申诉没有通过：{start} 的预约", "Appeal not accepted: {start}"),
        body=Text(
            "你说明了 {start} 在{hall}的情况，大厅核对后没有改。大厅回复：{answer}。有疑问请打 12345。",
            "Your appeal about {hall}, {start}, was not accepted. The hall says: {answer}. Questions? Call 12345.",
        ),
        wechat={**_VISIT, "phrase6": "申诉未通过"},
        useful_for=timedelta(days=3),
    ),
    "queue_near": Template(
        title=Text("快到你了：{number}", "Nearly your turn: {number}"),
        body=Text(
            "你的号是 {number}，前面还有 {ahead} 个人。请回到{hall}等着叫号。",
            "Your number is {number}; {ahead} people are ahead of you. Please be in {hall}.",
        ),
        wechat={"character_string1": "{number}", "number2": "{ahead}", "thing3": "{hall}"},
        useful_for=timedelta(minutes=30),
    ),
    "queue_called": Template(
        title=Text("叫到你了：{number}，请到 {window} 号窗口", "Your turn: {number}, window {window}"),
        body=Text(
            "请带好材料到{hall} {window} 号窗口。没赶上也没关系，关门前都可以重新排。",
            "Please come to window {window} in {hall} with your papers. If you miss it, you can rejoin until closing.",
        ),
        wechat={"character_string1": "{number}", "thing2": "{window} 号窗口", "thing3": "{hall}"},
        useful_for=timedelta(minutes=10),
    ),
    "queue_passed": Template(
        title=Text("过号了：{number}", "You missed your call: {number}"),
        body=Text(
            "刚才叫了 {number}，没有等到你。关门前打开这条消息点“我回来了”，就能重新排上。",
            "We called {number} and did not see you. Until closing, open this message and tap “I am back” to rejoin.",
        ),
        wechat={"character_string1": "{number}", "thing2": "打开消息可以重新排队", "thing3": "{hall}"},
        useful_for=timedelta(hours=4),
    ),
    "queue_carried": Template(
        title=Text("改到下次开门办：{number}", "Moved to the next opening day: {number}"),
        body=Text(
            "{hall}今天提前结束：{reason}。你的号改成 {number}，{start} 开门后先叫你，那天来就行。",
            "{hall} had to stop early today: {reason}. Your new number is {number}. "
            "Come when the hall opens, {start}: you are called first.",
        ),
        wechat={"character_string1": "{number}", "thing2": "下次开门后先叫你", "thing3": "{hall}"},
        useful_for=timedelta(days=3),
    ),
    "queue_finished": Template(
        title=Text("办完了：{number}", "Finished: {number}"),
        body=Text(
            "你在{hall}的 {number} 号办完了。觉得怎么样？打开看看，可以给这次服务打个分。",
            "Your number {number} at {hall} is finished. How was it? Open this message to rate the visit.",
        ),
        wechat={"character_string1": "{number}", "thing2": "可以给这次服务打个分", "thing3": "{hall}"},
    ),
    "rating_answered": Template(
        title=Text("大厅回复了你的评价", "The hall answered your rating"),
        body=Text(
            "你给的差评，大厅处理了，回复是：{answer}",
            "The hall has acted on your rating. It says: {answer}",
        ),
        wechat={"thing1": "大厅处理了你的评价", "thing2": "{answer}"},
        useful_for=timedelta(days=3),
    ),
}


def title(template: str, params: Mapping[str, Any], language: str) -> str:
    """The notice's heading."""
    return _fill(TEMPLATES[template].title.in_language(language), params, language)


def body(template: str, params: Mapping[str, Any], language: str) -> str:
    """The notice's sentences."""
    return _fill(TEMPLATES[template].body.in_language(language), params, language)


def wechat_data(template: str, params: Mapping[str, Any]) -> dict[str, str]:
    """Values for the account's template, cut to what WeChat accepts. WeChat's templates are Chinese."""
    return {key: fit(key, _fill(text, params, "zh")) for key, text in TEMPLATES[template].wechat.items()}


def spoken_time(instant: datetime, language: str) -> str:
    """`12月1日 周二 09:30`, or `Tue 1 Dec 09:30`, in Xiamen."""
    at = clock.civil(instant)
    if language == "en":
        return f"{_EN_DAYS[at.weekday()]} {at.day} {_EN_MONTHS[at.month - 1]} {at:%H:%M}"
    return f"{at.month}月{at.day}日 周{WEEKDAYS[at.weekday()]} {at:%H:%M}"


_EN_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EN_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _Values(dict[str, str]):
    """Values by name; a name without value becomes a harmless word, so that a notice is never lost."""

    def __init__(self, values: Mapping[str, str], language: str) -> None:
        super().__init__(values)
        self._missing = MISSING[language]

    def __missing__(self, name: str) -> str:
        return self._missing


def _fill(text: str, params: Mapping[str, Any], language: str) -> str:
    values: dict[str, str] = {}
    for name, value in params.items():
        if value is None or value == "":
            continue
        if name in INSTANTS:
            instant = datetime.fromisoformat(str(value))
            values[name] = spoken_time(instant, language)
            at = clock.civil(instant)
            values[f"{name}_wechat"] = f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
        else:
            values[name] = str(value)
    if language == "en":
        values |= {name.removesuffix("_en"): value for name, value in values.items() if name.endswith("_en")}
    code = values.get("code", "")
    if len(code) == 8 and code.isdecimal():
        values["code"] = f"{code[:4]} {code[4:]}"
    return text.format_map(_Values(values, language))
