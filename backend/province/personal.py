"""个人信息: what was told to the province about cases. The province keeps its own copy under its own rules."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.core import crypto, holds, retention
from backend.core.personal import Part, People, Section
from backend.province.models import FeedRow

NOTHING = "{}"
NOTHING_SEALED = crypto.SEALED_OVERHEAD + len(NOTHING)


def purge(session: Session, limit: int) -> int:
    """Empty what arrived half a year ago; the number of rows. Receipts and places stay: the sequence needs them."""
    rows = session.scalars(
        select(FeedRow)
        .where(FeedRow.sent_at < retention.before("province"), func.octet_length(FeedRow.payload) > NOTHING_SEALED)
        .where(holds.spares(holds.CASE, FeedRow.subject_id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.payload = crypto.seal(NOTHING, table="province_feed", column="payload", row=row.id)
    session.flush()
    return len(rows)


def _gives(_: Session, __: People) -> list[Section]:
    return []


def _erases(_: Session, __: People) -> None:
    """Cases are kept by their class, and what was told of them by its own."""


PART = Part("province", gives=_gives, erases=_erases, purges=purge)
