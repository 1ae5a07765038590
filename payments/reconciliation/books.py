"""The three books of a day as streams from the database, in order of key, a few thousand rows in memory at a time."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import Result, TextClause, text
from sqlalchemy.orm import Session

from backend.core import clock
from payments.reconciliation.rules import EDGE, FINANCE, AtChannel, AtFinance, Ours, Standing

ROWS = 2000

_ATTEMPTS = text("""
CREATE TEMP TABLE recon_attempt ON COMMIT DROP AS
  SELECT id FROM payment_attempt WHERE paid_at >= :begin AND paid_at < :end
  UNION
  SELECT a.id FROM recon_book k JOIN recon_line l ON l.book_id = k.id
    JOIN payment_attempt a ON a.number = l.number AND a.channel = k.book
    WHERE k.day = :day AND k.book <> :finance
  UNION
  SELECT a.id FROM recon_book k JOIN recon_line l ON l.book_id = k.id
    JOIN bill b ON b.region_code = l.region_code AND b.pay_code = l.pay_code
    JOIN payment_attempt a ON a.bill_id = b.id AND a.state IN ('paid', 'suspense', 'refund_due', 'returned')
    WHERE k.day = :day AND k.book = :finance
""")
"""Whose payments the day is about: paid on it or within five minutes of it, or named by a foreign book."""

_BILLS = text("""
CREATE TEMP TABLE recon_bill ON COMMIT DROP AS
  SELECT a.bill_id AS id FROM payment_attempt a JOIN recon_attempt USING (id)
  UNION
  SELECT id FROM bill WHERE paid_via = 'other' AND paid_at >= :begin AND paid_at < :end
  UNION
  SELECT b.id FROM recon_book k JOIN recon_line l ON l.book_id = k.id
    JOIN bill b ON b.region_code = l.region_code AND b.pay_code = l.pay_code
    WHERE k.day = :day AND k.book = :finance
""")

_OURS = text("""
SELECT key, number, channel, amount_fen, at, standing, settles, refund_number FROM (
  SELECT b.region_code || '/' || b.pay_code AS key, a.number, a.channel,
    CASE WHEN a.paid_at IS NULL THEN a.amount_fen ELSE a.paid_fen END AS amount_fen, a.paid_at AS at,
    CASE a.state WHEN 'paid' THEN 'done' WHEN 'paid_late' THEN 'done' WHEN 'suspense' THEN 'done'
      WHEN 'refund_due' THEN 'to_return' WHEN 'returned' THEN 'returned' ELSE 'open' END AS standing,
    (a.state = 'paid' AND b.notice_type <> 'postage') AS settles, NULL AS refund_number
  FROM recon_attempt JOIN payment_attempt a USING (id) JOIN bill b ON b.id = a.bill_id
  UNION ALL
  SELECT b.region_code || '/' || b.pay_code, '', 'other', b.total_fen, b.paid_at, 'done', TRUE, NULL
  FROM recon_bill JOIN bill b USING (id) WHERE b.paid_via = 'other'
  UNION ALL
  SELECT b.region_code || '/' || b.pay_code, a.number, a.channel, r.amount_fen, r.refunded_at,
    CASE WHEN r.state = 'success' THEN 'done'
      WHEN r.state IN ('abnormal', 'closed', 'rejected', 'manual_done') THEN 'failed' ELSE 'open' END,
    FALSE, r.number
  FROM refund r JOIN payment_attempt a ON a.id = r.attempt_id JOIN bill b ON b.id = r.bill_id
  WHERE r.refunded_at >= :begin AND r.refunded_at < :end
    OR r.number IN (SELECT l.refund_number FROM recon_book k JOIN recon_line l ON l.book_id = k.id
      WHERE k.day = :day AND l.refund_number IS NOT NULL)
) ours ORDER BY key COLLATE "C"
""")

_CHANNEL = text("""
SELECT * FROM (
  SELECT coalesce(b.region_code || '/' || b.pay_code, '?' || l.number) AS key, l.number, l.book AS channel,
    l.amount_fen, l.at, l.day, l.transaction_id, l.refund_number, upper(l.status) AS status
  FROM (
    SELECT k.book, k.day, l.* FROM recon_book k JOIN recon_line l ON l.book_id = k.id
    WHERE k.book <> :finance AND k.day = :day
    UNION ALL
    SELECT k.book, k.day, l.* FROM recon_book k JOIN recon_line l ON l.book_id = k.id
    WHERE k.book <> :finance AND k.day IN (:before, :after) AND l.refund_number IS NULL
      AND l.number IN (SELECT number FROM payment_attempt JOIN recon_attempt USING (id))
    UNION ALL
    SELECT k.book, k.day, l.* FROM refund r JOIN recon_line l ON l.refund_number = r.number
      JOIN recon_book k ON k.id = l.book_id
    WHERE k.day <> :day AND r.refunded_at >= :begin AND r.refunded_at < :end
  ) l
  LEFT JOIN payment_attempt a ON a.number = l.number AND a.channel = l.book
  LEFT JOIN bill b ON b.id = a.bill_id
) listed ORDER BY key COLLATE "C"
""")
"""The day's lines, the neighbouring days' of the same payments, and those of refunds that arrived on this day: a refund
stands in the book of the day it was asked for, which may be days before."""

_FINANCE = text("""
SELECT * FROM (
  SELECT l.region_code || '/' || l.pay_code AS key, b.id IS NOT NULL AS known, l.number, l.amount_fen, l.at, k.day
  FROM recon_book k JOIN recon_line l ON l.book_id = k.id
  LEFT JOIN bill b ON b.region_code = l.region_code AND b.pay_code = l.pay_code
  WHERE k.book = :finance AND (k.day = :day OR k.day IN (:before, :after) AND b.id IN (SELECT id FROM recon_bill))
) listed ORDER BY key COLLATE "C"
""")

REFUND_STATUS = {"SUCCESS": Standing.DONE, "PROCESSING": Standing.OPEN}
"""What the channels' bills call a refund; every other word means that it did not reach the payer."""


class Books:
    """The streams of one day, all from the caller's transaction; to be closed when they were read, or given up."""

    def __init__(self, session: Session, day: date) -> None:
        self._session = session
        self._open: list[Result[Any]] = []
        begin = clock.instant(day, time(0)) - EDGE
        end = clock.instant(day + timedelta(days=1), time(0)) + EDGE
        self._given = {
            "day": day,
            "before": day - timedelta(days=1),
            "after": day + timedelta(days=1),
            "begin": begin,
            "end": end,
            "finance": FINANCE,
        }
        for table, made in (("recon_attempt", _ATTEMPTS), ("recon_bill", _BILLS)):
            session.execute(text(f"DROP TABLE IF EXISTS {table}"))
            session.execute(made, self._used(made))
            session.execute(text(f"ANALYZE {table}"))

    def ours(self) -> Iterator[Ours]:
        """Our payments and refunds, and bills that were paid past us."""
        for row in self._rows(_OURS):
            yield Ours(
                row.key,
                row.number,
                row.channel,
                row.amount_fen,
                row.at,
                Standing(row.standing),
                settles=row.settles,
                refund_number=row.refund_number,
            )

    def channel(self) -> Iterator[AtChannel]:
        """The lines of every channel's bill."""
        for row in self._rows(_CHANNEL):
            status = Standing.DONE if row.refund_number is None else REFUND_STATUS.get(row.status, Standing.FAILED)
            yield AtChannel(
                row.key,
                row.number,
                row.channel,
                row.amount_fen,
                row.at,
                row.day,
                row.transaction_id,
                refund_number=row.refund_number,
                refund_status=status,
            )

    def finance(self) -> Iterator[AtFinance]:
        """The lines of finance's list."""
        for row in self._rows(_FINANCE):
            yield AtFinance(row.key, row.known, row.number, row.amount_fen, row.at, row.day)

    def _rows(self, statement: TextClause) -> Iterator[Any]:
        rows = self._session.execute(statement, self._used(statement), execution_options={"yield_per": ROWS})
        self._open.append(rows)
        return iter(rows)

    def close(self) -> None:
        """Close the cursors on the server."""
        for rows in self._open:
            rows.close()

    def _used(self, statement: TextClause) -> dict[str, Any]:
        return {name: self._given[name] for name in statement.compile().params}
