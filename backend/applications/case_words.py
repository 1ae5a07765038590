"""What a case's states and steps are called, and who acts next: plain words for applicants."""

from typing import Final

from backend.applications.case_models import Case
from backend.applications.states import CaseEvent, CaseState
from backend.core.errors import Text

S, E = CaseState, CaseEvent

MATERIALS = Text("交材料", "Add your documents")
CHECK = Text("检查并提交", "Check and hand in")
MOVED = Text("材料转到{hall}了", "Your papers moved to {hall}")

STATUS: Final[dict[CaseState, Text]] = {
    S.SUBMITTED: Text("已提交，等预审", "Handed in"),
    S.PRE_RETURNED: Text("预审退回", "Returned to you"),
    S.PRE_APPROVED: Text("预审通过，等收原件", "Checked; bring the originals"),
    S.RECEIVED: Text("已收件", "Received"),
    S.CORRECTING: Text("等你补正", "Waiting for your corrections"),
    S.ACCEPTED: Text("已受理", "Accepted"),
    S.NOT_ACCEPTED: Text("不予受理", "Not accepted"),
    S.AWAITING_FEE: Text("等你缴费", "Waiting for your payment"),
    S.REVIEWING: Text("审核中", "Under review"),
    S.SPECIAL: Text("特别程序中", "Special step under way"),
    S.GRANTED: Text("准予", "Granted"),
    S.DENIED: Text("不予", "Refused"),
    S.CONCLUDED: Text("已办结", "Done"),
    S.READY: Text("可以领取", "Ready to collect"),
    S.MAILED: Text("已寄出", "Sent"),
    S.DELIVERED: Text("已送达", "Delivered"),
    S.WITHDRAWN: Text("已撤回", "Withdrawn"),
    S.TERMINATED: Text("已终止", "Ended"),
}

NEXT: Final[dict[CaseState, Text]] = {
    S.SUBMITTED: Text("工作人员先看你的材料", "Staff look at your papers first"),
    S.PRE_RETURNED: Text("请改好再提交", "Change it and hand it in again"),
    S.PRE_APPROVED: Text("请带原件到窗口", "Bring the originals to the window"),
    S.RECEIVED: Text("5 个工作日内告诉你能不能受理", "You hear within 5 working days whether we can take it"),
    S.CORRECTING: Text("请补上缺的，再提交", "Add what is missing and hand it in"),
    S.ACCEPTED: Text("审批人员接着办", "An approver goes on"),
    S.NOT_ACCEPTED: Text("请看原因，不同意可以申请复议", "Read why; if you disagree, you can appeal"),
    S.AWAITING_FEE: Text("请缴费，交了接着办", "Please pay; then we go on"),
    S.REVIEWING: Text("审批人员正在审", "An approver is looking at it"),
    S.SPECIAL: Text("这一步的时间不算在期限里", "The time of this step does not count"),
    S.GRANTED: Text("正在做结果", "The result is being made"),
    S.DENIED: Text("正在做决定书", "The written decision is being made"),
    S.CONCLUDED: Text("请选怎么拿结果", "Choose how you get the result"),
    S.READY: Text("请到窗口领取", "Collect it at the window"),
    S.MAILED: Text("快递正在送", "It is on its way"),
    S.DELIVERED: Text("办完了，给我们打个分吧", "All done. Tell us how it was"),
    S.WITHDRAWN: Text("你已经撤回", "You withdrew it"),
    S.TERMINATED: Text("请看原因，不同意可以申请复议", "Read why; if you disagree, you can appeal"),
}

HAPPENED: Final[dict[str, Text]] = {
    E.SUBMIT: Text("提交了申请", "You handed it in"),
    E.RETURN: Text("退回请你修改", "Returned for changes"),
    E.PRE_APPROVE: Text("预审通过", "Checked and fine"),
    E.RECEIVE: Text("收到材料", "Papers received"),
    E.CORRECT: Text("请你补正", "Corrections asked for"),
    E.RESUBMIT: Text("重新提交了", "Handed in again"),
    E.ACCEPT: Text("受理了", "Accepted"),
    E.NOT_ACCEPT: Text("不予受理", "Not accepted"),
    E.AWAIT_FEE: Text("请你缴费", "Payment asked for"),
    E.SETTLE: Text("费用交好了", "Paid"),
    E.REVIEW: Text("开始审核", "Review began"),
    E.PAUSE: Text("进入特别程序", "Special step began"),
    E.RESUME: Text("特别程序结束", "Special step ended"),
    E.GRANT: Text("决定：准予", "Decision: granted"),
    E.DENY: Text("决定：不予", "Decision: refused"),
    E.CONCLUDE: Text("办结", "Result made"),
    E.OFFER: Text("结果可以领取", "Result ready to collect"),
    E.MAIL: Text("结果寄出", "Result sent"),
    E.COME_BACK: Text("快递退回，改到窗口领取", "Came back; collect it at the window"),
    E.DELIVER: Text("结果送达", "Result delivered"),
    E.WITHDRAW: Text("你撤回了", "You withdrew it"),
    E.TERMINATE: Text("终止办理", "Ended"),
    E.LAPSE: Text("没有按期补上，终止办理", "Ended: nothing came in time"),
}


def next_step(case: Case) -> Text:
    """Who acts next."""
    if case.state == S.CONCLUDED and case.delivery is not None:
        return Text("正在准备交给你", "It is being made ready for you")
    return NEXT[case.state]
