"""The life of an export of one's data 导出 and of a request to close an account 注销, as data."""

from enum import StrEnum

from backend.core.states import StateTable


class ExportState(StrEnum):
    """How far an export is. GONE: its week is over, or a newer one took its place."""

    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


class ExportEvent(StrEnum):
    """What can happen to an export."""

    ASK = "ask"
    FINISH = "finish"
    FAIL = "fail"
    EXPIRE = "expire"


class ErasureState(StrEnum):
    """How far a closing is. CLOSING: every way in is shut, and what was under way then comes to its end."""

    WAITING = "waiting"
    CANCELLED = "cancelled"
    CLOSING = "closing"
    ERASED = "erased"


class ErasureEvent(StrEnum):
    """What can happen to a closing."""

    ASK = "ask"
    UNDO = "undo"
    CLOSE = "close"
    ERASE = "erase"


X, XE = ExportState, ExportEvent
D, DE = ErasureState, ErasureEvent

EXPORT: StateTable[ExportState, ExportEvent] = StateTable(
    "personal_export",
    {
        (X.MAKING, XE.FINISH): X.READY,
        (X.MAKING, XE.FAIL): X.FAILED,
        (X.MAKING, XE.EXPIRE): X.GONE,
        (X.READY, XE.EXPIRE): X.GONE,
        (X.FAILED, XE.EXPIRE): X.GONE,
    },
    repeats=frozenset({(X.GONE, XE.EXPIRE)}),
)

ERASURE: StateTable[ErasureState, ErasureEvent] = StateTable(
    "erasure",
    {
        (D.WAITING, DE.UNDO): D.CANCELLED,
        (D.WAITING, DE.CLOSE): D.CLOSING,
        (D.CLOSING, DE.ERASE): D.ERASED,
    },
    repeats=frozenset({(D.CANCELLED, DE.UNDO), (D.ERASED, DE.ERASE)}),
)
