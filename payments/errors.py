"""Refusals of the payment part, in words a citizen understands."""

from backend.core.errors import Conflict, Forbidden, InvalidInput, NotFound, ServiceError, Text


class BillNotFound(NotFound):
    """No bill has this code and this payer's name: which of the two is wrong is not told."""

    code = "bill_not_found"
    title = Text("没有找到，请核对缴款码和缴款人姓名", "Nothing found. Check the payment code and the payer's name")


class BillNotOpen(Conflict):
    """The bill is paid, void or out of time."""

    code = "bill_not_open"
    title = Text("这张缴费单现在不能交", "This bill cannot be paid now")


class BillBusy(Conflict):
    """Somebody may be paying right now; the bill cannot be changed until their order is closed."""

    code = "bill_busy"
    title = Text("有人正在付这笔钱，请过几分钟再试", "Somebody is paying this bill now. Try again in a few minutes")


class BillRefused(InvalidInput):
    """The lines of a bill break a money rule; `detail` says which."""

    code = "bill_refused"
    title = Text("这张缴费单不能开，请核对收费项目", "This bill cannot be issued. Check its items")


class DepartmentBears(BillRefused):
    """The department that orders the service pays for it; the applicant owes nothing (circular clause 21)."""

    code = "department_bears"
    title = Text("这笔费用由部门承担，不能向办事人开单", "The department bears this fee. The applicant is not billed")


class PayCodeWrong(InvalidInput):
    """A payment code that no notice here can bear."""

    code = "pay_code_wrong"
    title = Text("缴款码不对，请核对", "That is not a payment code. Check it")


class PayCodeTaken(Conflict):
    """Another bill of the region has this code."""

    code = "pay_code_taken"
    title = Text("这个缴款码已经用过了", "This payment code is in use")


class DecisionNeeded(Forbidden):
    """Lowering or deferring a bill needs a decision with its document number (money rule M6)."""

    code = "decision_needed"
    title = Text("减免或缓缴要有批准文号", "A reduction or deferral needs a decision with its document number")


class NotYourPayment(Forbidden):
    """Only who owes the bill or paid it may ask for its money back (domain sheet §1.9); a finder may read it."""

    code = "not_your_payment"
    title = Text("缴款人或付款的人才能申请退款", "Only the payer can ask for a refund")


class WayNotOffered(InvalidInput):
    """The collecting unit does not take this channel, or the channel needs something that is missing."""

    code = "way_not_offered"
    title = Text("这张缴费单不能这样付，请换一种方式", "This bill cannot be paid that way. Choose another")


class PreviousStillOpen(Conflict):
    """An earlier order may still be paid; a second one is opened only when that is excluded (money rule M3)."""

    code = "previous_still_open"
    title = Text(
        "上一次付款还没关闭，请等一分钟再试，不会重复扣款",
        "Your earlier payment is not closed yet. Wait a minute and try again; you will not be charged twice",
    )


class ChannelBusy(ServiceError):
    """The channel does not answer or asks to slow down; nothing was charged."""

    status = 503
    code = "channel_busy"
    title = Text(
        "支付通道繁忙，没有扣款，请稍后再试或换一种方式",
        "The payment service is busy; nothing was charged. Try later or another way",
    )


class ChannelRefused(Conflict):
    """The channel will not take this order."""

    code = "channel_refused"
    title = Text(
        "支付通道没有受理，没有扣款，请换一种方式",
        "The payment service refused; nothing was charged. Choose another way",
    )


class RefundTooMuch(Conflict):
    """More than what is left of the payment; the database decides."""

    code = "refund_too_much"
    title = Text("退款超过了还能退的金额", "That is more than what can still be refunded")


class NothingToRefund(Conflict):
    """The bill has no payment on a channel, so no refund can go back to it."""

    code = "nothing_to_refund"
    title = Text("这笔钱不是在线付的，请向财政部门申请退付", "This was not paid online. Apply to the finance office")


class SamePerson(Forbidden):
    """The second decision must be somebody else's."""

    code = "same_person"
    title = Text("要由另一个人来定", "Somebody else has to decide this")


class NothingProposed(Conflict):
    """There is no first decision to confirm, or it was another one."""

    code = "nothing_proposed"
    title = Text("还没有人提出这个处理办法", "Nobody has proposed this yet")


class CannotSettle(Conflict):
    """The sum that came is not the bill's, or the bill is no longer open: the money can only go back."""

    code = "cannot_settle"
    title = Text("金额不符或缴款书已经结清，只能退回", "The sum differs or the bill is settled: it can only go back")
