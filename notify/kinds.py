"""What a notice is made of: its kind, its words, how important it is, and how it fills each channel's form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend.core.errors import Text
from notify.models import Importance


@dataclass(frozen=True)
class Kind:
    """A group of notices that a person may switch off. The names stand on the page of preferences."""

    name: Text
    hint: Text


KINDS: dict[str, Kind] = {
    "visit": Kind(
        Text("预约", "Appointments"),
        Text(
            "约好、改期、取消。大厅取消的一定会告诉你", "Booked, moved, cancelled. You always hear when a hall cancels"
        ),
    ),
    "reminder": Kind(Text("提醒", "Reminders"), Text("办事前一天和前两小时", "The day before and two hours ahead")),
    "queue": Kind(Text("排队", "Queue"), Text("快到你、叫到你、过号", "Nearly your turn, your turn, missed")),
    "rating": Kind(
        Text("评价", "Ratings"), Text("办完请你打分，大厅回复你", "Asking how it was, and the hall's answer")
    ),
    "bill": Kind(
        Text("缴费", "Payments"),
        Text("交了、开票了。要交的钱和退款一定会告诉你", "Paid, receipt ready. You always hear of bills and refunds"),
    ),
    "shipment": Kind(Text("快递", "Deliveries"), Text("寄出、派送、签收", "Sent, on its way, delivered")),
    "conduct": Kind(
        Text("守约", "Keeping appointments"), Text("关系到你能不能预约", "It decides whether you can book")
    ),
    "case": Kind(Text("办件进度", "Progress of your case"), Text("受理、补正、结果", "Accepted, corrections, result")),
}


@dataclass(frozen=True)
class Form:
    """A provider's form: its name in our settings, and for each of its keys a sentence with `{names}`."""

    name: str
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Template:
    """One kind of notice.

    `useful_for` is how long sending makes sense. A `statutory` notice cannot be switched off. A channel whose form
    is None never carries it.
    """

    kind: str
    title: Text
    body: Text
    wechat: Form
    mini: Form | None = None
    sms: Form | None = None
    importance: Importance = Importance.ORDINARY
    statutory: bool = False
    useful_for: timedelta = timedelta(hours=24)


VISIT = {
    "thing2": "{item}",
    "thing5": "{hall}",
    "time3": "{start_wechat}",
    "character_string4": "{code}",
}
"""Keys that every form about an appointment has."""


def sms(name: str) -> Form:
    """An operator's text about an appointment; each takes what it needs."""
    return Form(name, {"item": "{item}", "time": "{start}", "hall": "{hall}", "code": "{code}"})


LASTING = timedelta(days=3)
"""What happens to a case, a bill or a shipment still matters after a weekend."""
_NUMBERED = {"thing1": "{item}", "character_string2": "{number}"}
CASE_PROGRESS = Form("case_progress", _NUMBERED)
BILL_PROGRESS = Form("bill_progress", {"thing1": "{item}", "amount2": "{amount}元"})
SHIPMENT_PROGRESS = Form("shipment_progress", _NUMBERED)


def progress(kind: str, form: Form, title: Text, body: Text, state: str, hint: str, **more: Any) -> Template:
    """A notice that tells how far something is: one form with `state` and `hint`, official account and mini-program."""
    told = Form(form.name, {**form.keys, "phrase3": state, "thing4": hint})
    return Template(kind=kind, title=title, body=body, wechat=told, mini=told, **{"useful_for": LASTING, **more})
