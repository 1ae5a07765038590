"""Three-way comparison of a day: our books, the channels' bills, finance's list (domain sheet §1.8). Pure.

All three come as streams in order of `key`, the bill's region and pay code, so only one bill is in memory at a time.
Rows of the day before and after take part as partners, because a payment near midnight may stand one day off; each
difference belongs to exactly one day: that of the foreign row, or ours when there is none.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from heapq import merge
from itertools import groupby
from typing import Any

from backend.core import clock

EDGE = timedelta(minutes=5)
"""How far from midnight a payment may stand on the neighbouring day of another book (P49)."""

FINANCE = "finance"
OTHER = "other"
"""The channel of money that came past us: cash, card, a bank's counter."""


class Kind(StrEnum):
    """What differs."""

    LOST_NOTICE = "lost_notice"
    UNKNOWN_ORDER = "unknown_order"
    MISSING_AT_CHANNEL = "missing_at_channel"
    CHANNEL_AMOUNT = "channel_amount"
    LISTED_TWICE = "listed_twice"
    SURPLUS = "surplus"
    NEAR_MIDNIGHT = "near_midnight"
    LOST_REFUND_NOTICE = "lost_refund_notice"
    OUTSIDE_REFUND = "outside_refund"
    REFUND_MISSING = "refund_missing"
    REFUND_AMOUNT = "refund_amount"
    REFUND_STATE = "refund_state"
    CONFIRM_LOST = "confirm_lost"
    OTHER_CHANNEL = "other_channel"
    FINANCE_ONLY = "finance_only"
    FINANCE_UNKNOWN = "finance_unknown"
    FINANCE_AMOUNT = "finance_amount"
    PAID_TWICE = "paid_twice"


class Standing(StrEnum):
    """What our books say of a payment or refund."""

    OPEN = "open"  # no money seen, or the refund is not final
    DONE = "done"  # the payment settled its bill, or waits in suspense; the refund has gone back
    TO_RETURN = "to_return"  # money that no bill takes and that has not gone back yet
    RETURNED = "returned"  # that money has gone back
    FAILED = "failed"  # the refund did not reach the payer


@dataclass(frozen=True, slots=True)
class Ours:
    """A payment of our books, or a refund when `refund_number` is set. `settles`: the bill counts as paid by it."""

    key: str
    number: str
    channel: str
    amount_fen: int
    at: datetime | None
    standing: Standing
    settles: bool = False
    refund_number: str | None = None


@dataclass(frozen=True, slots=True)
class AtChannel:
    """A row of a channel's bill of `day`. A number that is not ours has a key of its own that no bill has."""

    key: str
    number: str
    channel: str
    amount_fen: int
    at: datetime
    day: date
    transaction_id: str
    refund_number: str | None = None
    refund_status: Standing = Standing.DONE


@dataclass(frozen=True, slots=True)
class AtFinance:
    """A row of finance's list of `day`; `number` is our order's, None for money that came past us."""

    key: str
    known: bool
    number: str | None
    amount_fen: int
    at: datetime
    day: date


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing to be settled. `object_key` names it within its day and kind, the same on every run."""

    kind: Kind
    key: str
    object_key: str
    number: str | None = None
    refund_number: str | None = None
    channel: str | None = None
    transaction_id: str | None = None
    ours_fen: int | None = None
    theirs_fen: int | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Known:
    """Which books of the day are there. `*_next`: those of the following day are there too, so midnight is decided."""

    day: date
    channels: frozenset[str]
    channels_next: frozenset[str] = frozenset()
    finance: bool = False
    finance_next: bool = False


@dataclass
class Figures:
    """Counts and sums of the day; filled while the differences are read."""

    payments: int = 0
    payments_fen: int = 0
    refunds: int = 0
    refunds_fen: int = 0
    at_finance: int = 0
    at_finance_fen: int = 0
    matched: int = 0
    day_shifted: int = 0
    differences: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    hundredfold: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """What is kept of them."""
        names = ("payments", "payments_fen", "refunds", "refunds_fen", "at_finance", "at_finance_fen")
        counts = {name: getattr(self, name) for name in (*names, "matched", "day_shifted")}
        return {**counts, "differences": {str(kind): count for kind, count in sorted(self.differences.items())}}


class Unsorted(Exception):
    """A stream is not in order of its key, so nothing it says can be relied on."""


class WrongUnit(Exception):
    """Every sum of a book differs by a factor of a hundred: yuan were read as fen or the other way round."""


@dataclass
class _Bill:
    """Everything the three books say of one bill."""

    ours: list[Ours] = field(default_factory=list)
    channel: list[AtChannel] = field(default_factory=list)
    finance: list[AtFinance] = field(default_factory=list)


def compare(
    known: Known,
    ours: Iterable[Ours],
    channel: Iterable[AtChannel],
    finance: Iterable[AtFinance],
    figures: Figures,
) -> Iterator[Difference]:
    """Every difference of the day, in order of key, while `figures` counts.

    Raises Unsorted, and at the end WrongUnit: then nothing that was given may be used.
    """
    streams = (_sorted(ours, "ours"), _sorted(channel, "channel"), _sorted(finance, "finance"))
    for key, rows in groupby(merge(*streams, key=lambda row: row.key), lambda row: row.key):
        bill = _Bill()
        for row in rows:
            _put(bill, row)
        for difference in _of_bill(known, key, bill, figures):
            figures.differences[difference.kind] += 1
            yield difference
    wrong = sorted(book for book, pairs in figures.pairs.items() if pairs == figures.hundredfold[book])
    if wrong:
        raise WrongUnit(f"{known.day}: {', '.join(wrong)}")


def near_midnight(at: datetime) -> bool:
    """Whether an instant lies within five minutes of midnight in Xiamen."""
    civil = clock.civil(at)
    return (civil + EDGE).date() != civil.date() or (civil - EDGE).date() != civil.date()


def _put(bill: _Bill, row: Ours | AtChannel | AtFinance) -> None:
    if isinstance(row, Ours):
        bill.ours.append(row)
    elif isinstance(row, AtChannel):
        bill.channel.append(row)
    else:
        bill.finance.append(row)


def _sorted(rows: Iterable[Ours | AtChannel | AtFinance], name: str) -> Iterator[Ours | AtChannel | AtFinance]:
    last = ""
    for row in rows:
        if row.key < last:
            raise Unsorted(f"{name} after {last[:12]}")
        last = row.key
        yield row


def _of_bill(known: Known, key: str, bill: _Bill, figures: Figures) -> Iterator[Difference]:
    paid = {row.number: row for row in bill.ours if row.refund_number is None}
    listed: dict[str, list[AtChannel]] = defaultdict(list)
    for row in bill.channel:
        if row.refund_number is None:
            listed[row.number].append(row)
    at_channel: set[str] = set()
    for number in sorted(paid.keys() | listed.keys()):
        found = _payment(known, paid.get(number), listed[number], figures)
        if found is None or found.kind in {Kind.SURPLUS, Kind.LOST_NOTICE, Kind.LISTED_TWICE}:
            at_channel.add(number)
        if found is not None:
            yield found
    yield from _refunds(known, bill, figures)
    if known.finance:
        yield from _at_finance(known, key, bill, at_channel, figures)


def _payment(known: Known, ours: Ours | None, rows: list[AtChannel], figures: Figures) -> Difference | None:
    """What differs between us and a channel about one order number."""
    today = [row for row in rows if row.day == known.day]
    figures.payments += len(today)
    figures.payments_fen += sum(row.amount_fen for row in today)
    if not today:
        return _unlisted(known, ours, rows, figures)
    row = today[0]
    if ours is None:
        return _difference(Kind.UNKNOWN_ORDER, row.key, row=row)
    _count_pair(figures, row.channel, ours.amount_fen, row.amount_fen)
    if ours.amount_fen != row.amount_fen:
        return _difference(Kind.CHANNEL_AMOUNT, row.key, ours=ours, row=row)
    if len(rows) > 1:
        return _difference(Kind.LISTED_TWICE, row.key, ours=ours, row=row)
    if ours.standing is Standing.OPEN:
        return _difference(Kind.LOST_NOTICE, row.key, ours=ours, row=row)
    if ours.standing is Standing.TO_RETURN:
        return _difference(Kind.SURPLUS, row.key, ours=ours, row=row)
    _match(known, figures, ours)
    return None


def _unlisted(known: Known, ours: Ours | None, rows: list[AtChannel], figures: Figures) -> Difference | None:
    """Our payment that the channel's bill of the day does not have."""
    expected = (
        ours is not None
        and not rows
        and ours.standing is not Standing.OPEN
        and ours.channel in known.channels
        and _is_on(known.day, ours.at)
    )
    if ours is None or not expected:
        return None
    early = ours.at is not None and near_midnight(ours.at) and ours.channel not in known.channels_next
    return _difference(Kind.NEAR_MIDNIGHT if early else Kind.MISSING_AT_CHANNEL, ours.key, ours=ours)


def _refunds(known: Known, bill: _Bill, figures: Figures) -> Iterator[Difference]:
    mine = {row.refund_number: row for row in bill.ours if row.refund_number is not None}
    theirs: dict[str, list[AtChannel]] = defaultdict(list)
    for row in bill.channel:
        if row.refund_number is not None:
            theirs[row.refund_number].append(row)
    for number in sorted(mine.keys() | theirs.keys()):
        today = [row for row in theirs[number] if row.day == known.day]
        figures.refunds += len(today)
        figures.refunds_fen += sum(row.amount_fen for row in today if row.refund_status is Standing.DONE)
        ours = mine.get(number)
        found = (
            _refund(known, ours, today[-1], figures)
            if today
            else _refund_unlisted(known, ours, listed=bool(theirs[number]))
        )
        if found is not None:
            yield found


def _refund(known: Known, ours: Ours | None, row: AtChannel, figures: Figures) -> Difference | None:
    if ours is None:
        return None if row.refund_status is Standing.FAILED else _difference(Kind.OUTSIDE_REFUND, row.key, row=row)
    if ours.amount_fen != row.amount_fen:
        return _difference(Kind.REFUND_AMOUNT, row.key, ours=ours, row=row)
    if ours.standing is Standing.OPEN and row.refund_status is Standing.DONE:
        return _difference(Kind.LOST_REFUND_NOTICE, row.key, ours=ours, row=row)
    if ours.standing is not row.refund_status and row.refund_status is not Standing.OPEN:
        return _difference(Kind.REFUND_STATE, row.key, ours=ours, row=row)
    _match(known, figures, ours)
    return None


def _refund_unlisted(known: Known, ours: Ours | None, *, listed: bool) -> Difference | None:
    if ours is None or listed or ours.standing is not Standing.DONE:
        return None
    if ours.channel not in known.channels or not _is_on(known.day, ours.at):
        return None
    early = ours.at is not None and near_midnight(ours.at) and ours.channel not in known.channels_next
    return _difference(Kind.NEAR_MIDNIGHT if early else Kind.REFUND_MISSING, ours.key, ours=ours)


def _at_finance(
    known: Known, key: str, bill: _Bill, at_channel: Collection[str], figures: Figures
) -> Iterator[Difference]:
    settled = next((row for row in bill.ours if row.settles and row.refund_number is None), None)
    today = [row for row in bill.finance if row.day == known.day]
    figures.at_finance += len(today)
    figures.at_finance_fen += sum(row.amount_fen for row in today)
    if len(bill.finance) > 1 and today:
        yield _finance_difference(Kind.LISTED_TWICE, key, settled, today[0])
        return
    for row in today:
        found = _finance_row(row, settled, bill, figures)
        if found is not None:
            yield _finance_difference(found, key, settled, row)
    if settled is None or bill.finance or not _is_on(known.day, settled.at):
        return
    if settled.channel != OTHER and settled.channel in known.channels and settled.number not in at_channel:
        return
    early = settled.at is not None and near_midnight(settled.at) and not known.finance_next
    yield _finance_difference(Kind.NEAR_MIDNIGHT if early else Kind.CONFIRM_LOST, key, settled, None)


def _finance_row(row: AtFinance, settled: Ours | None, bill: _Bill, figures: Figures) -> Kind | None:
    if not row.known:
        return Kind.FINANCE_UNKNOWN
    if settled is None:
        if row.number is None:
            return Kind.OTHER_CHANNEL
        paid_there = any(one.number == row.number and one.refund_number is None for one in bill.channel)
        return None if paid_there else Kind.FINANCE_ONLY
    if (row.number or OTHER) != (settled.number or OTHER):
        return Kind.PAID_TWICE
    _count_pair(figures, FINANCE, settled.amount_fen, row.amount_fen)
    return None if row.amount_fen == settled.amount_fen else Kind.FINANCE_AMOUNT


def _difference(kind: Kind, key: str, *, ours: Ours | None = None, row: AtChannel | None = None) -> Difference:
    one = row or ours
    assert one is not None
    return Difference(
        kind,
        key,
        object_key=one.refund_number or one.number,
        number=one.number,
        refund_number=one.refund_number,
        channel=one.channel,
        transaction_id=row.transaction_id if row else None,
        ours_fen=ours.amount_fen if ours else None,
        theirs_fen=row.amount_fen if row else None,
        at=one.at,
    )


def _finance_difference(kind: Kind, key: str, ours: Ours | None, row: AtFinance | None) -> Difference:
    return Difference(
        kind,
        key,
        object_key=f"finance:{key}",
        number=ours.number if ours else row.number if row else None,
        channel=FINANCE,
        ours_fen=ours.amount_fen if ours else None,
        theirs_fen=row.amount_fen if row else None,
        at=row.at if row else ours.at if ours else None,
    )


def _is_on(day: date, at: datetime | None) -> bool:
    return at is not None and clock.civil(at).date() == day


def _count_pair(figures: Figures, book: str, ours_fen: int, theirs_fen: int) -> None:
    figures.pairs[book] += 1
    figures.hundredfold[book] += ours_fen == theirs_fen * 100 or theirs_fen == ours_fen * 100


def _match(known: Known, figures: Figures, ours: Ours) -> None:
    figures.matched += 1
    figures.day_shifted += not _is_on(known.day, ours.at)
