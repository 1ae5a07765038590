"""The books: double entry in fen, append-only, sealed into a hash chain by the worker (reliability §2.4).

Accounts are texts: `bill:<id>`, `clearing:<channel>`, `income:<item>`, `refund_due:<bill>`, `suspense`, and `postage`
for what is the courier's and no income of finance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.chain import Chain
from backend.core.errors import NotFound
from backend.core.prepared import Prepared
from payments.ledger_models import Entry, Journal, JournalSeal

SUSPENSE = "suspense"
POSTAGE = "postage"

_POST = Prepared(
    text("""
WITH given AS (
  SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:source_types AS text[]), CAST(:source_ids AS text[]),
    CAST(:bill_ids AS uuid[]), CAST(:reasons AS text[]), CAST(:times AS timestamptz[]))
    WITH ORDINALITY AS given (kind, source_type, source_id, bill_id, reason, occurred_at, place)),
new AS (
  INSERT INTO journal (kind, source_type, source_id, bill_id, reason, occurred_at, posted_at)
  SELECT kind, source_type, source_id, bill_id, reason, occurred_at, :posted_at FROM given ORDER BY place
  ON CONFLICT (kind, source_type, source_id) DO NOTHING RETURNING id, kind, source_type, source_id)
INSERT INTO entry (journal_id, account, debit_fen, credit_fen)
SELECT new.id, side.account, side.debit, side.credit
FROM unnest(CAST(:journals AS int[]), CAST(:accounts AS text[]), CAST(:debits AS int[]), CAST(:credits AS int[]))
  WITH ORDINALITY AS side (journal, account, debit, credit, place)
JOIN given ON given.place = side.journal JOIN new USING (kind, source_type, source_id) ORDER BY side.place
RETURNING journal_id
""").columns(Entry.journal_id)
)
"""One statement: journals, and the entries of those that are new."""


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
    """What was earned for an income item; postage is not earned but owed to the courier (money rule M5)."""
    return POSTAGE if item_code == POSTAGE else f"income:{item_code}"


def refund_due(bill_id: UUID) -> str:
    """Money of a payment that the bill could not take."""
    return f"refund_due:{bill_id}"


def move(amount_fen: int, *, debit: str, credit: str) -> tuple[Side, Side]:
    """The two sides of one simple movement."""
    return Side(debit, debit_fen=amount_fen), Side(credit, credit_fen=amount_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A journal to be, once for its kind and source."""

    kind: str
    source_type: str
    source_id: UUID | int
    sides: Sequence[Side]
    bill_id: UUID | None
    occurred_at: datetime
    reason: str | None = None


def post(session: Session, *postings: Posting) -> bool:
    """Write journals in this order; False when all are there already. The database refuses an unbalanced one."""
    sides = [(place, side) for place, posting in enumerate(postings, 1) for side in posting.sides]
    given = {
        "kinds": [posting.kind for posting in postings],
        "source_types": [posting.source_type for posting in postings],
        "source_ids": [str(posting.source_id) for posting in postings],
        "bill_ids": [posting.bill_id for posting in postings],
        "reasons": [posting.reason for posting in postings],
        "times": [posting.occurred_at for posting in postings],
        "posted_at": clock.now(),
        "journals": [place for place, _ in sides],
        "accounts": [side.account for _, side in sides],
        "debits": [side.debit_fen for _, side in sides],
        "credits": [side.credit_fen for _, side in sides],
    }
    return bool(_POST.run(session, given))


def correct(session: Session, *, journal_id: int, actor: str, reason: str) -> bool:
    """Take a journal back by a new one with its sides exchanged; False when that was done. Raises NotFound."""
    wrong = session.get(Journal, journal_id)
    if wrong is None:
        raise NotFound()
    entries = session.scalars(select(Entry).where(Entry.journal_id == journal_id).order_by(Entry.id))
    taken_back = Posting(
        kind="correction",
        source_type="journal",
        source_id=journal_id,
        sides=[Side(entry.account, entry.credit_fen, entry.debit_fen) for entry in entries],
        bill_id=wrong.bill_id,
        occurred_at=clock.now(),
        reason=f"{actor}: {reason}",
    )
    return post(session, taken_back)


def balance(session: Session, account: str) -> int:
    """Debits less credits of an account, in fen."""
    total = select(func.coalesce(func.sum(Entry.debit_fen - Entry.credit_fen), 0)).where(Entry.account == account)
    return session.scalar(total) or 0


def _contents(session: Session, journals: Sequence[Journal]) -> dict[int, list[Any]]:
    ids = [journal.id for journal in journals]
    entries: dict[int, list[list[Any]]] = {journal_id: [] for journal_id in ids}
    for entry in session.scalars(select(Entry).where(Entry.journal_id.in_(ids)).order_by(Entry.id)):
        entries[entry.journal_id].append([entry.id, entry.account, entry.debit_fen, entry.credit_fen])
    return {
        journal.id: [
            journal.id,
            journal.kind,
            journal.source_type,
            journal.source_id,
            str(journal.bill_id),
            journal.reason,
            journal.occurred_at.isoformat(),
            journal.posted_at.isoformat(),
            entries[journal.id],
        ]
        for journal in journals
    }


_CHAIN = Chain(JournalSeal, JournalSeal.journal_id, Journal, Journal.posted_at, _contents)
seal, broken_links, long_unsealed = _CHAIN.seal, _CHAIN.broken_links, _CHAIN.long_unsealed
