"""A day of 100,000 payments reconciled: both foreign books read and compared, in a process of its own."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg

from backend.core import clock, db
from backend.core.config import Settings
from payments.gateways.base import Channel, Gateway, StatementLine
from payments.gateways.finance import Finance, FinanceLine
from payments.reconciliation import comparing as recon_compare
from payments.reconciliation import statements as recon_import
from payments.reconciliation.jobs import want_books
from payments.reconciliation.models import ReconBook
from payments.registry import Account, Gateways
from tests.bench import report
from tests.bench.site import Site, facts

LINES = 100_000
TARGET_S, TARGET_MIB = 60.0, 300.0
DAY = date(2026, 11, 20)
NOON = datetime.fromisoformat("2026-11-20T12:00:00+08:00")
EVERY = 500
PLANTED = ("missing_at_channel", "channel_amount", "confirm_lost", "finance_amount", "lost_notice")
"""One of these for every five hundredth payment, in turn."""

_OURS = """
INSERT INTO bill (id, state, state_at, region_code, unit_code, pay_code, notice_type, subject_type, subject_id,
  title_zh, title_en, payer_type, payer_name, payer_name_index, version, total_fen, accepted_on, due_on, source,
  created_at, paid_at, paid_via, grows)
SELECT gen_random_uuid(), CASE WHEN lost THEN 'issued' ELSE 'ebill_issued' END, %(noon)s, '350299', 'bench',
  lpad(n::text, 20, '0'), 'ordinary', 'bench', n::text, 'b', 'b', 'person', 'x', 'x', 1, 100 + n %% 900, %(day)s,
  %(day)s, 'unit', %(noon)s, CASE WHEN NOT lost THEN %(noon)s END, CASE WHEN NOT lost THEN 'wechat_pay' END, false
FROM (SELECT n, n %% (%(every)s * 5) = %(every)s * 4 AS lost FROM generate_series(1, %(lines)s) n) numbers;
"""
_PAID = """
INSERT INTO payment_attempt (id, bill_id, state, state_at, number, channel, scene, app_id, merchant_id, amount_fen,
  currency, bill_version, "order", opened_at, expires_at, transaction_id, paid_fen, paid_at)
SELECT gen_random_uuid(), id, CASE WHEN state = 'issued' THEN 'closed' ELSE 'paid' END, %(noon)s, 'A' || subject_id,
  'wechat_pay', 'h5', 'app', 'bench', total_fen, 'CNY', 1, 'x', %(noon)s, %(noon)s,
  CASE WHEN state <> 'issued' THEN 'T' || subject_id END, CASE WHEN state = 'issued' THEN 0 ELSE total_fen END,
  CASE WHEN state <> 'issued' THEN %(noon)s END
FROM bill WHERE subject_type = 'bench';
"""
_BARE = """
SELECT count(*) FROM (SELECT l.number, l.amount_fen FROM recon_line l JOIN recon_book b ON b.id = l.book_id
  WHERE b.book = 'wechat_pay') l
FULL JOIN payment_attempt a ON a.number = l.number
FULL JOIN (SELECT f.number, f.amount_fen FROM recon_line f JOIN recon_book b ON b.id = f.book_id
  WHERE b.book = 'finance') f ON f.number = a.number
WHERE l.amount_fen IS DISTINCT FROM a.paid_fen OR f.amount_fen IS DISTINCT FROM a.paid_fen
"""
"""What the comparison comes to when nothing is classified, owned or kept: one join."""


def planted(number: int) -> str:
    """What is wrong with a payment, if anything."""
    return PLANTED[number // EVERY % len(PLANTED)] if number % EVERY == 0 else ""


class _Channel:
    """A channel's bill, generated as it is read."""

    channel, merchant_id = Channel.WECHAT_PAY, "bench"

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def statement(self, day: date) -> Iterator[StatementLine]:
        for number in range(1, self.lines + 1):
            wrong = planted(number)
            if wrong != "missing_at_channel":
                fen = 100 + number % 900 + (1 if wrong == "channel_amount" else 0)
                yield StatementLine(f"A{number}", f"T{number}", NOON, fen, "SUCCESS")


class _Finance:
    """Finance's list, generated as it is read."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def payments(self, day: date) -> Iterator[FinanceLine]:
        for number in range(1, self.lines + 1):
            wrong = planted(number)
            if wrong not in ("confirm_lost", "lost_notice"):
                fen = 100 + number % 900 + (1 if wrong == "finance_amount" else 0)
                yield FinanceLine("350299", f"{number:020d}", fen, NOON, "wechat_pay", f"A{number}", f"T{number}")


def run(site: Site) -> bool:
    """Measure, print and write; False when a target is missed."""
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    _prepare(site.database_url, LINES)
    settings: Settings = site.app.extensions["settings"]
    process = context.Process(target=_reconcile, args=(settings, LINES, theirs))
    process.start()
    theirs.close()
    found: dict[str, Any] = mine.recv()
    process.join()
    seconds = sum(found["seconds"].values())
    bare_s = _bare(site.database_url)
    expected = Counter(planted(number) for number in range(EVERY, LINES + 1, EVERY))
    complete = found["differences"] == expected
    met = seconds <= TARGET_S and found["peak_mib"] <= TARGET_MIB and complete
    report.write(
        "reconcile",
        {
            **found,
            "lines": LINES,
            "total_s": round(seconds, 2),
            "lines_per_second": round(LINES / seconds),
            "baseline_one_join_s": round(bare_s, 2),
            "targets": {"seconds": TARGET_S, "peak_mib": TARGET_MIB, "all_planted_found": complete, "met": met},
            "machine": facts(site),
        },
    )
    print(f"Reconciling {LINES} payments with two foreign books: {seconds:.1f} s (target {TARGET_S:.0f})")
    for name, took in found["seconds"].items():
        print(f"  {name:28}{took:>8.1f} s")
    print(f"  one join of the same rows   {bare_s:>8.1f} s")
    print(f"  peak memory {found['peak_mib']:.0f} MiB (target {TARGET_MIB:.0f}), differences {found['differences']}")
    print(f"  {'met' if met else 'MISSED'}")
    return met


def _prepare(url: str, lines: int) -> None:
    given = {"noon": NOON, "day": DAY, "lines": lines, "every": EVERY}
    with psycopg.connect(url) as connection:
        for statement in (_OURS, _PAID):
            connection.execute(statement, given)
        connection.execute("ANALYZE bill, payment_attempt")


def _reconcile(settings: Settings, lines: int, ready: Connection) -> None:
    """Runs in the new process, whose memory is measured from its start."""
    db.configure(settings)
    clock.replace(lambda: NOON + timedelta(days=1))
    channel, finance = _Channel(lines), _Finance(lines)
    took: dict[str, float] = {}
    with db.transaction() as session:
        recon_compare.begin_day(session, DAY)
        gateways = Gateways({Channel.WECHAT_PAY: Account(_as_gateway(channel), {})})
        want_books(session, DAY, gateways, _as_finance(finance))
    with db.transaction() as session:
        books = {book.book: book.id for book in session.query(ReconBook).filter(ReconBook.day == DAY)}
    began = time.perf_counter()
    with (
        recon_import.channel_book(_as_gateway(channel), DAY, books["wechat_pay"]) as spool,
        db.transaction() as session,
    ):
        recon_import.store(session, books["wechat_pay"], spool)
    took["the channel's bill"], began = time.perf_counter() - began, time.perf_counter()
    with recon_import.finance_book(_as_finance(finance), DAY, books["finance"]) as spool, db.transaction() as session:
        recon_import.store(session, books["finance"], spool)
    took["finance's list"], began = time.perf_counter() - began, time.perf_counter()
    with db.transaction() as session:
        recon_compare.compare_day(session, DAY)
    took["comparing and keeping"] = time.perf_counter() - began
    with db.transaction() as session:
        figures = recon_compare.begin_day(session, DAY).figures or {}
    ready.send({"seconds": took, "peak_mib": _peak_mib(), "differences": figures["differences"]})
    db.engine().dispose()


def _peak_mib() -> float:
    """The most memory this process held. `getrusage` would count its parent's, from before the start of the program."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def _as_gateway(channel: Any) -> Gateway:
    """A channel of which only the bill is asked for."""
    made: Gateway = channel
    return made


def _as_finance(office: Any) -> Finance:
    made: Finance = office
    return made


def _bare(url: str) -> float:
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        connection.execute(_BARE).fetchone()
        return time.perf_counter() - began
