"""How shipments travel: the ways that the operator can play, in EMS's own codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One event: operation code, sign or failure code, what EMS calls it, and its sentence."""

    code: str
    name: str
    text: str
    detail: str = ""


COLLECTED = Step("203", "收寄计费信息", "已收寄")
ARRIVED = Step("954", "到达处理中心", "邮件到达厦门邮件处理中心")
LEFT = Step("989", "离开处理中心", "邮件离开厦门邮件处理中心，正在发往下一站")
AT_OFFICE = Step("713", "到达投递局", "邮件到达投递站")
OUT = Step("702", "投递邮件", "邮件正在派送")
TRAVEL = (COLLECTED, ARRIVED, LEFT, AT_OFFICE, OUT)
IN_PERSON = Step("704", "投递结果反馈-妥投", "已签收，本人签收", "10")
CANCELLED = Step("801", "撤单", "订单已撤销")

JOURNEYS: Mapping[str, tuple[str, tuple[Step, ...]]] = {
    "in_person": ("本人签收", (*TRAVEL, IN_PERSON)),
    "someone_else": ("他人代收", (*TRAVEL, Step("704", "投递结果反馈-妥投", "已签收，他人代收", "20"))),
    "mail_room": ("收发室签收", (*TRAVEL, Step("704", "投递结果反馈-妥投", "已签收，收发室签收", "60"))),
    "locker": (
        "放进快递柜后取出",
        (*TRAVEL, Step("747", "投递到智能包裹柜", "已放入快递柜"), Step("748", "智能包裹柜取出", "收件人已取出")),
    ),
    "left_at_point": (
        "放在代收点算妥投",
        (*TRAVEL, Step("704", "投递结果反馈-妥投", "已签收，代收点代收", "30")),
    ),
    "failed_then_delivered": (
        "第一次没送到，再送签收",
        (*TRAVEL, Step("705", "投递结果反馈-未妥投", "未妥投，收件人不在", "4"), OUT, IN_PERSON),
    ),
    "wrong_address": ("地址不对", (*TRAVEL, Step("705", "投递结果反馈-未妥投", "未妥投，地址欠详", "2"))),
    "refused_and_returned": (
        "拒收退回",
        (
            *TRAVEL,
            Step("705", "投递结果反馈-未妥投", "未妥投，收件人拒收", "7"),
            Step("708", "退回", "邮件正在退回寄件人"),
            Step("711", "退回妥投", "邮件已退回寄件人"),
        ),
    ),
    "delivered_then_undone": (
        "签收后更正，再签收",
        (*TRAVEL, IN_PERSON, Step("743", "撤销妥投", "投递结果更正，妥投已撤销"), IN_PERSON),
    ),
    "lost": ("丢失", (COLLECTED, ARRIVED, Step("987", "邮件丢失赔付", "邮件丢失，已向寄件人赔付"))),
    "unknown_code": ("有没见过的代码", (*TRAVEL[:2], Step("9Z9", "新环节", "新的操作环节"), *TRAVEL[2:], IN_PERSON)),
}
"""Name → its words on the desk, and the steps. A cancelled order is no journey: it is called off before collection."""
