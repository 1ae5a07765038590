"""The life of a version of an item 事项版本, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class VersionState(StrEnum):
    """Where a version stands. SCHEDULED: published, in force from a later day."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


class VersionEvent(StrEnum):
    """What can happen to a version. CALL_OFF: published, but it shall not take effect after all."""

    BEGIN = "begin"
    SUBMIT = "submit"
    GIVE_BACK = "give_back"
    PUBLISH = "publish"
    TAKE_EFFECT = "take_effect"
    SUPERSEDE = "supersede"
    DISCARD = "discard"
    CALL_OFF = "call_off"


V, E = VersionState, VersionEvent

ITEM_VERSION: StateTable[VersionState, VersionEvent] = StateTable(
    "item_version",
    {
        (V.DRAFT, E.SUBMIT): V.IN_REVIEW,
        (V.DRAFT, E.DISCARD): V.DISCARDED,
        (V.IN_REVIEW, E.GIVE_BACK): V.DRAFT,
        (V.IN_REVIEW, E.PUBLISH): V.SCHEDULED,
        (V.IN_REVIEW, E.DISCARD): V.DISCARDED,
        (V.SCHEDULED, E.TAKE_EFFECT): V.IN_FORCE,
        (V.SCHEDULED, E.CALL_OFF): V.DISCARDED,
        (V.IN_FORCE, E.SUPERSEDE): V.SUPERSEDED,
    },
    repeats=frozenset({(V.IN_REVIEW, E.SUBMIT), (V.DISCARDED, E.DISCARD), (V.IN_FORCE, E.TAKE_EFFECT)}),
)
OPEN = (V.DRAFT, V.IN_REVIEW, V.SCHEDULED)
"""An item has at most one version that is not over and not yet in force."""
