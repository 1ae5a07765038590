"""Why an item is mailed neither way (circular clause 18)."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import audit, clock
from express.money_models import MailReason


def known(session: Session) -> dict[str, str]:
    """Item → reason."""
    return {row.item_slug: row.reason for row in session.scalars(select(MailReason))}


def record(session: Session, *, item_slug: str, reason: str, actor: str) -> None:
    """Write it down, in the place of an older one."""
    values = {"reason": reason, "set_by": actor, "set_at": clock.now()}
    row = insert(MailReason).values(item_slug=item_slug, **values)
    session.execute(row.on_conflict_do_update(index_elements=["item_slug"], set_=values))
    audit.record(session, actor=actor, action="item.mail_reason", object_type="item", object_id=item_slug)
