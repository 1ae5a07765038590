"""Access tokens and JS-SDK tickets, shared by every process, fetched by one of them at a time.

A lease row is claimed in one transaction, the provider is asked with none open, and the answer is stored in
a second one. Nobody holds a lock across the call.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from backend.core import clock, crypto, db
from backend.core.errors import ProviderUnavailable
from backend.core.wechat import PROVIDER, Account, Issued, TokenSource, WeChat

MARGIN = timedelta(seconds=240)
"""Refresh this long before the end. The stable token is good for 300 s after it is handed out."""
LEASE = timedelta(seconds=15)
UNCHANGED = timedelta(seconds=5)
"""How long not to ask again after WeChat handed out the very token it had refused."""
WAIT_S = 10.0
POLL_S = 0.05


class ProviderToken(db.Base):
    """One token or ticket. `fetches` counts the provider's answers; `fingerprint` is the hash of the value."""

    __tablename__ = "provider_token"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[bytes | None]
    fingerprint: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    unchanged_until: Mapped[datetime | None]
    lease_owner: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    fetches: Mapped[int] = mapped_column(default=0)


def connect(account: Account) -> WeChat:
    """The account's client, with the shared store as its token source."""
    return WeChat(account, token_source(account))


def token_source(account: Account) -> TokenSource:
    """Where the account's access token comes from."""
    name = f"wechat:{account.appid}:access_token"
    fetch = WeChat(account).stable_token
    return lambda stale=None: shared(name, fetch, stale=stale)


def jsapi_ticket(account: Account) -> str:
    """The account's JS-SDK ticket."""
    return shared(f"wechat:{account.appid}:jsapi_ticket", connect(account).jsapi_ticket)


def shared(name: str, fetch: Callable[[], Issued], *, stale: str | None = None) -> str:
    """The stored value of `name`; one caller fetches it when it is about to end or is the `stale` one.

    Others wait for that fetch. Raises ProviderUnavailable when nobody gets an answer within 10 seconds.
    """
    refused = crypto.token_hash(stale) if stale is not None else None
    deadline = time.monotonic() + WAIT_S
    while True:
        kept = _usable(name, refused)
        if kept is not None:
            return kept
        owner = _claim(name, refused)
        if owner is not None:
            return _fetch(name, owner, fetch, refused)
        if time.monotonic() > deadline:
            raise ProviderUnavailable(PROVIDER, "token")
        time.sleep(POLL_S)


def _usable(name: str, refused: bytes | None) -> str | None:
    now = clock.now()
    with db.reading() as session:
        row = session.execute(select(ProviderToken).where(ProviderToken.name == name)).scalar_one_or_none()
    if row is None or row.value is None or row.expires_at is None or row.expires_at <= now:
        return None
    unchanged = row.unchanged_until is not None and row.unchanged_until > now
    if row.fingerprint == refused and not unchanged:
        return None
    being_renewed = row.lease_until is not None and row.lease_until > now
    if row.expires_at - now <= MARGIN and not being_renewed:
        return None
    return crypto.unseal(row.value, table="provider_token", column="value", row=name)


def _claim(name: str, refused: bytes | None) -> UUID | None:
    """Take the lease if it is free and the value still needs replacing; None otherwise."""
    now, owner = clock.now(), db.new_id()
    needed = or_(
        ProviderToken.value.is_(None),
        ProviderToken.expires_at <= now + MARGIN,
        and_(
            ProviderToken.fingerprint == refused,
            or_(ProviderToken.unchanged_until.is_(None), ProviderToken.unchanged_until <= now),
        ),
    )
    lease = {"lease_owner": owner, "lease_until": now + LEASE}
    claim = (
        insert(ProviderToken)
        .values(name=name, fetches=0, **lease)
        .on_conflict_do_update(
            index_elements=[ProviderToken.name],
            set_=lease,
            where=and_(needed, or_(ProviderToken.lease_until.is_(None), ProviderToken.lease_until <= now)),
        )
        .returning(ProviderToken.lease_owner)
    )
    with db.transaction() as session:
        return session.execute(claim).scalar_one_or_none()


def _fetch(name: str, owner: UUID, fetch: Callable[[], Issued], refused: bytes | None) -> str:
    try:
        issued = fetch()
    except BaseException:
        _release(name, owner, {})
        raise
    now = clock.now()
    fingerprint = crypto.token_hash(issued.value)
    _release(
        name,
        owner,
        {
            "value": crypto.seal(issued.value, table="provider_token", column="value", row=name),
            "fingerprint": fingerprint,
            "expires_at": now + timedelta(seconds=issued.expires_in),
            "unchanged_until": now + UNCHANGED if fingerprint == refused else None,
            "fetches": ProviderToken.fetches + 1,
        },
    )
    return issued.value


def _release(name: str, owner: UUID, values: dict[str, object]) -> None:
    """Give the lease back, storing `values`, unless someone else has taken it meanwhile."""
    with db.transaction() as session:
        session.execute(
            update(ProviderToken)
            .where(ProviderToken.name == name, ProviderToken.lease_owner == owner)
            .values(lease_owner=None, lease_until=None, **values)
        )
