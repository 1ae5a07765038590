"""The life of an export 导出 as data: written in the background, kept a few days, then gone."""

from enum import StrEnum

from backend.core.states import StateTable


class ExportState(StrEnum):
    """What has become of it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


class ExportEvent(StrEnum):
    """What can happen to it."""

    ASK = "ask"
    START = "start"
    FINISH = "finish"
    CANCEL = "cancel"
    FAIL = "fail"
    EXPIRE = "expire"


S, E = ExportState, ExportEvent

EXPORT: StateTable[ExportState, ExportEvent] = StateTable(
    "report_export",
    {
        (S.QUEUED, E.START): S.RUNNING,
        (S.RUNNING, E.FINISH): S.DONE,
        (S.QUEUED, E.CANCEL): S.CANCELLED,
        (S.RUNNING, E.CANCEL): S.CANCELLED,
        (S.QUEUED, E.FAIL): S.FAILED,
        (S.RUNNING, E.FAIL): S.FAILED,
        (S.DONE, E.EXPIRE): S.EXPIRED,
    },
    repeats=frozenset({(S.RUNNING, E.START), (S.CANCELLED, E.CANCEL)}),
)

UNDER_WAY = (S.QUEUED, S.RUNNING)
