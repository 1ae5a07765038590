"""Reconciling by the clock: read the books of yesterday as they become ready, compare, put right, warn at noon.

One function does whatever is due, so a night without a worker, a late bill and a second worker are all the same to it.
"""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock, db
from backend.core.config import Settings
from backend.core.db import retrying, transaction
from backend.core.errors import ProviderError
from payments.alerts import alert
from payments.gateways import finance_http
from payments.gateways.base import Busy, Channel, Gateway, GatewayError
from payments.gateways.finance import Finance
from payments.reconciliation import effects, statements
from payments.reconciliation.comparing import begin_day, compare_day
from payments.reconciliation.models import ReconBook, ReconDay
from payments.reconciliation.rules import FINANCE
from payments.reconciliation.statements import Spool
from payments.registry import Gateways, gateways_of

log = logging.getLogger(__name__)

READY = {Channel.WECHAT_NONTAX.value: time(6, 30), FINANCE: time(11, 30)}
READY_ELSE = time(10, 30)
"""When the book of the day before can be had, Xiamen time (domain sheet §1.8)."""
NOON = time(12)
"""By then somebody must know that a book is missing (P51)."""
LEASE = timedelta(minutes=10)
AGAIN = timedelta(minutes=5)
MOST_DAYS = 90
"""Channels keep their bills for three months."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A book that this worker reads until the lease ends."""

    id: UUID
    day: date
    book: str
    merchant_id: str


def reconcile_due(settings: Settings) -> None:
    """Whatever is due now."""
    reconcile(gateways_of(settings), finance_http.from_settings(settings))


def reconcile(gateways: Gateways, finance: Finance | None) -> None:
    """As `reconcile_due`, on these channels."""
    _open_days(gateways, finance)
    while (claim := _claim()) is not None:
        _read(gateways, finance, claim)
    _compare_due()
    effects.put_right(gateways, finance)
    _warn_of_missing()


def want_books(session: Session, day: date, gateways: Gateways, finance: Finance | None) -> None:
    """The books a day needs, each to be read when it is ready."""
    accounts = [(name, gateway.merchant_id) for name in gateways.channels() if (gateway := gateways.gateway(name))]
    if finance is not None:
        accounts.append((FINANCE, ""))
    for book, merchant_id in accounts:
        ready = ready_at(book, day)
        row = insert(ReconBook).values(id=db.new_id(), day=day, book=book, merchant_id=merchant_id, next_try_at=ready)
        session.execute(row.on_conflict_do_nothing())


def ready_at(book: str, day: date) -> datetime:
    """From when the book of a day can be had."""
    return clock.instant(day + timedelta(days=1), READY.get(book, READY_ELSE))


def _open_days(gateways: Gateways, finance: Finance | None) -> None:
    """Yesterday, and every day that was missed since the last one."""
    yesterday = clock.today() - timedelta(days=1)
    with transaction() as session:
        newest = session.scalar(select(func.max(ReconDay.day)))
        first = yesterday if newest is None else max(newest + timedelta(days=1), yesterday - timedelta(days=MOST_DAYS))
        for number in range((yesterday - first).days + 1):
            day = first + timedelta(days=number)
            begin_day(session, day)
            want_books(session, day, gateways, finance)


def _claim() -> Claim | None:
    with transaction() as session:
        book = session.scalars(
            select(ReconBook)
            .where(ReconBook.next_try_at <= clock.now())
            .order_by(ReconBook.day, ReconBook.next_try_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if book is None:
            return None
        book.next_try_at, book.tries = clock.now() + LEASE, min(book.tries + 1, 1000)
        session.flush()
        return Claim(book.id, book.day, book.book, book.merchant_id)


def _read(gateways: Gateways, finance: Finance | None, claim: Claim) -> None:
    try:
        with _fetched(gateways, finance, claim) as spool:
            _store(claim, spool)
    except GatewayError as trouble:
        _try_later(claim, trouble.code)
    except ProviderError as trouble:
        _try_later(claim, trouble.provider_code)
    except Exception:
        # One book that nobody can read must not keep the others from being read.
        log.exception("book_broken", extra={"day": str(claim.day), "book": claim.book})
        _try_later(claim, "broken")


def _fetched(gateways: Gateways, finance: Finance | None, claim: Claim) -> AbstractContextManager[Spool]:
    if claim.book == FINANCE:
        if finance is None:
            raise ProviderError(FINANCE, "not_set_up")
        return statements.finance_book(finance, claim.day, claim.id)
    gateway: Gateway | None = gateways.gateway(claim.book)
    # A day's books belong to the merchant of that day: another account's statement must never stand in for them.
    if gateway is None or gateway.merchant_id != claim.merchant_id:
        raise Busy(Channel(claim.book), "not_set_up")
    return statements.channel_book(gateway, claim.day, claim.id)


@retrying
def _store(claim: Claim, spool: Spool) -> None:
    with transaction() as session:
        changed = statements.store(session, claim.id, spool)
    log.info("book_read", extra={"day": str(claim.day), "book": claim.book, "lines": spool.lines, "changed": changed})


def _try_later(claim: Claim, code: str) -> None:
    with transaction() as session:
        session.execute(statements.LONG)
        session.execute(
            update(ReconBook).where(ReconBook.id == claim.id).values(failure=code[:80], next_try_at=clock.now() + AGAIN)
        )
    log.warning("book_not_read", extra={"day": str(claim.day), "book": claim.book, "code": code})


def _compare_due() -> None:
    """Oldest first: a day's bill decides the midnight of the day before it."""
    with transaction() as session:
        due = session.scalars(
            select(ReconDay.day).where(ReconDay.compare_at <= clock.now()).order_by(ReconDay.day)
        ).all()
    for day in due:
        with transaction() as session:
            compare_day(session, day)


def _warn_of_missing() -> None:
    """At noon a book of yesterday that was not read is somebody's business, once."""
    now = clock.now()
    late = date.fromordinal(clock.today().toordinal() - (1 if clock.civil(now).time() >= NOON else 2))
    with transaction() as session:
        missing = session.scalars(
            select(ReconBook)
            .where(ReconBook.digest.is_(None), ReconBook.day <= late, ReconBook.alerted_at.is_(None))
            .with_for_update(skip_locked=True)
        ).all()
        for book in missing:
            book.alerted_at = now
            alert("book_missing", day=book.day, book=book.book, why=book.failure or "")
        session.flush()
