"""The three-way comparison, without a database: every kind of difference is found, none is invented."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core import clock
from payments.reconciliation.rules import (
    FINANCE,
    OTHER,
    AtChannel,
    AtFinance,
    Difference,
    Figures,
    Kind,
    Known,
    Ours,
    Standing,
    Unsorted,
    WrongUnit,
    compare,
    near_midnight,
)

DAY = date(2026, 11, 24)
NOON = clock.instant(DAY, time(12))
LAST_MINUTE = clock.instant(DAY, time(23, 58))
WECHAT, ALIPAY = "wechat_pay", "alipay"
BOTH = frozenset({WECHAT, ALIPAY})
KNOWN = Known(DAY, BOTH, finance=True)


@dataclass
class Books:
    """What the three sides hold; a scenario adds its rows."""

    ours: list[Ours] = field(default_factory=list)
    channel: list[AtChannel] = field(default_factory=list)
    finance: list[AtFinance] = field(default_factory=list)

    def payment(
        self,
        name: str,
        fen: int = 12_000,
        *,
        ours: Standing | None = Standing.DONE,
        channel: str = WECHAT,
        listed: bool = True,
        at_finance: bool = True,
        at: datetime = NOON,
    ) -> None:
        """A payment as all three should see it."""
        key = f"350299/{name}"
        if ours is not None:
            paid_at = None if ours is Standing.OPEN else at
            self.ours.append(Ours(key, f"A{name}", channel, fen, paid_at, ours, settles=ours is Standing.DONE))
        if listed:
            unknown = key if ours is not None else f"?A{name}"
            self.channel.append(AtChannel(unknown, f"A{name}", channel, fen, at, clock.civil(at).date(), f"T{name}"))
        if at_finance:
            self.finance.append(AtFinance(key, True, f"A{name}", fen, at, clock.civil(at).date()))

    def refund(self, name: str, fen: int, *, ours: Standing | None, theirs: Standing | None) -> None:
        """A refund of an older payment."""
        key = f"350299/{name}"
        if ours is not None:
            at = NOON if ours is Standing.DONE else None
            self.ours.append(Ours(key, f"A{name}", WECHAT, fen, at, ours, refund_number=f"R{name}"))
        if theirs is not None:
            self.channel.append(
                AtChannel(key, f"A{name}", WECHAT, fen, NOON, DAY, f"T{name}", f"R{name}", refund_status=theirs)
            )

    def compared(self, known: Known = KNOWN) -> tuple[list[Difference], Figures]:
        figures = Figures()
        streams = [sorted(rows, key=lambda row: row.key) for rows in (self.ours, self.channel, self.finance)]
        return list(compare(known, streams[0], streams[1], streams[2], figures)), figures

    def kinds(self, known: Known = KNOWN) -> list[Kind]:
        return [difference.kind for difference in self.compared(known)[0]]


def changed(rows: list, name: str, **changes: object) -> None:  # type: ignore[type-arg]
    """Change the newest row of a book."""
    rows[-1] = replace(rows[-1], **changes)


def good(books: Books, name: str) -> None:
    books.payment(name)


def good_alipay(books: Books, name: str) -> None:
    books.payment(name, channel=ALIPAY)


def good_cash(books: Books, name: str) -> None:
    key = f"350299/{name}"
    books.ours.append(Ours(key, "", OTHER, 5_000, NOON, Standing.DONE, settles=True))
    books.finance.append(AtFinance(key, True, None, 5_000, NOON, DAY))


def good_refund(books: Books, name: str) -> None:
    books.refund(name, 500, ours=Standing.DONE, theirs=Standing.DONE)


def good_pending_refund(books: Books, name: str) -> None:
    books.refund(name, 500, ours=Standing.OPEN, theirs=Standing.OPEN)


def good_returned(books: Books, name: str) -> None:
    books.payment(name, ours=Standing.RETURNED, at_finance=False)


def unpaid(books: Books, name: str) -> None:
    books.payment(name, ours=Standing.OPEN, listed=False, at_finance=False)


def lost_notice(books: Books, name: str) -> None:
    books.payment(name, ours=Standing.OPEN, at_finance=False)


def unknown_order(books: Books, name: str) -> None:
    books.payment(name, ours=None, at_finance=False)


def missing_at_channel(books: Books, name: str) -> None:
    books.payment(name, listed=False)


def channel_amount(books: Books, name: str) -> None:
    books.payment(name)
    changed(books.channel, name, amount_fen=12_001)


def listed_twice(books: Books, name: str) -> None:
    books.payment(name)
    books.channel.append(books.channel[-1])


def surplus(books: Books, name: str) -> None:
    """Two channels took the money of one bill."""
    books.payment(name)
    books.payment(name, ours=Standing.TO_RETURN, channel=ALIPAY, at_finance=False)
    changed(books.ours, name, number=f"B{name}")
    changed(books.channel, name, number=f"B{name}")


def near_midnight_at_channel(books: Books, name: str) -> None:
    books.payment(name, listed=False, at=LAST_MINUTE)


def near_midnight_at_finance(books: Books, name: str) -> None:
    books.payment(name, at_finance=False, at=LAST_MINUTE)


def lost_refund_notice(books: Books, name: str) -> None:
    books.refund(name, 500, ours=Standing.OPEN, theirs=Standing.DONE)


def outside_refund(books: Books, name: str) -> None:
    books.refund(name, 500, ours=None, theirs=Standing.DONE)


def refund_missing(books: Books, name: str) -> None:
    books.refund(name, 500, ours=Standing.DONE, theirs=None)


def refund_amount(books: Books, name: str) -> None:
    books.refund(name, 500, ours=Standing.DONE, theirs=Standing.DONE)
    changed(books.channel, name, amount_fen=400)


def refund_state(books: Books, name: str) -> None:
    books.refund(name, 500, ours=Standing.DONE, theirs=Standing.FAILED)


def confirm_lost(books: Books, name: str) -> None:
    books.payment(name, at_finance=False)


def other_channel(books: Books, name: str) -> None:
    books.payment(name, ours=Standing.OPEN, listed=False)
    changed(books.finance, name, number=None)


def finance_only(books: Books, name: str) -> None:
    books.payment(name, ours=Standing.OPEN, listed=False)


def finance_unknown(books: Books, name: str) -> None:
    books.finance.append(AtFinance(f"350299/{name}", False, None, 700, NOON, DAY))


def finance_amount(books: Books, name: str) -> None:
    books.payment(name)
    changed(books.finance, name, amount_fen=11_999)


def paid_twice(books: Books, name: str) -> None:
    books.payment(name)
    changed(books.finance, name, number=None)


Scenario = Callable[[Books, str], None]

GOOD: tuple[Scenario, ...] = (
    good,
    good_alipay,
    good_cash,
    good_refund,
    good_pending_refund,
    good_returned,
    unpaid,
)
PLANTED: dict[Scenario, Kind] = {
    lost_notice: Kind.LOST_NOTICE,
    unknown_order: Kind.UNKNOWN_ORDER,
    missing_at_channel: Kind.MISSING_AT_CHANNEL,
    channel_amount: Kind.CHANNEL_AMOUNT,
    listed_twice: Kind.LISTED_TWICE,
    surplus: Kind.SURPLUS,
    near_midnight_at_channel: Kind.NEAR_MIDNIGHT,
    near_midnight_at_finance: Kind.NEAR_MIDNIGHT,
    lost_refund_notice: Kind.LOST_REFUND_NOTICE,
    outside_refund: Kind.OUTSIDE_REFUND,
    refund_missing: Kind.REFUND_MISSING,
    refund_amount: Kind.REFUND_AMOUNT,
    refund_state: Kind.REFUND_STATE,
    confirm_lost: Kind.CONFIRM_LOST,
    other_channel: Kind.OTHER_CHANNEL,
    finance_only: Kind.FINANCE_ONLY,
    finance_unknown: Kind.FINANCE_UNKNOWN,
    finance_amount: Kind.FINANCE_AMOUNT,
    paid_twice: Kind.PAID_TWICE,
}


def named(scenario: Scenario) -> str:
    return scenario.__name__


def test_every_kind_has_a_scenario() -> None:
    assert set(PLANTED.values()) == set(Kind)


@pytest.mark.parametrize("scenario", GOOD, ids=named)
def test_what_agrees_is_no_difference(scenario: Scenario) -> None:
    books = Books()
    scenario(books, "1")
    assert books.kinds() == []


@pytest.mark.parametrize(("scenario", "kind"), PLANTED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_each_difference_is_of_its_kind(scenario: Scenario, kind: Kind) -> None:
    books = Books()
    good(books, "0")
    scenario(books, "1")
    assert books.kinds() == [kind]


@given(
    plan=st.lists(st.sampled_from([*GOOD, *PLANTED]), max_size=60),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=80, deadline=None)
def test_a_mixed_day_gives_exactly_what_was_planted(plan: list[Scenario], order: random.Random) -> None:
    books = Books()
    good(books, "000")
    good_cash(books, "001")
    for number, scenario in enumerate(plan):
        scenario(books, f"1{number:03d}")
    for rows in (books.ours, books.channel, books.finance):
        order.shuffle(rows)
    found, figures = books.compared()
    planted = Counter(PLANTED[scenario] for scenario in plan if scenario in PLANTED)
    assert Counter(difference.kind for difference in found) == planted
    assert figures.differences == planted
    assert len({(difference.kind, difference.object_key) for difference in found}) == len(found)
    listed = [row for row in books.channel if row.refund_number is None]
    assert (figures.payments, figures.payments_fen) == (len(listed), sum(row.amount_fen for row in listed))
    assert figures.at_finance == len(books.finance)
    assert books.compared()[0] == found, "a second run finds the same"


@given(
    ours=st.integers(-5 * 60, 5 * 60 - 1),
    theirs=st.integers(-5 * 60, 5 * 60 - 1),
    finance=st.integers(-5 * 60, 5 * 60 - 1),
)
def test_p49_around_midnight_a_payment_that_all_have_is_never_a_difference(
    ours: int, theirs: int, finance: int
) -> None:
    """Whatever day each book puts it on, once the books of the neighbouring days are there."""
    midnight = clock.instant(DAY + timedelta(days=1), time(0))
    books = Books()
    books.payment("1")
    changed(books.ours, "1", at=midnight + timedelta(seconds=ours))
    for rows, seconds in ((books.channel, theirs), (books.finance, finance)):
        at = midnight + timedelta(seconds=seconds)
        changed(rows, "1", at=at, day=clock.civil(at).date())
    for shift in (-1, 0, 1, 2):
        day = DAY + timedelta(days=shift)
        assert books.kinds(Known(day, BOTH, BOTH, finance=True, finance_next=True)) == []


def test_p49_a_payment_near_midnight_waits_for_the_next_days_bill() -> None:
    books = Books()
    books.payment("1", listed=False, at_finance=False, at=LAST_MINUTE)
    assert books.kinds() == [Kind.NEAR_MIDNIGHT]
    assert books.kinds(replace(KNOWN, channels_next=BOTH)) == [Kind.MISSING_AT_CHANNEL]
    assert books.kinds(Known(DAY + timedelta(days=1), BOTH, finance=True)) == [], "it belongs to one day only"
    books.channel.append(
        AtChannel("350299/1", "A1", WECHAT, 12_000, NOON + timedelta(days=1), DAY + timedelta(days=1), "T1")
    )
    assert books.kinds(replace(KNOWN, channels_next=BOTH)) == [Kind.NEAR_MIDNIGHT]
    assert books.kinds(replace(KNOWN, channels_next=BOTH, finance_next=True)) == [Kind.CONFIRM_LOST]


@pytest.mark.parametrize(
    ("hour", "minute", "second", "near"),
    [(23, 54, 59, False), (23, 55, 0, True), (23, 59, 59, True), (0, 0, 0, True), (0, 4, 59, True), (0, 5, 0, False)],
)
def test_five_minutes_are_near_midnight(hour: int, minute: int, second: int, near: bool) -> None:
    assert near_midnight(clock.instant(DAY, time(hour, minute, second))) is near


def test_a_channel_whose_bill_is_not_there_yet_misses_nothing() -> None:
    books = Books()
    books.payment("1", listed=False, channel=ALIPAY)
    books.refund("2", 100, ours=Standing.DONE, theirs=None)
    assert books.kinds(replace(KNOWN, channels=frozenset())) == []
    assert books.kinds(replace(KNOWN, channels=frozenset({ALIPAY}), finance=False)) == [Kind.MISSING_AT_CHANNEL]


def test_without_finances_list_nothing_is_missing_there() -> None:
    books = Books()
    confirm_lost(books, "1")
    finance_unknown(books, "2")
    assert books.kinds(replace(KNOWN, finance=False)) == []


def test_money_that_the_channel_does_not_have_is_not_confirmed_to_finance() -> None:
    books = Books()
    books.payment("1", listed=False, at_finance=False)
    assert books.kinds() == [Kind.MISSING_AT_CHANNEL]


@pytest.mark.parametrize("factor", [100, 0.01])
def test_a_book_in_the_wrong_unit_stops_the_run(factor: float) -> None:
    books = Books()
    for number in range(3):
        books.payment(str(number), 12_000)
        changed(books.channel, "", amount_fen=int(12_000 * factor))
    with pytest.raises(WrongUnit, match=WECHAT):
        books.compared()
    books.payment("9")
    assert books.kinds() == [Kind.CHANNEL_AMOUNT] * 3, "one sum that fits shows that the unit is right"


def test_finances_list_in_the_wrong_unit_stops_the_run() -> None:
    books = Books()
    books.payment("1")
    changed(books.finance, "", amount_fen=120)
    with pytest.raises(WrongUnit, match=FINANCE):
        books.compared()


@pytest.mark.parametrize("side", [0, 1, 2])
def test_a_stream_out_of_order_is_refused(side: int) -> None:
    books = Books()
    for name in ("2", "1"):
        books.payment(name)
    streams: list[list[Any]] = [sorted(books.ours, key=lambda row: row.key), [], []]
    unsorted: list[list[Any]] = [books.ours, books.channel, books.finance]
    streams[side] = unsorted[side]
    with pytest.raises(Unsorted):
        list(compare(KNOWN, streams[0], streams[1], streams[2], Figures()))


def test_ten_thousand_lines_with_planted_differences() -> None:
    """A7: twelve kinds and more, ten of each, all found, none invented, each in the right class."""
    books = Books()
    for number in range(9_000):
        GOOD[number % len(GOOD)](books, f"0{number:05d}")
    for number, scenario in enumerate(list(PLANTED) * 10):
        scenario(books, f"1{number:05d}")
    found, _ = books.compared()
    assert len(PLANTED) * 10 == len(found) >= 120
    assert Counter(difference.kind for difference in found) == Counter(PLANTED.values()) + Counter(
        {kind: count * 9 for kind, count in Counter(PLANTED.values()).items()}
    )


def test_one_difference_names_both_sums_and_the_place() -> None:
    books = Books()
    channel_amount(books, "1")
    (found,) = books.compared()[0]
    assert found == Difference(
        Kind.CHANNEL_AMOUNT,
        key="350299/1",
        object_key="A1",
        number="A1",
        channel=WECHAT,
        transaction_id="T1",
        ours_fen=12_000,
        theirs_fen=12_001,
        at=NOON.astimezone(UTC),
    )
