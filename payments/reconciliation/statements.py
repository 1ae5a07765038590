"""Reading a foreign book of a day: spooled to a file while it is fetched, then copied into the database whole.

A book that was not read to its checked end leaves nothing behind (P51).
"""

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import IO
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from backend.core import clock
from payments.gateways.base import Gateway, StatementLine
from payments.gateways.finance import Finance, FinanceLine
from payments.reconciliation.models import ReconBook, ReconDay, ReconLine

CHUNK = 1 << 16
COLUMNS = "book_id, position, region_code, pay_code, number, transaction_id, refund_number, status, at, amount_fen"
LONG = text("SELECT set_config('statement_timeout', '120s', true), set_config('lock_timeout', '120s', true)")
"""For this transaction: a hundred thousand lines take longer than a citizen's request may, and so does their lock."""

Cells = tuple[str | None, str | None, str | None, str | None, str | None, str, datetime, int]
"""The columns of a line after its place, as in COLUMNS."""


class Spool:
    """The lines of one book on disk, with their digest and sums."""

    def __init__(self, file: IO[str], book_id: UUID) -> None:
        self.file = file
        self._book_id = book_id
        self._digest = hashlib.sha256()
        self.lines = self.amount_fen = self.refund_fen = self.fee_fen = 0

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def add(self, cells: Cells) -> None:
        """Append one line."""
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow(cells)
        written = row.getvalue()
        self._digest.update(written.encode())
        self.lines += 1
        self.file.write(f"{self._book_id},{self.lines},{written}")


@contextmanager
def channel_book(gateway: Gateway, day: date, book_id: UUID) -> Iterator[Spool]:
    """A channel's bill of a day. Stands outside a transaction; raises GatewayError."""
    with _spool(book_id) as spool:
        for line in gateway.statement(day):
            spool.add(_channel_cells(line))
            spool.fee_fen += line.fee_fen
            if line.refund_number is None:
                spool.amount_fen += line.amount_fen
            else:
                spool.refund_fen += line.refund_fen
        yield spool


@contextmanager
def finance_book(finance: Finance, day: date, book_id: UUID) -> Iterator[Spool]:
    """Finance's list of a day. Stands outside a transaction; raises ProviderError."""
    with _spool(book_id) as spool:
        for line in finance.payments(day):
            spool.add(_finance_cells(line))
            spool.amount_fen += line.amount_fen
        yield spool


def store(session: Session, book_id: UUID, spool: Spool) -> bool:
    """Put a book in the place of what was read before; False when it is the same to the letter.

    A changed book has its own day compared again, and both neighbours, whose midnights it decides.
    """
    session.execute(LONG)
    book = session.scalars(select(ReconBook).where(ReconBook.id == book_id).with_for_update()).one()
    book.failure, book.next_try_at = None, None
    if book.digest == spool.digest:
        session.flush()
        return False
    session.execute(delete(ReconLine).where(ReconLine.book_id == book_id))
    _copy(session, spool)
    book.digest, book.read_at, book.lines = spool.digest, clock.now(), spool.lines
    book.amount_fen, book.refund_fen, book.fee_fen = spool.amount_fen, spool.refund_fen, spool.fee_fen
    session.flush()
    compare_again(session, book.day)
    return True


def compare_again(session: Session, day: date) -> None:
    """Have a day and its neighbours compared at the next run."""
    near = [date.fromordinal(day.toordinal() + shift) for shift in (-1, 0, 1)]
    session.execute(update(ReconDay).where(ReconDay.day.in_(near)).values(compare_at=clock.now()))


@contextmanager
def _spool(book_id: UUID) -> Iterator[Spool]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as file:
        yield Spool(file, book_id)


def _copy(session: Session, spool: Spool) -> None:
    spool.file.seek(0)
    connection = session.connection().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor, cursor.copy(f"COPY recon_line ({COLUMNS}) FROM STDIN (FORMAT csv)") as copy:
        for chunk in _chunks(spool.file):
            copy.write(chunk)


def _chunks(file: IO[str]) -> Iterable[str]:
    return iter(lambda: file.read(CHUNK), "")


def _channel_cells(line: StatementLine) -> Cells:
    """An amount of a refund is what went back; the status is the payment's or the refund's own."""
    refund = line.refund_number is not None
    return (
        None,
        None,
        line.number,
        line.transaction_id,
        line.refund_number,
        (line.refund_status or "") if refund else line.status,
        line.at,
        line.refund_fen if refund else line.amount_fen,
    )


def _finance_cells(line: FinanceLine) -> Cells:
    place = line.region_code, line.pay_code, line.order_no, line.transaction_id, None
    return (*place, line.pay_channel, line.paid_at, line.amount_fen)
