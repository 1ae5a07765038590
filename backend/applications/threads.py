"""办件沟通: the guidance thread of a case. Staff owe an answer within two working days; unread ones are counted."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.applications import case_clock, demands, notices
from backend.applications.case_models import Case, CaseMessage
from backend.applications.errors import MaterialUnusable
from backend.core import clock
from backend.files import service as files

REPLY_DAYS: Final = 2
"""As inquiries to 12345 are answered (domain sheet §3.8)."""
MOST: Final = 500
CASE: Final = "case"
"""What files of the thread belong to."""


def say(
    session: Session, case: Case, *, side: str, author: str, words: str, file_ids: Sequence[UUID] = ()
) -> CaseMessage:
    """Write a message. A citizen's one starts the reply clock, a staff answer ends it and is told.

    Raises MaterialUnusable for a file that is not a checked one of this case.
    """
    if not set(file_ids) <= {one.id for one in files.ready_files(session, CASE, str(case.id))}:
        raise MaterialUnusable()
    message = CaseMessage(
        case_id=case.id,
        side=side,
        author=author,
        words=words,
        file_ids=[str(file_id) for file_id in file_ids],
        at=clock.now(),
    )
    if side == "citizen":
        message.reply_by = case_clock.day_after(session, clock.today(), REPLY_DAYS)
    else:
        owed = (CaseMessage.case_id == case.id, CaseMessage.reply_by.is_not(None))
        session.execute(update(CaseMessage).where(*owed).values(reply_by=None))
    session.add(message)
    session.flush()
    if side == "staff":
        demands.note(session, case, place="message", words=words, actor=author)
        notices.tell(session, case, "case_message", key=message.id)
    return message


def read(session: Session, case: Case, *, reader: str) -> None:
    """The reader has seen what the other side wrote."""
    other = "staff" if reader == "citizen" else "citizen"
    unread = (CaseMessage.case_id == case.id, CaseMessage.side == other, CaseMessage.read_at.is_(None))
    session.execute(update(CaseMessage).where(*unread).values(read_at=clock.now()))


def messages(session: Session, case: Case) -> list[dict[str, Any]]:
    """The thread, oldest first. Who of the staff wrote is not shown."""
    rows = session.scalars(
        select(CaseMessage).where(CaseMessage.case_id == case.id).order_by(CaseMessage.at, CaseMessage.id).limit(MOST)
    )
    return [
        {
            "id": row.id,
            "side": row.side,
            "words": row.words,
            "file_ids": row.file_ids,
            "at": row.at,
            "reply_by": row.reply_by,
            "read": row.read_at is not None,
        }
        for row in rows
    ]
