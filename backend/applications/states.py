"""The life of an application 申请, a case 办件, a part 并联 and a hand-over 转办, as data; and whose step it is."""

from enum import StrEnum
from typing import Final

from backend.core.states import StateTable


class ApplicationState(StrEnum):
    """What the citizen may still do with what they fill in."""

    OPEN = "open"
    SUBMITTED = "submitted"
    REOPENED = "reopened"
    EXPIRED = "expired"
    DISCARDED = "discarded"


class ApplicationEvent(StrEnum):
    """What can happen to it."""

    START = "start"
    SUBMIT = "submit"
    REOPEN = "reopen"
    SHUT = "shut"
    EXPIRE = "expire"
    DISCARD = "discard"


class CaseState(StrEnum):
    """States of domain sheet §3.2."""

    SUBMITTED = "submitted"
    PRE_RETURNED = "pre_returned"
    PRE_APPROVED = "pre_approved"
    RECEIVED = "received"
    CORRECTING = "correcting"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    AWAITING_FEE = "awaiting_fee"
    REVIEWING = "reviewing"
    SPECIAL = "special"
    GRANTED = "granted"
    DENIED = "denied"
    CONCLUDED = "concluded"
    READY = "ready"
    MAILED = "mailed"
    DELIVERED = "delivered"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"


class CaseEvent(StrEnum):
    """What can happen to a case."""

    SUBMIT = "submit"
    RETURN = "return"
    PRE_APPROVE = "pre_approve"
    RECEIVE = "receive"
    CORRECT = "correct"
    RESUBMIT = "resubmit"
    ACCEPT = "accept"
    NOT_ACCEPT = "not_accept"
    AWAIT_FEE = "await_fee"
    SETTLE = "settle"
    REVIEW = "review"
    PAUSE = "pause"
    RESUME = "resume"
    GRANT = "grant"
    DENY = "deny"
    CONCLUDE = "conclude"
    OFFER = "offer"
    MAIL = "mail"
    COME_BACK = "come_back"
    DELIVER = "deliver"
    WITHDRAW = "withdraw"
    TERMINATE = "terminate"
    LAPSE = "lapse"


class PartState(StrEnum):
    """One department's answer in a joint handling."""

    PENDING = "pending"
    AGREED = "agreed"
    REFUSED = "refused"


class PartEvent(StrEnum):
    """What can happen to a part."""

    ASK = "ask"
    AGREE = "agree"
    REFUSE = "refuse"


class TransferState(StrEnum):
    """Where papers are between two halls."""

    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    CALLED_BACK = "called_back"


class TransferEvent(StrEnum):
    """What can happen to a hand-over."""

    SEND = "send"
    RECEIVE = "receive"
    CALL_BACK = "call_back"


A, AE = ApplicationState, ApplicationEvent
C, E = CaseState, CaseEvent
P, PE = PartState, PartEvent
T, TE = TransferState, TransferEvent

APPLICATION: StateTable[ApplicationState, ApplicationEvent] = StateTable(
    "application",
    {
        (A.OPEN, AE.SUBMIT): A.SUBMITTED,
        (A.SUBMITTED, AE.REOPEN): A.REOPENED,
        (A.REOPENED, AE.SUBMIT): A.SUBMITTED,
        (A.REOPENED, AE.SHUT): A.SUBMITTED,
        (A.OPEN, AE.EXPIRE): A.EXPIRED,
        (A.OPEN, AE.DISCARD): A.DISCARDED,
    },
    repeats=frozenset({(A.SUBMITTED, AE.SHUT), (A.DISCARDED, AE.DISCARD)}),
)

EDITABLE: Final = (A.OPEN, A.REOPENED)

UNDECIDED: Final = (
    C.SUBMITTED,
    C.PRE_RETURNED,
    C.PRE_APPROVED,
    C.RECEIVED,
    C.CORRECTING,
    C.ACCEPTED,
    C.AWAITING_FEE,
    C.REVIEWING,
    C.SPECIAL,
)
"""Before the decision: the applicant may withdraw, and a case that cannot go on may be ended."""

CASE: StateTable[CaseState, CaseEvent] = StateTable(
    "case",
    {
        (C.SUBMITTED, E.RETURN): C.PRE_RETURNED,
        (C.SUBMITTED, E.PRE_APPROVE): C.PRE_APPROVED,
        (C.SUBMITTED, E.RECEIVE): C.RECEIVED,
        (C.PRE_RETURNED, E.RESUBMIT): C.SUBMITTED,
        (C.PRE_RETURNED, E.LAPSE): C.TERMINATED,
        (C.PRE_APPROVED, E.RECEIVE): C.RECEIVED,
        (C.PRE_APPROVED, E.LAPSE): C.TERMINATED,
        (C.RECEIVED, E.CORRECT): C.CORRECTING,
        (C.RECEIVED, E.ACCEPT): C.ACCEPTED,
        (C.RECEIVED, E.NOT_ACCEPT): C.NOT_ACCEPTED,
        (C.CORRECTING, E.RESUBMIT): C.RECEIVED,
        (C.CORRECTING, E.LAPSE): C.TERMINATED,
        (C.ACCEPTED, E.AWAIT_FEE): C.AWAITING_FEE,
        (C.ACCEPTED, E.REVIEW): C.REVIEWING,
        (C.AWAITING_FEE, E.SETTLE): C.ACCEPTED,
        (C.REVIEWING, E.PAUSE): C.SPECIAL,
        (C.REVIEWING, E.GRANT): C.GRANTED,
        (C.REVIEWING, E.DENY): C.DENIED,
        (C.SPECIAL, E.RESUME): C.REVIEWING,
        (C.GRANTED, E.CONCLUDE): C.CONCLUDED,
        (C.DENIED, E.CONCLUDE): C.CONCLUDED,
        (C.CONCLUDED, E.OFFER): C.READY,
        (C.CONCLUDED, E.MAIL): C.MAILED,
        (C.CONCLUDED, E.DELIVER): C.DELIVERED,
        (C.READY, E.MAIL): C.MAILED,
        (C.READY, E.DELIVER): C.DELIVERED,
        (C.MAILED, E.COME_BACK): C.READY,
        (C.MAILED, E.DELIVER): C.DELIVERED,
        **{(state, E.WITHDRAW): C.WITHDRAWN for state in UNDECIDED},
        **{(state, E.TERMINATE): C.TERMINATED for state in UNDECIDED},
    },
    repeats=frozenset({(C.DELIVERED, E.DELIVER), (C.REVIEWING, E.RESUME), (C.ACCEPTED, E.SETTLE)}),
)

HANDED_OUT: Final = (C.CONCLUDED, C.READY, C.MAILED, C.DELIVERED)
"""The result may be seen by its applicant."""

FINAL: Final = (C.NOT_ACCEPTED, C.DELIVERED, C.WITHDRAWN, C.TERMINATED)

PART: StateTable[PartState, PartEvent] = StateTable(
    "case_part", {(P.PENDING, PE.AGREE): P.AGREED, (P.PENDING, PE.REFUSE): P.REFUSED}
)

TRANSFER: StateTable[TransferState, TransferEvent] = StateTable(
    "case_transfer",
    {(T.IN_TRANSIT, TE.RECEIVE): T.RECEIVED, (T.IN_TRANSIT, TE.CALL_BACK): T.CALLED_BACK},
    repeats=frozenset({(T.RECEIVED, TE.RECEIVE)}),
)

FRONT, DECIDE, ISSUE, MANAGE = "cases.receive", "cases.decide", "cases.issue", "cases.manage"

WHO: Final[dict[CaseEvent, str]] = {
    E.SUBMIT: "citizen",
    E.RESUBMIT: "citizen",
    E.WITHDRAW: "citizen",
    E.RETURN: FRONT,
    E.PRE_APPROVE: FRONT,
    E.RECEIVE: FRONT,
    E.CORRECT: FRONT,
    E.ACCEPT: FRONT,
    E.NOT_ACCEPT: FRONT,
    E.REVIEW: DECIDE,
    E.PAUSE: DECIDE,
    E.RESUME: DECIDE,
    E.GRANT: DECIDE,
    E.DENY: DECIDE,
    E.CONCLUDE: ISSUE,
    E.OFFER: ISSUE,
    E.MAIL: ISSUE,
    E.COME_BACK: ISSUE,
    E.DELIVER: ISSUE,
    E.TERMINATE: MANAGE,
    E.AWAIT_FEE: "system",
    E.SETTLE: "system",
    E.LAPSE: "system",
}
"""前台受理、后台审批、综合出件 (circular clause 7): the permission a step needs; citizen and system need none."""
