"""A legal hold 法律保全, as data: it takes two people to lift one."""

from enum import StrEnum

from backend.core.states import StateTable


class HoldState(StrEnum):
    """LIFTING: somebody asked to lift it; it holds until another person agrees."""

    ACTIVE = "active"
    LIFTING = "lifting"
    LIFTED = "lifted"


class HoldEvent(StrEnum):
    """What can happen to a hold."""

    PLACE = "place"
    ASK_LIFT = "ask_lift"
    KEEP = "keep"
    LIFT = "lift"


LEGAL_HOLD: StateTable[HoldState, HoldEvent] = StateTable(
    "legal_hold",
    {
        (HoldState.ACTIVE, HoldEvent.ASK_LIFT): HoldState.LIFTING,
        (HoldState.LIFTING, HoldEvent.KEEP): HoldState.ACTIVE,
        (HoldState.LIFTING, HoldEvent.LIFT): HoldState.LIFTED,
    },
)
