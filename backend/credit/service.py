"""Asking the credit platform about an applicant, and what its answer is: advice, never a decision (clause 24).

Nothing here moves a case, and nothing of a case waits for it. The call is made by `jobs`.
"""

import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import audit, clock, crypto, db
from backend.core.errors import NotFound
from backend.core.states import record_event, transition
from backend.credit.models import CreditCheck, CreditCheckEvent
from backend.credit.platform import Question, Record
from backend.credit.states import Event, State
from backend.identity import queries as identity
from backend.identity.models import Organisation

LEASE: Final = timedelta(minutes=1)
WAITS_S: Final = (5, 15, 60, 180, 600)
"""Seconds to the next try after each failure; after the last the case goes on with a note."""
NOBODY: Final = "no_document"


def ask(
    session: Session,
    *,
    case_id: UUID,
    case_number: str,
    item_slug: str,
    person_id: UUID,
    organisation_id: UUID | None,
    actor: str,
) -> None:
    """Write the question down in the caller's transaction; the worker asks within seconds."""
    now = clock.now()
    made = CreditCheck(
        id=db.new_id(),
        state=State.ASKED,
        state_at=now,
        case_id=case_id,
        case_number=case_number,
        item_slug=item_slug,
        person_id=person_id,
        organisation_id=organisation_id,
        asked_at=now,
        next_try_at=now,
    )
    session.add(made)
    session.flush()
    record_event(session, CreditCheckEvent, made.id, None, State.ASKED, Event.ASK, actor=actor)
    _audit(session, made, "credit.asked", actor)


def ask_again(session: Session, case_id: UUID, *, actor: str) -> None:
    """Staff want another try after the platform was away. Raises NotFound, InvalidTransition."""
    check = session.scalars(select(CreditCheck).where(CreditCheck.case_id == case_id).with_for_update()).one_or_none()
    if check is None:
        raise NotFound()
    if check.state == State.AWAY:
        check.tries, check.failure, check.asked_at, check.next_try_at = 0, None, clock.now(), clock.now()
    if transition(session, check, Event.ASK, actor=actor):
        _audit(session, check, "credit.asked", actor)


def claim_due(session: Session, limit: int) -> list[tuple[UUID, Question | None]]:
    """Questions to ask now, None for an applicant without a document; each is leased to this worker."""
    now = clock.now()
    found = session.scalars(
        select(CreditCheck)
        .where(CreditCheck.next_try_at <= now)
        .order_by(CreditCheck.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for check in found:
        check.next_try_at = now + LEASE
    session.flush()
    return [(check.id, _question(session, check)) for check in found]


def answered(session: Session, check_id: UUID, records: tuple[Record, ...]) -> None:
    """What the platform knows. Told twice, it changes nothing."""
    check = _asked(session, check_id)
    if check is None:
        return
    check.next_try_at, check.failure = None, None
    if records:
        said = json.dumps([asdict(one) for one in records], ensure_ascii=False, default=str)
        check.records = crypto.seal(said, table="credit_check", column="records", row=check.id)
    transition(session, check, Event.FIND if records else Event.FIND_NONE, actor="credit")


def failed(session: Session, check_id: UUID, code: str, *, final: bool = False) -> None:
    """No answer that could be believed: tried again a few times, then the case goes on with a note."""
    check = _asked(session, check_id)
    if check is None:
        return
    check.failure = code
    if final or check.tries >= len(WAITS_S):
        check.next_try_at = None
        transition(session, check, Event.GIVE_UP, actor="system", reason=code)
        return
    check.next_try_at = clock.now() + timedelta(seconds=WAITS_S[check.tries])
    check.tries += 1
    session.flush()


def of_case(session: Session, case_id: UUID) -> CreditCheck | None:
    """The question of a case, None when its item needs none."""
    return session.scalars(select(CreditCheck).where(CreditCheck.case_id == case_id)).one_or_none()


def view(check: CreditCheck | None) -> dict[str, Any] | None:
    """A question as `CreditCheckSchema` shows it."""
    if check is None:
        return None
    names = ("state", "asked_at", "failure")
    return {**{name: getattr(check, name) for name in names}, "records": records(check)}


def records(check: CreditCheck) -> list[dict[str, Any]]:
    """What was found, as `platform.Record` names it; `since` is a date."""
    if check.records is None:
        return []
    found: list[dict[str, Any]] = json.loads(
        crypto.unseal(check.records, table="credit_check", column="records", row=check.id)
    )
    return [{**one, "since": date.fromisoformat(one["since"])} for one in found]


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records were one person: questions follow the one that remains."""
    session.execute(update(CreditCheck).where(CreditCheck.person_id == former_id).values(person_id=person_id))


def _question(session: Session, check: CreditCheck) -> Question | None:
    body = session.get(Organisation, check.organisation_id) if check.organisation_id else None
    if body is not None:
        kind, name, number = "organisation", body.name, body.credit_code
    else:
        person = identity.person(session, check.person_id)
        kind, known = "person", [identity.unseal(person, field) for field in ("name", "id_number")]
        if not all(known):
            return None
        name, number = (str(value) for value in known)
    item = catalogue.item(session, check.item_slug)
    purpose = f"办理“{item.name.zh}”受理时查询信用信息，供工作人员参考"
    return Question(check.id.hex, kind, name, number, item.code, check.case_number, purpose)


def _asked(session: Session, check_id: UUID) -> CreditCheck | None:
    query = select(CreditCheck).where(CreditCheck.id == check_id, CreditCheck.state == State.ASKED)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def _audit(session: Session, check: CreditCheck, action: str, actor: str) -> None:
    audit.record(session, actor=actor, action=action, object_type="case", object_id=check.case_id)
