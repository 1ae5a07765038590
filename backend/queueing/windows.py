"""上窗: who sits at which window, and which queues the window calls from."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import audit, clock, db
from backend.identity.staff import NotYourHall, works_at
from backend.queueing import errors
from backend.queueing.models import Ticket, WindowSession
from backend.queueing.policy import queue
from backend.queueing.states import AT_WINDOW


def open_window(
    session: Session,
    *,
    hall_code: str,
    staff_id: UUID,
    window: int,
    categories: Sequence[str],
    take_over: bool = False,
) -> WindowSession:
    """Sit down at a window, leaving any other. With `take_over` a colleague's session and number become mine.

    Raises NotYourHall, NoSuchWindow, NoSuchQueue, WindowTaken and, when one's own number at another window is not
    finished, FinishFirst.
    """
    if not works_at(session, staff_id, hall_code):
        raise NotYourHall()
    refuse_elsewhere(session, hall_code, window)
    for category in categories:
        queue(session, hall_code, category)
    mine = _mine(session, staff_id)
    if mine is not None and (mine.hall_code, mine.window) == (hall_code, window):
        mine.categories = list(categories)
        return mine
    if mine is not None:
        _close(session, mine)
    taken = session.scalars(
        select(WindowSession)
        .where(WindowSession.hall_code == hall_code, WindowSession.window == window, WindowSession.closed_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if taken is not None and not take_over:
        raise errors.WindowTaken()
    if taken is not None:
        taken.closed_at = clock.now()
        session.flush()
    made = _insert(session, hall_code, staff_id, window, categories)
    if taken is not None:
        current = Ticket.session_id == taken.id, Ticket.state.in_(AT_WINDOW)
        session.execute(update(Ticket).where(*current).values(session_id=made.id))
    action = "window.taken_over" if taken is not None else "window.opened"
    _record(session, made, action)
    return made


def refuse_elsewhere(session: Session, hall_code: str, window: int) -> None:
    """Raises NoSuchWindow for a number that is on none of the hall's windows."""
    if window not in catalogue.hall(session, hall_code).windows:
        raise errors.NoSuchWindow()


def pause(session: Session, staff_id: UUID) -> WindowSession:
    """暂停: the window calls nobody until it is resumed; doing it twice changes nothing."""
    mine = current(session, staff_id)
    mine.paused_at = mine.paused_at or clock.now()
    return mine


def resume(session: Session, staff_id: UUID) -> WindowSession:
    """The window calls again; the pause does not count as open."""
    mine = current(session, staff_id)
    if mine.paused_at is not None:
        mine.paused_s += int((clock.now() - mine.paused_at).total_seconds())
        mine.paused_at = None
    return mine


def leave(session: Session, staff_id: UUID) -> None:
    """下窗. Raises FinishFirst while a number is at the window."""
    mine = current(session, staff_id)
    _close(session, mine)
    _record(session, mine, "window.left")


def current(session: Session, staff_id: UUID) -> WindowSession:
    """My window, locked. Raises NotAtWindow."""
    mine = _mine(session, staff_id)
    if mine is None:
        raise errors.NotAtWindow()
    return mine


def number_at(session: Session, window: WindowSession) -> Ticket | None:
    """The ticket that is called or served there, locked."""
    query = select(Ticket).where(Ticket.session_id == window.id, Ticket.state.in_(AT_WINDOW))
    return session.scalars(query.with_for_update()).one_or_none()


def _mine(session: Session, staff_id: UUID) -> WindowSession | None:
    query = select(WindowSession).where(WindowSession.staff_id == staff_id, WindowSession.closed_at.is_(None))
    return session.scalars(query.with_for_update()).one_or_none()


def _insert(session: Session, hall_code: str, staff_id: UUID, window: int, categories: Sequence[str]) -> WindowSession:
    """Two who sit down at once: the index lets one. Raises WindowTaken."""
    made = session.scalar(
        insert(WindowSession)
        .values(
            id=db.new_id(),
            hall_code=hall_code,
            window=window,
            staff_id=staff_id,
            categories=list(categories),
            opened_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(WindowSession.id)
    )
    if made is None:
        raise errors.WindowTaken()
    return session.get_one(WindowSession, made)


def _close(session: Session, window: WindowSession) -> None:
    if number_at(session, window) is not None:
        raise errors.FinishFirst()
    window.closed_at = clock.now()
    session.flush()


def _record(session: Session, window: WindowSession, action: str) -> None:
    audit.record(
        session,
        actor=f"staff:{window.staff_id}",
        action=action,
        object_type="window",
        object_id=f"{window.hall_code}/{window.window}",
        hall_code=window.hall_code,
        data={"categories": window.categories},
    )
