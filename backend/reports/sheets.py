"""The ledger as a table: its columns in both languages, and what stands in their cells."""

from collections.abc import Mapping
from typing import Any, Final

from backend.applications.case_words import STATUS
from backend.applications.states import CaseState
from backend.core.errors import Text

COLUMNS: Final[Mapping[str, Text]] = {
    "number": Text("办件号", "Case"),
    "item": Text("事项", "Item"),
    "department": Text("部门", "Department"),
    "division": Text("区划", "Division"),
    "hall": Text("大厅", "Hall"),
    "state": Text("状态", "State"),
    "outcome": Text("结果", "Outcome"),
    "channel": Text("申报方式", "Filed"),
    "submitted_on": Text("提交日期", "Handed in"),
    "accepted_on": Text("受理日期", "Accepted"),
    "decided_on": Text("决定日期", "Decided"),
    "closed_on": Text("办结日期", "Done"),
    "promise_due_on": Text("承诺到期", "Promised for"),
    "law_due_on": Text("法定到期", "Due by law"),
    "promise_days": Text("承诺工作日", "Days promised"),
    "law_days": Text("法定工作日", "Days by law"),
    "days_used": Text("实际工作日", "Days used"),
    "declared_visits": Text("申报到场次数", "Visits declared"),
    "visits": Text("实际到场次数", "Visits made"),
    "mailed_in": Text("寄来材料", "Papers by courier"),
    "delivery": Text("结果送达", "Result"),
    "paid": Text("缴费", "Fee paid"),
    "returned": Text("退回次数", "Times sent back"),
    "grade": Text("评价", "Rating"),
    "bad_answered": Text("差评按期整改", "Bad rating answered"),
}
WORDS: Final[Mapping[str, Mapping[Any, Text]]] = {
    "state": {str(state): STATUS[state] for state in CaseState},
    "outcome": {
        "granted": Text("准予", "Granted"),
        "denied": Text("不予", "Refused"),
        "not_accepted": Text("不予受理", "Not accepted"),
        "withdrawn": Text("撤回", "Withdrawn"),
        "terminated": Text("终止", "Ended"),
    },
    "channel": {
        "online": Text("网上", "Online"),
        "window": Text("窗口", "Window"),
        "partner": Text("代办点", "Partner point"),
    },
    "delivery": {
        "download": Text("下载", "Download"),
        "mail": Text("寄递", "Courier"),
        "window": Text("窗口", "Window"),
    },
    "paid": {
        "online": Text("网上", "By phone"),
        "window": Text("窗口", "Window"),
        "other": Text("其他渠道", "Elsewhere"),
    },
    "mailed_in": {True: Text("是", "Yes"), False: Text("否", "No")},
    "bad_answered": {True: Text("是", "Yes"), False: Text("否", "No")},
}
NAMED: Final = ("item", "department", "division", "hall")


def header(language: str, *, numbered: bool) -> list[str]:
    """The first line."""
    return [text.in_language(language) for name, text in COLUMNS.items() if numbered or name != "number"]


def cells(row: Mapping[str, Any], language: str, *, numbered: bool) -> list[object]:
    """The line of a case as `queries.row` shows it."""
    return [_cell(name, row[name], language) for name in COLUMNS if numbered or name != "number"]


def _cell(name: str, value: Any, language: str) -> object:
    if name in NAMED:
        return value["name"]
    if name in WORDS and value is not None:
        return WORDS[name][value].in_language(language)
    return value
