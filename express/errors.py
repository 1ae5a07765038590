"""Refusals of the courier part, in words a citizen understands."""

from backend.core.errors import Conflict, InvalidInput, NotFound, ServiceError, Text


class AddressNotFound(NotFound):
    """No such entry in this person's address book."""

    code = "address_not_found"
    title = Text("没有这个地址，请重新选", "There is no such address. Choose another")


class AddressBookFull(Conflict):
    """An address book holds twenty addresses."""

    code = "address_book_full"
    title = Text("地址最多存 20 个，请先删一个", "You can keep 20 addresses. Delete one first")


class AddressRefused(InvalidInput):
    """The courier cannot use this address; `detail` holds the courier's words."""

    code = "address_refused"
    title = Text("快递送不到这个地址，请核对", "The courier cannot use this address. Check it")


class ShipmentNotFound(NotFound):
    """No such shipment, or not yours."""

    code = "shipment_not_found"
    title = Text("没有找到这个快递", "There is no such shipment")


class SubjectNotFound(NotFound):
    """What is to be mailed does not exist or is not yours."""

    code = "mail_subject_not_found"
    title = Text("没有找到要寄的办件，请核对", "What is to be mailed was not found. Check it")


class NotMailed(Conflict):
    """This item is not mailed that way, or this hall cannot mail."""

    code = "not_mailed"
    title = Text("这一项不能这样寄，请到大厅办", "This cannot be mailed that way. Please go to the hall")


class QuoteOver(Conflict):
    """The price or who pays has changed, or the quote is older than half an hour."""

    code = "quote_over"
    title = Text("邮费有变化，请重新看一下再下单", "The postage has changed. Look at it again, then order")


class AlreadyShipped(Conflict):
    """There is a shipment for this already; `shipment_id` is its id."""

    code = "already_shipped"
    title = Text("已经下过单了，不用再下", "It is ordered already. You need not order again")


class TooLateToCancel(Conflict):
    """The courier has it; it cannot be called off or sent elsewhere any more."""

    code = "too_late_to_cancel"
    title = Text("快递员已经收走，不能取消了", "The courier has it already. It cannot be cancelled")


class AddressFixed(Conflict):
    """The address cannot be changed in this state, or was changed once already."""

    code = "address_fixed"
    title = Text("现在不能改地址了", "The address cannot be changed now")


class CarrierBusy(ServiceError):
    """The courier's system gave no answer; nothing was ordered or changed that we know of."""

    status = 503
    code = "carrier_busy"
    title = Text("快递公司的系统暂时没有答复，请稍后再试", "The courier's system does not answer. Try again later")


class CarrierMissing(ServiceError):
    """No courier is set up."""

    status = 503
    code = "carrier_missing"
    title = Text("快递服务还没有开通", "No courier is set up yet")


class PickupTimeWrong(InvalidInput):
    """A courier is asked to come within the next seven days, at least half an hour from now."""

    code = "pickup_time_wrong"
    title = Text("请选今天起 7 天内的上门时间", "Choose a time within the next 7 days")


class LabelMissing(Conflict):
    """One of these shipments has no label: it is not ordered yet, or the courier is still making it."""

    code = "label_missing"
    title = Text("有的快递还没有面单，请稍后再打", "Some labels are not ready. Print them later")


class WaybillUnknown(NotFound):
    """No shipment of this hall that waits for the courier has this waybill."""

    code = "waybill_unknown"
    title = Text("本大厅没有这个待交寄的快递", "No shipment of this hall that waits for the courier has this number")


class SheetNotFound(NotFound):
    """No such hand-over sheet in this hall."""

    code = "sheet_not_found"
    title = Text("没有这张交接单", "There is no such hand-over sheet")


class SheetSigned(Conflict):
    """The courier has signed this sheet, or there is nothing on it."""

    code = "sheet_signed"
    title = Text("这张交接单已经签过，或者还是空的", "This sheet is signed already, or it is empty")


class NotInCabinet(Conflict):
    """Only what came back and lies in the hall's cabinet is handed over at the window."""

    code = "not_in_cabinet"
    title = Text("这件还不在大厅，不能领取", "It is not in the hall, so it cannot be handed over")


class AuthorisationNeeded(InvalidInput):
    """Somebody else may take it only with the applicant's written authorisation."""

    code = "authorisation_needed"
    title = Text("代领要有委托书，请填委托书编号", "An agent needs a written authorisation. Enter its number")


class TaskNotFound(NotFound):
    """No such open task in this hall."""

    code = "shipment_task_not_found"
    title = Text("没有这件待办，可能已经办了", "There is no such task; it may be done already")


class OutcomeNotFitting(InvalidInput):
    """This outcome does not end this kind of task."""

    code = "outcome_not_fitting"
    title = Text("这样处理不了这件待办", "This does not settle the task")


class PolicyTie(Conflict):
    """Another policy of the same priority would fit the same shipment, so nobody could say who pays."""

    code = "policy_tie"
    title = Text(
        "同一顺序的另一条政策也管这种快递，请改顺序或范围",
        "Another policy of the same priority covers this too. Change priority or scope",
    )


class PolicyNotFound(NotFound):
    """No such policy."""

    code = "policy_not_found"
    title = Text("没有这条邮费政策", "There is no such policy")


class PolicyMissing(Conflict):
    """No policy says who pays this postage."""

    code = "policy_missing"
    title = Text("还没有定这种快递谁付邮费", "Nobody has set who pays this postage")


class PolicyRefused(InvalidInput):
    """The parts of a policy do not go together; `detail` says which."""

    code = "policy_refused"
    title = Text("这条政策的内容有矛盾，请检查", "Parts of this policy do not go together")


class StatementDamaged(InvalidInput):
    """The courier's bill cannot be read; `detail` names the row."""

    code = "statement_damaged"
    title = Text("这份对账单读不出来，请检查文件", "This bill cannot be read. Check the file")


class StatementNotFound(NotFound):
    """No bill of that month has been read."""

    code = "statement_not_found"
    title = Text("这个月的对账单还没有导入", "The bill of that month has not been read")


class StatementSettled(Conflict):
    """The month is settled; its bill cannot be read again."""

    code = "statement_settled"
    title = Text("这个月已经结算，不能再改", "That month is settled and cannot be changed")


class DifferencesUnexplained(Conflict):
    """A month with differences is settled only with a reason."""

    code = "differences_unexplained"
    title = Text("还有差异，结算要写明原因", "There are differences. Give a reason to settle")
