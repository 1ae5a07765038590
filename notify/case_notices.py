"""Notices about cases, bills and shipments. Their forms are shared: an account may hold 25 templates at once."""

from datetime import timedelta

from backend.core.errors import Text
from notify.kinds import Form, Template
from notify.models import Importance


def _case(state: str, hint: str) -> Form:
    keys = {"thing1": "{item}", "character_string2": "{number}", "phrase3": state, "thing4": hint}
    return Form("case_progress", keys)


def _bill(state: str, hint: str) -> Form:
    return Form("bill_progress", {"thing1": "{item}", "amount2": "{amount}元", "phrase3": state, "thing4": hint})


def _shipment(state: str, hint: str) -> Form:
    keys = {"thing1": "{item}", "character_string2": "{number}", "phrase3": state, "thing4": hint}
    return Form("shipment_progress", keys)


CASES: dict[str, Template] = {
    "case_received": Template(
        kind="case",
        title=Text("收到你的材料：{item}", "We have your papers: {item}"),
        body=Text(
            "收到你办“{item}”的材料，办件号 {number}。我们看过以后告诉你能不能受理。",
            "We have your papers for “{item}”, case {number}. We will tell you whether we can take the case.",
        ),
        wechat=_case("已收到", "看过以后告诉你能不能受理"),
        mini=_case("已收到", "看过以后告诉你能不能受理"),
        importance=Importance.ANSWER,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_correction": Template(
        kind="case",
        title=Text("请补材料：{item}", "More papers needed: {item}"),
        body=Text(
            "办“{item}”还差材料：{reason}。请在 {until} 以前补上，办件号 {number}。补上以后我们接着办。",
            "For “{item}” we still need: {reason}. Please add it by {until}, case {number}. Then we carry on.",
        ),
        wechat=_case("待补正", "{reason}"),
        mini=_case("待补正", "{reason}"),
        sms=Form("case_correction", {"item": "{item}", "number": "{number}", "until": "{until}"}),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_accepted": Template(
        kind="case",
        title=Text("受理了：{item}", "Accepted: {item}"),
        body=Text(
            "“{item}”受理了，办件号 {number}。最晚 {until} 出结果。",
            "“{item}” is accepted, case {number}. You get the result by {until} at the latest.",
        ),
        wechat=_case("已受理", "打开看什么时候出结果"),
        mini=_case("已受理", "打开看什么时候出结果"),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_decided": Template(
        kind="case",
        title=Text("有结果了：{item}", "Decided: {item}"),
        body=Text(
            "“{item}”有结果了：{reason}。办件号 {number}。打开可以看决定书；不同意也可以看怎么申请复议。",
            "“{item}” is decided: {reason}. Case {number}. Open it to read the decision and how to appeal.",
        ),
        wechat=_case("已办结", "打开看结果"),
        mini=_case("已办结", "打开看结果"),
        sms=Form("case_decided", {"item": "{item}", "number": "{number}"}),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_result": Template(
        kind="case",
        title=Text("可以拿结果了：{item}", "Ready for you: {item}"),
        body=Text(
            "“{item}”的结果做好了，办件号 {number}。到{hall}拿，或者打开选快递送到家。",
            "The result of “{item}” is ready, case {number}. Fetch it at {hall}, or open this to have it sent to you.",
        ),
        wechat=_case("可领取", "到大厅拿，或选快递"),
        mini=_case("可领取", "到大厅拿，或选快递"),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_returned": Template(
        kind="case",
        title=Text("请改一下：{item}", "Please change it: {item}"),
        body=Text(
            "“{item}”看过了，要改：{reason}。请在 {until} 以前改好再提交，办件号 {number}。",
            "We looked at “{item}”. Please change: {reason}. Hand it in again by {until}, case {number}.",
        ),
        wechat=_case("已退回", "{reason}"),
        mini=_case("已退回", "{reason}"),
        importance=Importance.ANSWER,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_checked": Template(
        kind="case",
        title=Text("预审通过：{item}", "Checked: {item}"),
        body=Text(
            "“{item}”预审通过，请在 {until} 以前带原件到{hall}。办件号 {number}。",
            "“{item}” is checked. Please bring the originals to {hall} by {until}. Case {number}.",
        ),
        wechat=_case("预审通过", "请带原件到窗口"),
        mini=_case("预审通过", "请带原件到窗口"),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_not_accepted": Template(
        kind="case",
        title=Text("不能受理：{item}", "Not accepted: {item}"),
        body=Text(
            "“{item}”不能受理：{reason}。办件号 {number}。打开可以看通知书，也可以看怎么申请复议。",
            "“{item}” cannot be accepted: {reason}. Case {number}. Open it to read the notice and how to appeal.",
        ),
        wechat=_case("不予受理", "打开看原因"),
        mini=_case("不予受理", "打开看原因"),
        sms=Form("case_decided", {"item": "{item}", "number": "{number}"}),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_special": Template(
        kind="case",
        title=Text("要多一步：{item}", "One more step: {item}"),
        body=Text(
            "“{item}”要先做：{reason}。这一步的时间不算在期限里，最晚 {until} 结束。办件号 {number}。",
            "“{item}” needs one more step: {reason}. Its time does not count; it ends by {until}. Case {number}.",
        ),
        wechat=_case("特别程序", "{reason}"),
        mini=_case("特别程序", "{reason}"),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_extended": Template(
        kind="case",
        title=Text("要晚一点：{item}", "It takes longer: {item}"),
        body=Text(
            "“{item}”经批准延长期限：{reason}。最晚 {until} 出结果，办件号 {number}。",
            "The time limit of “{item}” was extended: {reason}. You get the result by {until}, case {number}.",
        ),
        wechat=_case("延长期限", "打开看什么时候出结果"),
        mini=_case("延长期限", "打开看什么时候出结果"),
        importance=Importance.ANSWER,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "case_moved": Template(
        kind="case",
        title=Text("转到{hall}办：{item}", "Moved to {hall}: {item}"),
        body=Text(
            "“{item}”的材料转到{hall}了，由那里接着办，你不用跑。办件号 {number}。",
            "The papers of “{item}” are now at {hall}, which carries on. You need not do anything. Case {number}.",
        ),
        wechat=_case("已转办", "由{hall}接着办"),
        mini=_case("已转办", "由{hall}接着办"),
        useful_for=timedelta(days=3),
    ),
    "case_message": Template(
        kind="case",
        title=Text("工作人员回复你了：{item}", "Staff have answered: {item}"),
        body=Text(
            "“{item}”有新的回复，办件号 {number}。打开看。",
            "There is an answer about “{item}”, case {number}. Open this to read it.",
        ),
        wechat=_case("有新回复", "打开看回复"),
        mini=_case("有新回复", "打开看回复"),
        importance=Importance.ANSWER,
        useful_for=timedelta(days=3),
    ),
    "case_delivered": Template(
        kind="case",
        title=Text("办完了：{item}", "All done: {item}"),
        body=Text(
            "“{item}”的结果已经交给你，办件号 {number}。打开可以给这次服务打分。",
            "You have the result of “{item}”, case {number}. Open this to tell us how it was.",
        ),
        wechat=_case("已送达", "打开可以打分"),
        mini=_case("已送达", "打开可以打分"),
        useful_for=timedelta(days=3),
    ),
    "case_withdrawn": Template(
        kind="case",
        title=Text("撤回了：{item}", "Withdrawn: {item}"),
        body=Text(
            "“{item}”已经撤回，办件号 {number}。还要办的话，可以再申请。",
            "“{item}” is withdrawn, case {number}. You can apply again at any time.",
        ),
        wechat=_case("已撤回", "还要办可以再申请"),
        mini=_case("已撤回", "还要办可以再申请"),
        importance=Importance.ANSWER,
        useful_for=timedelta(days=3),
    ),
    "case_ended": Template(
        kind="case",
        title=Text("终止办理：{item}", "Ended: {item}"),
        body=Text(
            "“{item}”不再往下办了：{reason}。办件号 {number}。还要办的话，可以再申请。",
            "“{item}” was ended: {reason}. Case {number}. You can apply again at any time.",
        ),
        wechat=_case("已终止", "打开看原因"),
        mini=_case("已终止", "打开看原因"),
        sms=Form("case_decided", {"item": "{item}", "number": "{number}"}),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "bill_issued": Template(
        kind="bill",
        title=Text("请交费：{amount} 元", "To pay: ¥{amount}"),
        body=Text(
            "办“{item}”要交 {amount} 元，缴款码 {number}。请在 {until} 以前交，打开就能付。",
            "“{item}” costs ¥{amount}, payment code {number}. Please pay by {until}; open this to pay.",
        ),
        wechat=_bill("待缴费", "打开就能付"),
        mini=_bill("待缴费", "打开就能付"),
        sms=Form("bill_issued", {"item": "{item}", "amount": "{amount}", "until": "{until}"}),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "bill_paid": Template(
        kind="bill",
        title=Text("交好了：{amount} 元", "Paid: ¥{amount}"),
        body=Text(
            "收到你办“{item}”交的 {amount} 元，缴款码 {number}。电子票据开好了会告诉你。",
            "We received ¥{amount} for “{item}”, payment code {number}. We tell you when the e-receipt is ready.",
        ),
        wechat=_bill("已缴费", "票据开好了会告诉你"),
        mini=_bill("已缴费", "票据开好了会告诉你"),
        importance=Importance.ANSWER,
        useful_for=timedelta(days=3),
    ),
    "bill_refunded": Template(
        kind="bill",
        title=Text("退款了：{amount} 元", "Refunded: ¥{amount}"),
        body=Text(
            "“{item}”的 {amount} 元退给你了，原路退回，一般 3 天到账。缴款码 {number}。",
            "¥{amount} for “{item}” goes back the way you paid, usually within 3 days. Payment code {number}.",
        ),
        wechat=_bill("已退款", "原路退回，一般3天到账"),
        mini=_bill("已退款", "原路退回，一般3天到账"),
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "bill_returned": Template(
        kind="bill",
        title=Text("多付的钱退给你：{amount} 元", "Going back to you: ¥{amount}"),
        body=Text(
            "“{item}”已经结清或不用再交，这次付的 {amount} 元原路退给你，一般 3 天到账。缴款码 {number}。",
            "“{item}” was settled or is no longer due, so the ¥{amount} you paid now go back the way they came, "
            "usually within 3 days. Payment code {number}.",
        ),
        wechat=_bill("退款中", "重复付款，原路退回"),
        mini=_bill("退款中", "重复付款，原路退回"),
        sms=Form("bill_returned", {"item": "{item}", "amount": "{amount}"}),
        importance=Importance.CRITICAL,
        statutory=True,
        useful_for=timedelta(days=3),
    ),
    "bill_ebill": Template(
        kind="bill",
        title=Text("电子票据开好了", "Your e-receipt is ready"),
        body=Text(
            "“{item}”的电子票据开好了，金额 {amount} 元。打开可以看，也可以下载。",
            "The e-receipt for “{item}”, ¥{amount}, is ready. Open it to read or download.",
        ),
        wechat=_bill("已开票", "打开可以看，可以下载"),
        mini=_bill("已开票", "打开可以看，可以下载"),
        useful_for=timedelta(days=3),
    ),
    "shipment_ordered": Template(
        kind="shipment",
        title=Text("快递下单了：{item}", "Delivery ordered: {item}"),
        body=Text(
            "“{item}”的快递下单了，单号 {number}。快递员会来取件。",
            "The delivery of “{item}” is ordered, number {number}. A courier will collect it.",
        ),
        wechat=_shipment("已下单", "快递员会来取件"),
        mini=_shipment("已下单", "快递员会来取件"),
        importance=Importance.ANSWER,
        useful_for=timedelta(days=3),
    ),
    "shipment_collected": Template(
        kind="shipment",
        title=Text("寄出了：{item}", "Sent: {item}"),
        body=Text(
            "“{item}”寄出了，单号 {number}。打开可以看到哪儿了。",
            "“{item}” is on its way, number {number}. Open this to see where it is.",
        ),
        wechat=_shipment("已寄出", "打开看到哪儿了"),
        mini=_shipment("已寄出", "打开看到哪儿了"),
        useful_for=timedelta(days=3),
    ),
    "shipment_out": Template(
        kind="shipment",
        title=Text("今天送到：{item}", "Arriving today: {item}"),
        body=Text(
            "“{item}”正在派送，单号 {number}。请留意电话，签收时带上证件。",
            "“{item}” is out for delivery, number {number}. Keep your phone near and your id at hand.",
        ),
        wechat=_shipment("派送中", "请留意电话"),
        mini=_shipment("派送中", "请留意电话"),
    ),
    "shipment_delivered": Template(
        kind="shipment",
        title=Text("签收了：{item}", "Delivered: {item}"),
        body=Text(
            "“{item}”签收了，单号 {number}。不是你收的，请打 11183。",
            "“{item}” was delivered, number {number}. If you did not get it, call 11183.",
        ),
        wechat=_shipment("已签收", "没收到请打11183"),
        mini=_shipment("已签收", "没收到请打11183"),
        useful_for=timedelta(days=3),
    ),
    "shipment_failed": Template(
        kind="shipment",
        title=Text("没送到：{item}", "Not delivered: {item}"),
        body=Text(
            "“{item}”没送到：{reason}。单号 {number}。打开可以改时间或地址。",
            "“{item}” could not be delivered: {reason}. Number {number}. Open this to change time or address.",
        ),
        wechat=_shipment("未送达", "打开可以改时间或地址"),
        mini=_shipment("未送达", "打开可以改时间或地址"),
        importance=Importance.CRITICAL,
        useful_for=timedelta(days=3),
    ),
}
