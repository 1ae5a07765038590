"""The one way a case moves: its state, by when something is owed, and what the province's platform hears."""

from typing import Any, Final

from sqlalchemy.orm import Session

from backend.applications import case_clock, visits
from backend.applications.case_models import Case
from backend.applications.states import CaseEvent, CaseState
from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.core.states import transition
from backend.province import service as province
from backend.province.kinds import Kind

S, E = CaseState, CaseEvent

KINDS: Final[dict[CaseEvent, Kind]] = {E.SUBMIT: Kind.CASE, E.CORRECT: Kind.CORRECTION, E.CONCLUDE: Kind.RESULT}
"""Every other step is a process row (domain sheet §3.2)."""

RUN_STATUS: Final[dict[CaseState, int]] = {
    S.PRE_RETURNED: 1,
    S.DENIED: 4,
    S.NOT_ACCEPTED: 4,
    S.CORRECTING: 5,
    S.WITHDRAWN: 6,
    S.TERMINATED: 6,
    **dict.fromkeys((S.CONCLUDED, S.READY, S.MAILED, S.DELIVERED), 3),
}
"""Fujian's run status: 1 pre-review failed, 2 in progress, 3 done, 4 refused, 5 returned, 6 ended."""
IN_PROGRESS: Final = 2


def move(session: Session, case: Case, event: CaseEvent, *, actor: str, reason: str | None = None) -> bool:
    """Move a case that the caller holds locked. False for a harmless repeat. Raises InvalidTransition."""
    session.flush()
    moved = transition(session, case, event, actor=actor, reason=reason)
    case_clock.note_owed(session, case)
    if moved:
        visits.follow(session, case)
        tell_province(session, case, KINDS.get(event, Kind.PROCESS), event=str(event), reason=reason)
    return moved


def tell_province(session: Session, case: Case, kind: Kind, **more: Any) -> None:
    """One row of the ordered feed; nothing of it names a person."""
    item = catalogue.item(session, case.item_slug)
    payload = {
        "number": case.number,
        "item_code": item.code,
        "hall": case.hall_code,
        "state": case.state,
        "run_status": RUN_STATUS.get(case.state, IN_PROGRESS),
        "at": clock.rfc3339(clock.now()),
        "accepted_on": case.accepted_on.isoformat() if case.accepted_on else None,
        "decided_on": case.decided_on.isoformat() if case.decided_on else None,
        "document": case.decision_document,
        **more,
    }
    province.record(session, subject_id=str(case.id), kind=kind, payload=payload)
