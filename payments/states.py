"""The lives of a bill 缴款书, of an attempt to pay it, and of a refund, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class BillState(StrEnum):
    """What the bill is now. "Being paid" and "refunded" are read from its attempts and refunds."""

    ISSUED = "issued"
    PAID = "paid"
    CONFIRMED = "confirmed"
    EBILL_ISSUED = "ebill_issued"
    VOID = "void"
    EXPIRED = "expired"


class BillEvent(StrEnum):
    """What can happen to a bill."""

    ISSUE = "issue"
    PAY = "pay"
    CONFIRM = "confirm"
    ISSUE_EBILL = "issue_ebill"
    VOID = "void"
    EXPIRE = "expire"


class AttemptState(StrEnum):
    """What we know of one number at one channel. Unknown is a state, never a guess.

    PAID is the attempt that settled its bill. PAID_LATE lasts no longer than its transaction. The money of a
    REFUND_DUE attempt goes back by itself, that of one in SUSPENSE waits for two people.
    """

    NEW = "new"
    CREATED = "created"
    CREATE_UNKNOWN = "create_unknown"
    CREATE_FAILED = "create_failed"
    CLOSING = "closing"
    CLOSED = "closed"
    PAID = "paid"
    PAID_LATE = "paid_late"
    SUSPENSE = "suspense"
    REFUND_DUE = "refund_due"
    RETURNED = "returned"


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    OPEN = "open"
    CREATED = "created"
    LOSE = "lose"
    REFUSE = "refuse"
    START_CLOSING = "start_closing"
    CLOSE = "close"
    PAY = "pay"
    PAY_LATE = "pay_late"
    SUSPECT = "suspect"
    GIVE_BACK = "give_back"
    RETURNED = "returned"


class RefundState(StrEnum):
    """How far a refund is. APPROVED waits to be sent; ABNORMAL waits for staff."""

    REQUESTED = "requested"
    UNIT_APPROVED = "unit_approved"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUBMITTED = "submitted"
    SUBMIT_UNKNOWN = "submit_unknown"
    SUCCESS = "success"
    ABNORMAL = "abnormal"
    CLOSED = "closed"
    MANUAL_DONE = "manual_done"


class RefundEvent(StrEnum):
    """What can happen to a refund. RECORD is a refund that the bank or finance made outside our books."""

    REQUEST = "request"
    ORDER = "order"
    RECORD = "record"
    UNIT_APPROVE = "unit_approve"
    FINANCE_APPROVE = "finance_approve"
    REJECT = "reject"
    SUBMIT = "submit"
    LOSE = "lose"
    ABSENT = "absent"
    SUCCEED = "succeed"
    FAIL = "fail"
    CLOSE = "close"
    DO_BY_HAND = "do_by_hand"


B, A, R = BillState, AttemptState, RefundState

BILL: StateTable[BillState, BillEvent] = StateTable(
    "bill",
    {
        (B.ISSUED, BillEvent.PAY): B.PAID,
        (B.PAID, BillEvent.CONFIRM): B.CONFIRMED,
        (B.CONFIRMED, BillEvent.ISSUE_EBILL): B.EBILL_ISSUED,
        (B.ISSUED, BillEvent.VOID): B.VOID,
        (B.ISSUED, BillEvent.EXPIRE): B.EXPIRED,
    },
    repeats=frozenset(
        {
            (B.CONFIRMED, BillEvent.CONFIRM),
            (B.EBILL_ISSUED, BillEvent.CONFIRM),
            (B.EBILL_ISSUED, BillEvent.ISSUE_EBILL),
            (B.VOID, BillEvent.VOID),
            (B.EXPIRED, BillEvent.EXPIRE),
        }
    ),
)
"""ARCHITECTURE §5; everything else is refused."""

ATTEMPT: StateTable[AttemptState, AttemptEvent] = StateTable(
    "payment_attempt",
    {
        (A.NEW, AttemptEvent.CREATED): A.CREATED,
        (A.NEW, AttemptEvent.LOSE): A.CREATE_UNKNOWN,
        (A.NEW, AttemptEvent.REFUSE): A.CREATE_FAILED,
        (A.NEW, AttemptEvent.START_CLOSING): A.CLOSING,
        (A.NEW, AttemptEvent.PAY): A.PAID,
        (A.NEW, AttemptEvent.GIVE_BACK): A.REFUND_DUE,
        (A.NEW, AttemptEvent.SUSPECT): A.SUSPENSE,
        (A.CREATE_UNKNOWN, AttemptEvent.CREATED): A.CREATED,
        (A.CREATE_UNKNOWN, AttemptEvent.REFUSE): A.CREATE_FAILED,
        (A.CREATE_UNKNOWN, AttemptEvent.START_CLOSING): A.CLOSING,
        (A.CREATE_UNKNOWN, AttemptEvent.PAY): A.PAID,
        (A.CREATE_UNKNOWN, AttemptEvent.GIVE_BACK): A.REFUND_DUE,
        (A.CREATE_UNKNOWN, AttemptEvent.SUSPECT): A.SUSPENSE,
        (A.CREATED, AttemptEvent.START_CLOSING): A.CLOSING,
        (A.CREATED, AttemptEvent.PAY): A.PAID,
        (A.CREATED, AttemptEvent.GIVE_BACK): A.REFUND_DUE,
        (A.CREATED, AttemptEvent.SUSPECT): A.SUSPENSE,
        (A.CLOSING, AttemptEvent.CLOSE): A.CLOSED,
        (A.CLOSING, AttemptEvent.PAY): A.PAID,
        (A.CLOSING, AttemptEvent.GIVE_BACK): A.REFUND_DUE,
        (A.CLOSING, AttemptEvent.SUSPECT): A.SUSPENSE,
        (A.CLOSED, AttemptEvent.PAY_LATE): A.PAID_LATE,
        (A.CLOSED, AttemptEvent.SUSPECT): A.SUSPENSE,
        (A.CREATE_FAILED, AttemptEvent.PAY_LATE): A.PAID_LATE,
        (A.CREATE_FAILED, AttemptEvent.SUSPECT): A.SUSPENSE,
        (A.PAID_LATE, AttemptEvent.PAY): A.PAID,
        (A.PAID_LATE, AttemptEvent.GIVE_BACK): A.REFUND_DUE,
        (A.SUSPENSE, AttemptEvent.PAY): A.PAID,
        (A.SUSPENSE, AttemptEvent.GIVE_BACK): A.REFUND_DUE,
        (A.REFUND_DUE, AttemptEvent.RETURNED): A.RETURNED,
    },
    repeats=frozenset(
        {
            (A.CREATED, AttemptEvent.CREATED),
            (A.CREATED, AttemptEvent.LOSE),
            (A.CREATE_UNKNOWN, AttemptEvent.LOSE),
            (A.CLOSING, AttemptEvent.CREATED),
            (A.CLOSING, AttemptEvent.LOSE),
            (A.CLOSING, AttemptEvent.START_CLOSING),
            (A.CLOSED, AttemptEvent.CREATED),
            (A.CLOSED, AttemptEvent.LOSE),
            (A.CLOSED, AttemptEvent.CLOSE),
            (A.PAID, AttemptEvent.CREATED),
            (A.PAID, AttemptEvent.LOSE),
            (A.SUSPENSE, AttemptEvent.CREATED),
            (A.SUSPENSE, AttemptEvent.LOSE),
            (A.REFUND_DUE, AttemptEvent.CREATED),
            (A.REFUND_DUE, AttemptEvent.LOSE),
            (A.RETURNED, AttemptEvent.CREATED),
            (A.RETURNED, AttemptEvent.LOSE),
        }
    ),
)
"""Reliability sheet §2.3. An answer to the creation that comes after the money changes nothing (P1)."""

REFUND: StateTable[RefundState, RefundEvent] = StateTable(
    "refund",
    {
        (R.REQUESTED, RefundEvent.UNIT_APPROVE): R.UNIT_APPROVED,
        (R.REQUESTED, RefundEvent.REJECT): R.REJECTED,
        (R.UNIT_APPROVED, RefundEvent.FINANCE_APPROVE): R.APPROVED,
        (R.UNIT_APPROVED, RefundEvent.REJECT): R.REJECTED,
        (R.APPROVED, RefundEvent.SUBMIT): R.SUBMITTED,
        (R.APPROVED, RefundEvent.LOSE): R.SUBMIT_UNKNOWN,
        (R.APPROVED, RefundEvent.SUCCEED): R.SUCCESS,
        (R.APPROVED, RefundEvent.FAIL): R.ABNORMAL,
        (R.APPROVED, RefundEvent.CLOSE): R.CLOSED,
        (R.APPROVED, RefundEvent.DO_BY_HAND): R.MANUAL_DONE,
        (R.SUBMIT_UNKNOWN, RefundEvent.SUBMIT): R.SUBMITTED,
        (R.SUBMIT_UNKNOWN, RefundEvent.ABSENT): R.APPROVED,
        (R.SUBMIT_UNKNOWN, RefundEvent.SUCCEED): R.SUCCESS,
        (R.SUBMIT_UNKNOWN, RefundEvent.FAIL): R.ABNORMAL,
        (R.SUBMIT_UNKNOWN, RefundEvent.CLOSE): R.CLOSED,
        (R.SUBMITTED, RefundEvent.SUCCEED): R.SUCCESS,
        (R.SUBMITTED, RefundEvent.FAIL): R.ABNORMAL,
        (R.SUBMITTED, RefundEvent.CLOSE): R.CLOSED,
        (R.ABNORMAL, RefundEvent.SUBMIT): R.SUBMITTED,
        (R.ABNORMAL, RefundEvent.LOSE): R.SUBMIT_UNKNOWN,
        (R.ABNORMAL, RefundEvent.SUCCEED): R.SUCCESS,
        (R.ABNORMAL, RefundEvent.CLOSE): R.CLOSED,
        (R.ABNORMAL, RefundEvent.DO_BY_HAND): R.MANUAL_DONE,
    },
    repeats=frozenset(
        {
            (R.APPROVED, RefundEvent.ABSENT),
            (R.SUBMIT_UNKNOWN, RefundEvent.LOSE),
            (R.SUBMITTED, RefundEvent.SUBMIT),
            (R.SUBMITTED, RefundEvent.LOSE),
            (R.SUBMITTED, RefundEvent.ABSENT),
            (R.ABNORMAL, RefundEvent.FAIL),
            (R.ABNORMAL, RefundEvent.ABSENT),
            (R.SUCCESS, RefundEvent.SUBMIT),
            (R.SUCCESS, RefundEvent.LOSE),
            (R.SUCCESS, RefundEvent.ABSENT),
            (R.SUCCESS, RefundEvent.SUCCEED),
            (R.SUCCESS, RefundEvent.FAIL),
            (R.SUCCESS, RefundEvent.CLOSE),
            (R.CLOSED, RefundEvent.SUBMIT),
            (R.CLOSED, RefundEvent.LOSE),
            (R.CLOSED, RefundEvent.ABSENT),
            (R.CLOSED, RefundEvent.CLOSE),
            (R.MANUAL_DONE, RefundEvent.SUBMIT),
            (R.MANUAL_DONE, RefundEvent.LOSE),
            (R.MANUAL_DONE, RefundEvent.ABSENT),
            (R.MANUAL_DONE, RefundEvent.FAIL),
            (R.MANUAL_DONE, RefundEvent.CLOSE),
        }
    ),
)
"""Reliability sheet §2.3, with the two approvals of domain sheet §1.9. What is final does not move any more."""

LIVE = (A.NEW, A.CREATED, A.CREATE_UNKNOWN, A.CLOSING)
"""States in which the payer may still pay, as far as we know. A bill has one attempt in them at most."""

MONEY_CAME = (A.PAID, A.PAID_LATE, A.SUSPENSE, A.REFUND_DUE, A.RETURNED)
"""States that rest on verified proof of money."""

SETTLED = (B.PAID, B.CONFIRMED, B.EBILL_ISSUED)
"""States of a bill whose money is there."""

REFUND_RESERVES = (R.REQUESTED, R.UNIT_APPROVED, R.APPROVED, R.SUBMITTED, R.SUBMIT_UNKNOWN, R.ABNORMAL)
"""States in which the amount of a refund is reserved on its attempt."""

REFUND_DONE = (R.SUCCESS, R.MANUAL_DONE)
"""States in which the money has gone back."""
