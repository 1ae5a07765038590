"""Refusals of filing and of handling cases."""

from backend.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Text


class ApplicationNotFound(NotFound):
    """No such application, or not yours."""

    code = "application_not_found"
    title = Text("没有找到这份申请", "There is no such application")


class CaseNotFound(NotFound):
    """No such case, or not yours or your hall's: all look the same."""

    code = "case_not_found"
    title = Text("没有找到这个办件", "There is no such case")


class NotFiledOnline(Conflict):
    """The item is only explained here, or another site takes it; `url` leads there."""

    code = "not_filed_online"
    title = Text("这个事项不能在这里申请，请看办事指南", "This cannot be filed here. See its guide")


class ApplicantNotAllowed(InvalidInput):
    """The item is not for this applicant: a person, an organisation, or somebody you may not act for."""

    code = "applicant_not_allowed"
    title = Text("不能用这个身份申请这个事项", "This applicant cannot file this item")


class AnotherDevice(Conflict):
    """Another device saved first: the newest answers are in `application`, nothing was overwritten."""

    code = "saved_elsewhere"
    title = Text("你在别的设备上改过，请看一下再继续", "You changed this on another device. Have a look, then go on")


class ApplicationClosed(Conflict):
    """It was submitted, discarded or has expired."""

    code = "application_closed"
    title = Text("这份申请已经不能改了", "This application can no longer be changed")


class AnswersIncomplete(InvalidInput):
    """Answers or materials are missing or wrong; each is named."""

    code = "answers_incomplete"
    title = Text("还有没填好的地方，请看一下", "Some things are missing or wrong")


class CommitmentChanged(Conflict):
    """The letter has new words since it was shown, or the item asks for none."""

    code = "commitment_changed"
    title = Text("承诺书的内容改了，请再读一遍", "The letter has new words. Please read it again")


class FilesPending(Conflict):
    """A file is still on its way or being checked."""

    code = "files_pending"
    title = Text("文件还在传或还在检查，请等一会儿", "A file is still being sent or checked. Wait a moment")


class MaterialNotAskedFor(InvalidInput):
    """The item asks for no such material, and nobody may demand it."""

    code = "material_not_asked_for"
    title = Text("这个事项不要这份材料", "This item does not ask for that")


class ProofCancelled(MaterialNotAskedFor):
    """The proof is cancelled: nobody may ask for it, and the field's words say what serves instead (clause 20)."""

    code = "proof_cancelled"
    title = Text("这个证明已经取消，不用再交", "This proof is cancelled. Nobody may ask for it")


class DemandNotFound(NotFound):
    """No such entry, or another hall's."""

    code = "demand_not_found"
    title = Text("没有找到这条记录", "There is no such entry")


class DemandSettled(Conflict):
    """Somebody has dealt with it."""

    code = "demand_settled"
    title = Text("这条已经处理过了", "This has been dealt with")


class MaterialUnusable(InvalidInput):
    """The file or licence is not yours, not checked, or the licence has expired."""

    code = "material_unusable"
    title = Text("这份文件或证照不能用", "This file or licence cannot be used")


class FilingCodeWrong(InvalidInput):
    """The confirmation code is wrong, used, or older than ten minutes: all look the same."""

    code = "filing_code_wrong"
    title = Text("确认码不对或已过期，请办事人重新取一个", "The code is wrong or has expired. Ask for a new one")


class NotConfirmed(Conflict):
    """A partner point files only what the citizen has confirmed."""

    code = "not_confirmed"
    title = Text("要先输入办事人的确认码", "The citizen's code is needed first")


class OtherHand(Forbidden):
    """Accepting, deciding and issuing one case are three people's work (circular, clause 7)."""

    code = "other_hand_needed"
    title = Text("收件、审批、出件要由不同的人做", "Another member of staff must do this step")


class InCabinet(Conflict):
    """What the courier brought back is handed over where its shipment is (clause 18)."""

    code = "result_in_cabinet"
    title = Text(
        "这份结果是快递退回来的，请到“快递”里打开它，办窗口领取",
        "The courier brought this back: open it under Mail and hand it over there",
    )


class CorrectionTold(Conflict):
    """Corrections are told once, and everything at once (行政许可法 32)."""

    code = "correction_told"
    title = Text("补正只能一次说清，已经说过了", "Corrections are told once, and they have been told")


class PapersNeeded(Conflict):
    """The originals have to be seen at a window first."""

    code = "papers_needed"
    title = Text("要先收到原件", "The originals must be received first")


class StepNotListed(InvalidInput):
    """Only a step of the published list stops the clock (circular, clause 22)."""

    code = "step_not_listed"
    title = Text("特别程序清单里没有这一项", "The published list has no such step for this item")


class ExtensionUsed(Conflict):
    """A limit is extended once, by at most what the law allows."""

    code = "extension_used"
    title = Text("不能再延长期限了", "The limit cannot be extended further")


class OpinionsMissing(Conflict):
    """Every department of a joint handling answers before the decision."""

    code = "opinions_missing"
    title = Text("还有部门没有给出意见", "Not every department has answered")


class FeeUnpaid(Conflict):
    """The result is handed over once the fee is paid."""

    code = "fee_unpaid"
    title = Text("费用还没有交", "The fee is not paid yet")


class DeliveryNotAgreed(Conflict):
    """The applicant has not chosen this way, or not agreed to it."""

    code = "delivery_not_agreed"
    title = Text("办事人没有选这种领取方式", "The applicant has not chosen this way")


class ResultMissing(Conflict):
    """There is no result to hand over, or no written decision."""

    code = "result_missing"
    title = Text("还没有结果文件或文号", "There is no result or document number yet")


class InTransit(Conflict):
    """The papers are between two halls; whoever receives them goes on."""

    code = "in_transit"
    title = Text("材料还在路上，收到以后再办", "The papers are on their way. Go on when they have arrived")


class TransferNotAllowed(InvalidInput):
    """That hall does not handle the item, or has the case already."""

    code = "transfer_not_allowed"
    title = Text("不能转到这个大厅", "The case cannot be handed to that hall")


class NotAcceptedYet(Conflict):
    """A receipt of acceptance exists once the case was accepted."""

    code = "not_accepted_yet"
    title = Text("还没有受理，受理后才有回执", "It is not accepted yet. There is a receipt once it is")
