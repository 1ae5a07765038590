"""Full products of states and events, and what they promise."""

from typing import Any

import pytest

from backend.core import states
from backend.core.errors import InvalidTransition
from payments.states import (
    ATTEMPT,
    BILL,
    LIVE,
    MONEY_CAME,
    REFUND,
    REFUND_DONE,
    REFUND_RESERVES,
    AttemptEvent,
    AttemptState,
    BillEvent,
    BillState,
    RefundEvent,
    RefundState,
)

A, E = AttemptState, AttemptEvent
MACHINES: tuple[tuple[Any, Any, Any], ...] = (
    (BILL, BillState, BillEvent),
    (ATTEMPT, AttemptState, AttemptEvent),
    (REFUND, RefundState, RefundEvent),
)
PRODUCT = [
    (table, state, event, after)
    for table, kinds, events in MACHINES
    for state, event, after in states.matrix(table, kinds, events)
]


@pytest.mark.parametrize(("table", "state", "event", "after"), PRODUCT)
def test_every_state_with_every_event(table, state, event, after) -> None:
    if after is None:
        with pytest.raises(InvalidTransition):
            table.next(state, event)
    else:
        assert table.next(state, event) == after


def test_the_product_is_complete() -> None:
    assert len(PRODUCT) == 6 * 6 + 11 * 11 + 10 * 13


def test_money_never_becomes_less_certain() -> None:
    """From a state that rests on proof no step leads to one that does not (P6)."""
    for (before, _), after in ATTEMPT.steps.items():
        assert before not in MONEY_CAME or after in MONEY_CAME


def test_what_is_paid_back_or_returned_is_final() -> None:
    for state in (A.PAID, A.RETURNED):
        assert [event for before, event in ATTEMPT.steps if before == state] == []
    for done in REFUND_DONE:
        assert [event for before, event in REFUND.steps if before == done] == []


def test_every_live_attempt_can_be_paid_given_back_suspected_and_closed() -> None:
    for state in LIVE:
        for event in (E.PAY, E.GIVE_BACK, E.SUSPECT):
            assert ATTEMPT.next(state, event) in MONEY_CAME
        assert E.START_CLOSING in [event for before, event in [*ATTEMPT.steps, *ATTEMPT.repeats] if before == state]


def test_closed_orders_take_proof_of_money_as_late() -> None:
    assert ATTEMPT.next(A.CLOSED, E.PAY_LATE) == A.PAID_LATE
    for event in (E.PAY, E.GIVE_BACK):
        with pytest.raises(InvalidTransition):
            ATTEMPT.next(A.CLOSED, event)


def test_a_refund_reserves_its_sum_until_it_is_final() -> None:
    final = {RefundState.REJECTED, RefundState.CLOSED, *REFUND_DONE}
    assert set(RefundState) - set(REFUND_RESERVES) == final
