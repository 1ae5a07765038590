"""Notices about cases and bills. Their forms are shared: an account may hold 25 templates at once."""

from functools import partial

from backend.core.errors import Text
from notify.kinds import BILL_PROGRESS, CASE_PROGRESS, Form, Template, progress
from notify.models import Importance

_case = partial(progress, "case", CASE_PROGRESS)
_bill = partial(progress, "bill", BILL_PROGRESS)

CASES: dict[str, Template] = {
    "case_received": _case(
        Text("收到你的材料：{item}", "We have your papers: {item}"),
        Text(
            "收到你办“{item}”的材料，办件号 {number}。我们看过以后告诉你能不能受理。",
            "We have your papers for “{item}”, case {number}. We will tell you whether we can take the case.",
        ),
        "已收到",
        "看过以后告诉你能不能受理",
        importance=Importance.ANSWER,
        statutory=True,
    ),
    "case_correction": _case(
        Text("请补材料：{item}", "More papers needed: {item}"),
        Text(
            "办“{item}”还差材料：{reason}。请在 {until} 以前补上，办件号 {number}。补上以后我们接着办。",
            "For “{item}” we still need: {reason}. Please add it by {until}, case {number}. Then we carry on.",
        ),
        "待补正",
        "{reason}",
        sms=Form("case_correction", {"item": "{item}", "number": "{number}", "until": "{until}"}),
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "case_accepted": _case(
        Text("受理了：{item}", "Accepted: {item}"),
        Text(
            "“{item}”受理了，办件号 {number}。最晚 {until} 出结果。",
            "“{item}” is accepted, case {number}. You get the result by {until} at the latest.",
        ),
        "已受理",
        "打开看什么时候出结果",
        statutory=True,
    ),
    "case_decided": _case(
        Text("有结果了：{item}", "Decided: {item}"),
        Text(
            "“{item}”有结果了：{reason}。办件号 {number}。打开可以看决定书；不同意也可以看怎么申请复议。",
            "“{item}” is decided: {reason}. Case {number}. Open it to read the decision and how to appeal.",
        ),
        "已办结",
        "打开看结果",
        sms=Form("case_decided", {"item": "{item}", "number": "{number}"}),
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "case_result": _case(
        Text("可以拿结果了：{item}", "Ready for you: {item}"),
        Text(
            "“{item}”的结果做好了，办件号 {number}。到{hall}拿，或者打开选快递送到家。",
            "The result of “{item}” is ready, case {number}. Fetch it at {hall}, or open this to have it sent to you.",
        ),
        "可领取",
        "到大厅拿，或选快递",
        statutory=True,
    ),
    "case_returned": _case(
        Text("请改一下：{item}", "Please change it: {item}"),
        Text(
            "“{item}”看过了，要改：{reason}。请在 {until} 以前改好再提交，办件号 {number}。",
            "We looked at “{item}”. Please change: {reason}. Hand it in again by {until}, case {number}.",
        ),
        "已退回",
        "{reason}",
        importance=Importance.ANSWER,
        statutory=True,
    ),
    "case_checked": _case(
        Text("预审通过：{item}", "Checked: {item}"),
        Text(
            "“{item}”预审通过，请在 {until} 以前带原件到{hall}。办件号 {number}。",
            "“{item}” is checked. Please bring the originals to {hall} by {until}. Case {number}.",
        ),
        "预审通过",
        "请带原件到窗口",
        statutory=True,
    ),
    "case_not_accepted": _case(
        Text("不能受理：{item}", "Not accepted: {item}"),
        Text(
            "“{item}”不能受理：{reason}。办件号 {number}。打开可以看通知书，也可以看怎么申请复议。",
            "“{item}” cannot be accepted: {reason}. Case {number}. Open it to read the notice and how to appeal.",
        ),
        "不予受理",
        "打开看原因",
        sms=Form("case_decided", {"item": "{item}", "number": "{number}"}),
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "case_special": _case(
        Text("要多一步：{item}", "One more step: {item}"),
        Text(
            "“{item}”要先做：{reason}。这一步的时间不算在期限里，最晚 {until} 结束。办件号 {number}。",
            "“{item}” needs one more step: {reason}. Its time does not count; it ends by {until}. Case {number}.",
        ),
        "特别程序",
        "{reason}",
        statutory=True,
    ),
    "case_extended": _case(
        Text("要晚一点：{item}", "It takes longer: {item}"),
        Text(
            "“{item}”经批准延长期限：{reason}。最晚 {until} 出结果，办件号 {number}。",
            "The time limit of “{item}” was extended: {reason}. You get the result by {until}, case {number}.",
        ),
        "延长期限",
        "打开看什么时候出结果",
        importance=Importance.ANSWER,
        statutory=True,
    ),
    "case_moved": _case(
        Text("转到{hall}办：{item}", "Moved to {hall}: {item}"),
        Text(
            "“{item}”的材料转到{hall}了，由那里接着办，你不用跑。办件号 {number}。",
            "The papers of “{item}” are now at {hall}, which carries on. You need not do anything. Case {number}.",
        ),
        "已转办",
        "由{hall}接着办",
    ),
    "case_message": _case(
        Text("工作人员回复你了：{item}", "Staff have answered: {item}"),
        Text(
            "“{item}”有新的回复，办件号 {number}。打开看。",
            "There is an answer about “{item}”, case {number}. Open this to read it.",
        ),
        "有新回复",
        "打开看回复",
        importance=Importance.ANSWER,
    ),
    "case_delivered": _case(
        Text("办完了：{item}", "All done: {item}"),
        Text(
            "“{item}”的结果已经交给你，办件号 {number}。打开可以给这次服务打分。",
            "You have the result of “{item}”, case {number}. Open this to tell us how it was.",
        ),
        "已送达",
        "打开可以打分",
    ),
    "case_withdrawn": _case(
        Text("撤回了：{item}", "Withdrawn: {item}"),
        Text(
            "“{item}”已经撤回，办件号 {number}。还要办的话，可以再申请。",
            "“{item}” is withdrawn, case {number}. You can apply again at any time.",
        ),
        "已撤回",
        "还要办可以再申请",
        importance=Importance.ANSWER,
    ),
    "case_ended": _case(
        Text("终止办理：{item}", "Ended: {item}"),
        Text(
            "“{item}”不再往下办了：{reason}。办件号 {number}。还要办的话，可以再申请。",
            "“{item}” was ended: {reason}. Case {number}. You can apply again at any time.",
        ),
        "已终止",
        "打开看原因",
        sms=Form("case_decided", {"item": "{item}", "number": "{number}"}),
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "bill_issued": _bill(
        Text("请交费：{amount} 元", "To pay: ¥{amount}"),
        Text(
            "办“{item}”要交 {amount} 元，缴款码 {number}。请在 {until} 以前交，打开就能付。",
            "“{item}” costs ¥{amount}, payment code {number}. Please pay by {until}; open this to pay.",
        ),
        "待缴费",
        "打开就能付",
        sms=Form("bill_issued", {"item": "{item}", "amount": "{amount}", "until": "{until}"}),
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "bill_deferred": _bill(
        Text("可以晚点交：{amount} 元", "More time to pay: ¥{amount}"),
        Text(
            "批准你缓缴：“{item}”的 {amount} 元，最晚 {until} 交，缴款码 {number}。",
            "You have more time: ¥{amount} for “{item}” may be paid until {until}, payment code {number}.",
        ),
        "已缓缴",
        "打开看最晚哪天交",
    ),
    "bill_paid": _bill(
        Text("交好了：{amount} 元", "Paid: ¥{amount}"),
        Text(
            "收到你办“{item}”交的 {amount} 元，缴款码 {number}。电子票据开好了会告诉你。",
            "We received ¥{amount} for “{item}”, payment code {number}. We tell you when the e-receipt is ready.",
        ),
        "已缴费",
        "票据开好了会告诉你",
        importance=Importance.ANSWER,
    ),
    "bill_refunded": _bill(
        Text("退款了：{amount} 元", "Refunded: ¥{amount}"),
        Text(
            "“{item}”的 {amount} 元退给你了，原路退回，一般 3 天到账。缴款码 {number}。",
            "¥{amount} for “{item}” goes back the way you paid, usually within 3 days. Payment code {number}.",
        ),
        "已退款",
        "原路退回，一般3天到账",
        statutory=True,
    ),
    "bill_returned": _bill(
        Text("多付的钱退给你：{amount} 元", "Going back to you: ¥{amount}"),
        Text(
            "“{item}”已经结清或不用再交，这次付的 {amount} 元原路退给你，一般 3 天到账。缴款码 {number}。",
            "“{item}” was settled or is no longer due, so the ¥{amount} you paid now go back the way they came, "
            "usually within 3 days. Payment code {number}.",
        ),
        "退款中",
        "重复付款，原路退回",
        sms=Form("bill_returned", {"item": "{item}", "amount": "{amount}"}),
        importance=Importance.CRITICAL,
        statutory=True,
    ),
    "bill_ebill": _bill(
        Text("电子票据开好了", "Your e-receipt is ready"),
        Text(
            "“{item}”的电子票据开好了，金额 {amount} 元。打开可以看，也可以下载。",
            "The e-receipt for “{item}”, ¥{amount}, is ready. Open it to read or download.",
        ),
        "已开票",
        "打开可以看，可以下载",
    ),
}
