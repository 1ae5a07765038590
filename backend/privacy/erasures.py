"""注销: a wait of seven days with an undo, then the ways in are shut, then what the account held goes.

Two steps, because a request that began before the doors shut may still book something: `SETTLES` is longer than any
request lives, so the second step sees all of it (docs/decisions/0021).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.appointments import personal as appointments
from backend.core import audit, clock, db, holds
from backend.core.personal import Blocker
from backend.core.states import record_event, transition
from backend.identity import personal as identity
from backend.identity import service as accounts
from backend.privacy import exports
from backend.privacy.errors import AccountHeld, NothingToUndo, ThingsUnderWay
from backend.privacy.models import Erasure, ErasureEventRow
from backend.privacy.parts import PARTS
from backend.privacy.states import ErasureEvent, ErasureState

ACTOR = "system"
WAIT: Final = timedelta(days=7)
SETTLES: Final = timedelta(minutes=5)
AGAIN: Final = timedelta(hours=1)
HOLD: Final = "hold"


def blockers(session: Session, person_id: UUID) -> list[Blocker]:
    """What is still under way, of every feature."""
    people = identity.everyone(session, person_id)
    return [blocker for part in PARTS for blocker in part.blocks(session, people)]


def is_held(session: Session, person_id: UUID) -> bool:
    """Whether an authority asked us to keep this person's records."""
    return holds.any_on(session, holds.PERSON, identity.everyone(session, person_id))


def ask(session: Session, *, person_id: UUID) -> Erasure:
    """Begin the wait; a repeat gives the one that waits. Raises AccountHeld, ThingsUnderWay."""
    if is_held(session, person_id):
        raise AccountHeld()
    if found := blockers(session, person_id):
        raise ThingsUnderWay(blockers=[{"kind": one.kind, "link": one.link} for one in found])
    now = clock.now()
    made = session.scalars(
        insert(Erasure)
        .values(
            id=db.new_id(),
            state=ErasureState.WAITING,
            state_at=now,
            person_id=person_id,
            asked_at=now,
            due_at=now + WAIT,
        )
        .on_conflict_do_nothing()
        .returning(Erasure)
    ).one_or_none()
    if made is None:
        return _live(session, person_id)
    actor = f"person:{person_id}"
    record_event(session, ErasureEventRow, made.id, None, ErasureState.WAITING, ErasureEvent.ASK, actor=actor)
    audit.record(session, actor=actor, action="person.erasure_asked", object_type="person", object_id=person_id)
    return made


def undo(session: Session, *, person_id: UUID) -> None:
    """Keep the account. Raises NothingToUndo."""
    mine = Erasure.person_id == person_id, Erasure.state == ErasureState.WAITING
    found = session.scalars(select(Erasure).where(*mine).with_for_update()).one_or_none()
    if found is None:
        raise NothingToUndo()
    actor = f"person:{person_id}"
    transition(session, found, ErasureEvent.UNDO, actor=actor)
    audit.record(session, actor=actor, action="person.erasure_undone", object_type="person", object_id=person_id)


def waiting(session: Session, person_id: UUID) -> Erasure | None:
    """The closing that waits, None when there is none."""
    mine = Erasure.person_id == person_id, Erasure.state == ErasureState.WAITING
    return session.scalars(select(Erasure).where(*mine)).one_or_none()


def due(session: Session, limit: int) -> list[UUID]:
    """Closings with something to do now: the wait is over, or what was under way has come to its end."""
    now = clock.now()
    live = Erasure.state.in_([ErasureState.WAITING, ErasureState.CLOSING])
    query = select(Erasure.id).where(live, Erasure.due_at <= now).order_by(Erasure.due_at).limit(limit)
    return list(session.scalars(query))


def close(session: Session, erasure_id: UUID) -> None:
    """Shut every way in, unless a hold or something under way stands against it: then it is tried again in an hour."""
    found = _locked(session, erasure_id, ErasureState.WAITING)
    if found is None:
        return
    people = identity.everyone(session, found.person_id)
    accounts.lock(session, people)
    under_way = [one.kind for part in PARTS for one in part.blocks(session, people)]
    found.waits_for = HOLD if holds.any_on(session, holds.PERSON, people) else next(iter(under_way), None)
    if found.waits_for is not None:
        found.due_at = clock.now() + AGAIN
        session.flush()
        return
    for part in PARTS:
        part.closes(session, people)
    found.empty_at = found.due_at = clock.now() + SETTLES
    transition(session, found, ErasureEvent.CLOSE, actor=ACTOR)
    audit.record(session, actor=ACTOR, action="person.account_closed", object_type="person", object_id=found.person_id)


def empty(session: Session, erasure_id: UUID) -> None:
    """Take out what nothing demands to keep, in one transaction: a killed worker leaves all of it or nothing."""
    found = _locked(session, erasure_id, ErasureState.CLOSING)
    if found is None:
        return
    people = identity.everyone(session, found.person_id)
    accounts.lock(session, people)
    if holds.any_on(session, holds.PERSON, people):
        found.waits_for, found.due_at = HOLD, clock.now() + AGAIN
        session.flush()
        return
    exports.take_away(session, people)
    for part in PARTS:
        part.erases(session, people)
    forget_names(session, people)
    found.waits_for = None
    transition(session, found, ErasureEvent.ERASE, actor=ACTOR)
    audit.record(session, actor=ACTOR, action="person.erased", object_type="person", object_id=found.person_id)


def forget_names(session: Session, people: Sequence[UUID]) -> None:
    """Names of closed accounts go with the last record that needs them."""
    if not any(part.keeps(session, people) for part in PARTS):
        identity.forget_names(session, people)


def forget_unseen(session: Session, person_id: UUID) -> None:
    """Somebody who never came: emptied as a closed account is, unless a visit or a case still names them."""
    people = [person_id]
    if appointments.has_visits(session, people) or any(part.keeps(session, people) for part in PARTS):
        return
    for part in PARTS:
        part.erases(session, people)
    identity.forget_names(session, people)


def _live(session: Session, person_id: UUID) -> Erasure:
    live = Erasure.state.in_([ErasureState.WAITING, ErasureState.CLOSING])
    return session.scalars(select(Erasure).where(Erasure.person_id == person_id, live)).one()


def _locked(session: Session, erasure_id: UUID, state: ErasureState) -> Erasure | None:
    query = select(Erasure).where(Erasure.id == erasure_id, Erasure.state == state, Erasure.due_at <= clock.now())
    return session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
