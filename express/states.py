"""The lives of a shipment 寄件, of a task 异常待办 about one, of a hand-over sheet and of a carrier's monthly bill."""

from enum import StrEnum

from backend.core.states import StateTable


class ShipmentState(StrEnum):
    """How far a shipment is. Unknown is a state, never a guess; PROGRESS in `tracking` tells the finer steps.

    ASKED waits for the hall to say that the papers are ready, UNPAID for the applicant's postage. HELD: it came back
    and lies in the hall's cabinet. CLOSED: handed over, with proof.
    """

    ASKED = "asked"
    UNPAID = "unpaid"
    PLACING = "placing"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    ORDERED = "ordered"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    UNDER_WAY = "under_way"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"
    HELD = "held"
    CLOSED = "closed"


class ShipmentEvent(StrEnum):
    """What can happen to a shipment. The SHOW events come from the carrier's whole list of events."""

    ASK = "ask"
    BEGIN = "begin"
    AWAIT_POSTAGE = "await_postage"
    RELEASE = "release"
    PAY = "pay"
    ORDERED = "ordered"
    LOSE = "lose"
    ABSENT = "absent"
    REFUSE = "refuse"
    CORRECT = "correct"
    START_CANCEL = "start_cancel"
    KEEP = "keep"
    CANCEL = "cancel"
    REPLACE = "replace"
    SHOW_ORDERED = "show_ordered"
    SHOW_UNDER_WAY = "show_under_way"
    SHOW_DELIVERED = "show_delivered"
    SHOW_RETURNED = "show_returned"
    SHOW_LOST = "show_lost"
    SHOW_CANCELLED = "show_cancelled"
    HOLD = "hold"
    PICK_UP = "pick_up"
    PROVE = "prove"
    REMAIL = "remail"


class TaskState(StrEnum):
    """Whether somebody still has to look at it. GONE: the carrier took back what it was about."""

    OPEN = "open"
    DONE = "done"
    GONE = "gone"


class TaskEvent(StrEnum):
    """What can happen to a task."""

    OPEN = "open"
    FINISH = "finish"
    VANISH = "vanish"


class SheetState(StrEnum):
    """A hand-over sheet is filled by scanning until the courier has signed it."""

    OPEN = "open"
    SIGNED = "signed"


class SheetEvent(StrEnum):
    """What can happen to a hand-over sheet."""

    OPEN = "open"
    SIGN = "sign"


class StatementState(StrEnum):
    """A carrier's monthly bill, until it is settled."""

    OPEN = "open"
    SETTLED = "settled"


class StatementEvent(StrEnum):
    """What can happen to a carrier's bill."""

    READ = "read"
    SETTLE = "settle"


S, V = ShipmentState, ShipmentEvent

SHIPMENT: StateTable[ShipmentState, ShipmentEvent] = StateTable(
    "shipment",
    {
        (S.ASKED, V.RELEASE): S.PLACING,
        (S.ASKED, V.AWAIT_POSTAGE): S.UNPAID,
        (S.ASKED, V.CANCEL): S.CANCELLED,
        (S.UNPAID, V.PAY): S.PLACING,
        (S.UNPAID, V.CANCEL): S.CANCELLED,
        (S.PLACING, V.ORDERED): S.ORDERED,
        (S.PLACING, V.LOSE): S.UNKNOWN,
        (S.PLACING, V.REFUSE): S.REFUSED,
        (S.UNKNOWN, V.ORDERED): S.ORDERED,
        (S.UNKNOWN, V.ABSENT): S.PLACING,
        (S.UNKNOWN, V.REFUSE): S.REFUSED,
        (S.REFUSED, V.CORRECT): S.PLACING,
        (S.REFUSED, V.CANCEL): S.CANCELLED,
        (S.ORDERED, V.START_CANCEL): S.CANCELLING,
        (S.ORDERED, V.SHOW_UNDER_WAY): S.UNDER_WAY,
        (S.ORDERED, V.SHOW_DELIVERED): S.DELIVERED,
        (S.ORDERED, V.SHOW_RETURNED): S.RETURNED,
        (S.ORDERED, V.SHOW_LOST): S.LOST,
        (S.ORDERED, V.SHOW_CANCELLED): S.CANCELLED,
        (S.CANCELLING, V.CANCEL): S.CANCELLED,
        (S.CANCELLING, V.REPLACE): S.PLACING,
        (S.CANCELLING, V.KEEP): S.ORDERED,
        (S.CANCELLING, V.SHOW_UNDER_WAY): S.UNDER_WAY,
        (S.CANCELLING, V.SHOW_DELIVERED): S.DELIVERED,
        (S.CANCELLING, V.SHOW_RETURNED): S.RETURNED,
        (S.CANCELLING, V.SHOW_LOST): S.LOST,
        (S.CANCELLED, V.SHOW_UNDER_WAY): S.UNDER_WAY,
        (S.CANCELLED, V.SHOW_DELIVERED): S.DELIVERED,
        (S.CANCELLED, V.SHOW_RETURNED): S.RETURNED,
        (S.CANCELLED, V.SHOW_LOST): S.LOST,
        (S.UNDER_WAY, V.SHOW_ORDERED): S.ORDERED,
        (S.UNDER_WAY, V.SHOW_DELIVERED): S.DELIVERED,
        (S.UNDER_WAY, V.SHOW_RETURNED): S.RETURNED,
        (S.UNDER_WAY, V.SHOW_LOST): S.LOST,
        (S.UNDER_WAY, V.SHOW_CANCELLED): S.CANCELLED,
        (S.DELIVERED, V.SHOW_ORDERED): S.ORDERED,
        (S.DELIVERED, V.SHOW_UNDER_WAY): S.UNDER_WAY,
        (S.DELIVERED, V.SHOW_RETURNED): S.RETURNED,
        (S.DELIVERED, V.SHOW_LOST): S.LOST,
        (S.DELIVERED, V.SHOW_CANCELLED): S.CANCELLED,
        (S.DELIVERED, V.PROVE): S.CLOSED,
        (S.CLOSED, V.SHOW_DELIVERED): S.DELIVERED,
        (S.CLOSED, V.SHOW_CANCELLED): S.CANCELLED,
        (S.CLOSED, V.SHOW_ORDERED): S.ORDERED,
        (S.CLOSED, V.SHOW_UNDER_WAY): S.UNDER_WAY,
        (S.CLOSED, V.SHOW_RETURNED): S.RETURNED,
        (S.CLOSED, V.SHOW_LOST): S.LOST,
        (S.RETURNED, V.SHOW_ORDERED): S.ORDERED,
        (S.RETURNED, V.SHOW_UNDER_WAY): S.UNDER_WAY,
        (S.RETURNED, V.SHOW_DELIVERED): S.DELIVERED,
        (S.RETURNED, V.SHOW_LOST): S.LOST,
        (S.RETURNED, V.SHOW_CANCELLED): S.CANCELLED,
        (S.RETURNED, V.HOLD): S.HELD,
        (S.HELD, V.PICK_UP): S.CLOSED,
        (S.HELD, V.REMAIL): S.CLOSED,
        (S.LOST, V.SHOW_ORDERED): S.ORDERED,
        (S.LOST, V.SHOW_UNDER_WAY): S.UNDER_WAY,
        (S.LOST, V.SHOW_DELIVERED): S.DELIVERED,
        (S.LOST, V.SHOW_RETURNED): S.RETURNED,
        (S.LOST, V.SHOW_CANCELLED): S.CANCELLED,
    },
    repeats=frozenset(
        {
            (S.PLACING, V.ABSENT),
            (S.PLACING, V.CORRECT),
            (S.UNKNOWN, V.LOSE),
            (S.ORDERED, V.ORDERED),
            (S.ORDERED, V.LOSE),
            (S.ORDERED, V.SHOW_ORDERED),
            (S.CANCELLING, V.START_CANCEL),
            (S.CANCELLING, V.SHOW_ORDERED),
            (S.CANCELLING, V.SHOW_CANCELLED),
            (S.CANCELLED, V.CANCEL),
            (S.CANCELLED, V.SHOW_ORDERED),
            (S.CANCELLED, V.SHOW_CANCELLED),
            (S.UNDER_WAY, V.SHOW_UNDER_WAY),
            (S.DELIVERED, V.SHOW_DELIVERED),
            (S.CLOSED, V.PROVE),
            (S.RETURNED, V.SHOW_RETURNED),
            (S.HELD, V.SHOW_RETURNED),
            (S.HELD, V.HOLD),
            (S.LOST, V.SHOW_LOST),
        }
    ),
)
"""Domain sheet §2.3: what the carrier says may be taken back, so delivered, returned and lost are not the end."""

TASK: StateTable[TaskState, TaskEvent] = StateTable(
    "shipment_task",
    {
        (TaskState.OPEN, TaskEvent.FINISH): TaskState.DONE,
        (TaskState.OPEN, TaskEvent.VANISH): TaskState.GONE,
    },
    repeats=frozenset({(TaskState.DONE, TaskEvent.FINISH), (TaskState.GONE, TaskEvent.VANISH)}),
)

SHEET: StateTable[SheetState, SheetEvent] = StateTable(
    "handover_sheet",
    {(SheetState.OPEN, SheetEvent.SIGN): SheetState.SIGNED},
    repeats=frozenset({(SheetState.SIGNED, SheetEvent.SIGN)}),
)

STATEMENT: StateTable[StatementState, StatementEvent] = StateTable(
    "carrier_statement",
    {(StatementState.OPEN, StatementEvent.SETTLE): StatementState.SETTLED},
    repeats=frozenset({(StatementState.SETTLED, StatementEvent.SETTLE)}),
)

TRACKED = (S.ORDERED, S.CANCELLING, S.UNDER_WAY, S.DELIVERED, S.RETURNED, S.LOST)
"""States in which the carrier is asked where it is; later only until the time after the final state is over."""

TO_CALL = (S.PLACING, S.UNKNOWN, S.CANCELLING)
"""States that end by a call to the carrier."""

LIVE = (S.ASKED, S.UNPAID, S.PLACING, S.UNKNOWN, S.REFUSED, S.ORDERED, S.CANCELLING, S.UNDER_WAY)
"""States in which a second shipment for the same thing and direction would be a duplicate."""
