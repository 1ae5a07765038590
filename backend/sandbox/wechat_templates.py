"""The message templates that the demo accounts have taken from WeChat's category library.

``name`` is the notice that the application sends with it; WeChat itself knows only the id.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountTemplate:
    """One template: its title and its lines, each a label and a typed key."""

    name: str
    title: str
    lines: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        """The same in every sandbox, so that it can stand in the development settings."""
        return f"sandbox-{self.name}"

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        return {key: () for _, key in self.lines}


def _visit(name: str, title: str, last: tuple[str, str]) -> AccountTemplate:
    return AccountTemplate(
        name,
        title,
        (
            ("办理事项", "thing2"),
            ("办理大厅", "thing5"),
            ("预约时间", "time3"),
            ("预约号", "character_string4"),
            last,
        ),
    )


SHARED: tuple[AccountTemplate, ...] = (
    _visit("appointment_reminder", "办事提醒", ("办理地址", "thing7")),
    *(
        AccountTemplate(name, title, (("办理事项", "thing1"), second, ("当前状态", "phrase3"), ("温馨提示", "thing4")))
        for name, title, second in (
            ("case_progress", "办件进度通知", ("办件号", "character_string2")),
            ("bill_progress", "缴费通知", ("金额", "amount2")),
            ("shipment_progress", "快递通知", ("单号", "character_string2")),
        )
    ),
)
"""What both accounts hold."""

OFFICIAL_TEMPLATES: tuple[AccountTemplate, ...] = (
    _visit("appointment_booked", "预约成功通知", ("办理地址", "thing7")),
    _visit("appointment_changed", "预约改期通知", ("办理地址", "thing7")),
    _visit("appointment_cancelled", "预约取消通知", ("当前状态", "phrase6")),
    _visit("appointment_hall_cancelled", "大厅取消预约通知", ("取消原因", "thing8")),
    _visit("appointment_no_show", "预约未到通知", ("温馨提示", "thing8")),
    AccountTemplate(
        "booking_paused",
        "预约暂停通知",
        (("暂停原因", "thing1"), ("恢复时间", "time2"), ("温馨提示", "thing3")),
    ),
    _visit("appeal_accepted", "申诉结果通知", ("处理结果", "phrase6")),
    _visit("appeal_rejected", "申诉结果通知", ("处理结果", "phrase6")),
    *(
        AccountTemplate(name, title, (("排队号", "character_string1"), second, ("办理大厅", "thing3")))
        for name, title, second in (
            ("queue_near", "排队提醒", ("前面人数", "number2")),
            ("queue_called", "叫号通知", ("办理窗口", "thing2")),
            ("queue_passed", "过号通知", ("温馨提示", "thing2")),
            ("queue_carried", "排队改期通知", ("温馨提示", "thing2")),
            ("queue_finished", "办结通知", ("温馨提示", "thing2")),
        )
    ),
    AccountTemplate("rating_answered", "评价回复通知", (("回复事项", "thing1"), ("回复内容", "thing2"))),
    AccountTemplate("rating_invited", "评价邀请通知", (("办理事项", "thing1"), ("温馨提示", "thing2"))),
    *SHARED,
)

MINI_TEMPLATES: tuple[AccountTemplate, ...] = SHARED

OFFICIAL_BY_ID = {template.id: template for template in OFFICIAL_TEMPLATES}
MINI_BY_ID = {template.id: template for template in MINI_TEMPLATES}

MINI_TEMPLATE_IDS: dict[str, str] = {template.name: template.id for template in MINI_TEMPLATES}
"""The same for the mini-program: the development value of WECHAT_MINI_TEMPLATES."""

TEMPLATE_IDS: dict[str, str] = {template.name: template.id for template in OFFICIAL_TEMPLATES}
"""Notice → template id at the demo official account: the development value of WECHAT_TEMPLATES."""
