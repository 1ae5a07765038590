"""The books: double entry in fen, append-only, sealed into a hash chain by the worker (reliability §2.4).

Accounts are texts: `bill:<id>`, `clearing:<channel>`, `income:<item>`, `refund_due:<bill>`, `suspense`.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.errors import NotFound
from payments.ledger_models import Entry, Journal, JournalSeal

GENESIS = bytes(32)
SEAL_BATCH = 1000
LATE_SEAL = timedelta(hours=1)
LOOK_BACK = 100_000
"""Ids behind the chain's head that are looked at again: transactions commit in another order than ids are drawn."""
SUSPENSE = "suspense"

_POST = text("""
WITH new AS (
  INSERT INTO journal (kind, source_type, source_id, bill_id, reason, occurred_at, posted_at)
  VALUES (:kind, :source_type, :source_id, :bill_id, :reason, :occurred_at, :posted_at)
  ON CONFLICT (kind, source_type, source_id) DO NOTHING RETURNING id)
INSERT INTO entry (journal_id, account, debit_fen, credit_fen)
SELECT new.id, side.account, side.debit, side.credit
FROM new, unnest(CAST(:accounts AS text[]), CAST(:debits AS int[]), CAST(:credits AS int[]))
  WITH ORDINALITY AS side (account, debit, credit, place) ORDER BY side.place
RETURNING journal_id
""")
"""One statement: the journal, and its entries if it is new."""


@dataclass(frozen=True, slots=True)
class Side:
    """One entry to be: exactly one of the two is not zero."""

    account: str
    debit_fen: int = 0
    credit_fen: int = 0


def bill_account(bill_id: UUID) -> str:
    """What one bill still has to receive or to pass on."""
    return f"bill:{bill_id}"


def clearing(channel: str) -> str:
    """Money that a channel holds for us."""
    return f"clearing:{channel}"


def income(item_code: str) -> str:
    """What was earned for an income item."""
    return f"income:{item_code}"


def refund_due(bill_id: UUID) -> str:
    """Money of a payment that the bill could not take."""
    return f"refund_due:{bill_id}"


def move(amount_fen: int, *, debit: str, credit: str) -> tuple[Side, Side]:
    """The two sides of one simple movement."""
    return Side(debit, debit_fen=amount_fen), Side(credit, credit_fen=amount_fen)


def post(
    session: Session,
    *,
    kind: str,
    source_type: str,
    source_id: UUID | int,
    sides: Sequence[Side],
    bill_id: UUID | None,
    occurred_at: datetime,
    reason: str | None = None,
) -> bool:
    """Write a journal once for its kind and source; False when it is there. The database refuses an unbalanced one."""
    given = {
        "kind": kind,
        "source_type": source_type,
        "source_id": str(source_id),
        "bill_id": bill_id,
        "reason": reason,
        "occurred_at": occurred_at,
        "posted_at": clock.now(),
        "accounts": [side.account for side in sides],
        "debits": [side.debit_fen for side in sides],
        "credits": [side.credit_fen for side in sides],
    }
    return session.connection().execute(_POST, given).first() is not None


def correct(session: Session, *, journal_id: int, actor: str, reason: str) -> bool:
    """Take a journal back by a new one with its sides exchanged; False when that was done. Raises NotFound."""
    wrong = session.get(Journal, journal_id)
    if wrong is None:
        raise NotFound()
    entries = session.scalars(select(Entry).where(Entry.journal_id == journal_id).order_by(Entry.id))
    return post(
        session,
        kind="correction",
        source_type="journal",
        source_id=journal_id,
        sides=[Side(entry.account, entry.credit_fen, entry.debit_fen) for entry in entries],
        bill_id=wrong.bill_id,
        occurred_at=clock.now(),
        reason=f"{actor}: {reason}",
    )


def balance(session: Session, account: str) -> int:
    """Debits less credits of an account, in fen."""
    total = select(func.coalesce(func.sum(Entry.debit_fen - Entry.credit_fen), 0)).where(Entry.account == account)
    return session.scalar(total) or 0


def seal(session: Session) -> int:
    """Append unsealed journals to the chain, at most 1,000; returns how many. One sealer at a time."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('journal_seal'))"))
    head = session.scalars(select(JournalSeal).order_by(JournalSeal.position.desc()).limit(1)).one_or_none()
    newest = session.scalar(select(func.max(JournalSeal.journal_id))) or 0
    unsealed = session.scalars(
        select(Journal)
        .outerjoin(JournalSeal, JournalSeal.journal_id == Journal.id)
        .where(JournalSeal.journal_id.is_(None), Journal.id > newest - LOOK_BACK)
        .order_by(Journal.id)
        .limit(SEAL_BATCH)
    ).all()
    entries = _entries_of(session, [journal.id for journal in unsealed])
    position, previous = (head.position, head.hash) if head else (0, GENESIS)
    links = []
    for journal in unsealed:
        position += 1
        previous = _link(previous, journal, entries.get(journal.id, []))
        links.append({"position": position, "journal_id": journal.id, "hash": previous})
    if links:
        session.execute(insert(cast("Table", JournalSeal.__table__)), links)
    return len(links)


def broken_links(session: Session) -> list[int]:
    """Ids of journals whose content or place in the chain does not match their seal; empty when all is well."""
    broken: list[int] = []
    previous, expected = GENESIS, 1
    rows = session.execute(
        select(JournalSeal, Journal)
        .outerjoin(Journal, Journal.id == JournalSeal.journal_id)
        .order_by(JournalSeal.position)
        .execution_options(yield_per=SEAL_BATCH)
    )
    for page in rows.partitions():
        entries = _entries_of(session, [sealed.journal_id for sealed, _ in page])
        for sealed, journal in page:
            if (
                journal is None
                or sealed.position != expected
                or _link(previous, journal, entries.get(journal.id, [])) != sealed.hash
            ):
                broken.append(sealed.journal_id)
            previous, expected = sealed.hash, sealed.position + 1
    return broken


def long_unsealed(session: Session) -> list[int]:
    """Ids of journals that no worker sealed within an hour."""
    unsealed = select(Journal.id).outerjoin(JournalSeal, JournalSeal.journal_id == Journal.id)
    late = Journal.posted_at < clock.now() - LATE_SEAL
    return list(session.scalars(unsealed.where(JournalSeal.journal_id.is_(None), late).order_by(Journal.id)))


def _entries_of(session: Session, journal_ids: Iterable[int]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    for entry in session.scalars(select(Entry).where(Entry.journal_id.in_(journal_ids)).order_by(Entry.id)):
        found.setdefault(entry.journal_id, []).append(entry)
    return found


def _link(previous: bytes, journal: Journal, entries: Sequence[Entry]) -> bytes:
    content = [
        journal.id,
        journal.kind,
        journal.source_type,
        journal.source_id,
        str(journal.bill_id),
        journal.reason,
        journal.occurred_at.isoformat(),
        journal.posted_at.isoformat(),
        [[entry.id, entry.account, entry.debit_fen, entry.credit_fen] for entry in entries],
    ]
    text_ = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + text_.encode()).digest()
