"""How long the text of a channel's notification is kept: it names a payer's openid, so it goes after its time."""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import clock, crypto
from backend.core.config import Settings
from backend.core.db import transaction
from payments.attempt_models import ChannelEvent

BATCH = 500


def forget_notices(settings: Settings) -> int:
    """Forget texts older than the setting, batch by batch; the number forgotten. Verdict, numbers and digest stay."""
    forgotten = 0
    while True:
        with transaction() as session:
            count = _forget(session, timedelta(days=settings.payment_notice_days))
        forgotten += count
        if count < BATCH:
            return forgotten


def _forget(session: Session, kept: timedelta) -> int:
    query = (
        select(ChannelEvent)
        .where(ChannelEvent.raw.is_not(None), ChannelEvent.received_at < clock.now() - kept)
        .order_by(ChannelEvent.received_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    old = session.scalars(query).all()
    reduce(session, old)
    return len(old)


def reduce(session: Session, events: Sequence[ChannelEvent]) -> None:
    """Texts become their digests: of those whose time is over, and of a closed account's payments."""
    for event in events:
        event.digest, event.raw = _digest(event), None
    session.flush()


def _digest(event: ChannelEvent) -> bytes:
    """SHA-256 of the body as it came: enough to tell whether a text that somebody shows is the one."""
    content = json.loads(crypto.unseal(event.raw or b"", table="channel_event", column="raw", row=event.id))
    return hashlib.sha256(base64.b64decode(content["body"])).digest()
