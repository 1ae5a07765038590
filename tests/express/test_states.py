"""Every state × every event of shipments, tasks, sheets and statements: what the tables do not name is refused."""

from typing import Any
from uuid import uuid4

import pytest

from backend.core.errors import InvalidTransition
from backend.core.states import StateTable, matrix
from express.snapshots import number
from express.states import (
    SHEET,
    SHIPMENT,
    STATEMENT,
    TASK,
    SheetEvent,
    SheetState,
    ShipmentEvent,
    ShipmentState,
    StatementEvent,
    StatementState,
    TaskEvent,
    TaskState,
)
from express.tracking import SHOWS

TABLES: list[tuple[Any, Any, Any]] = [
    (SHIPMENT, ShipmentState, ShipmentEvent),
    (TASK, TaskState, TaskEvent),
    (SHEET, SheetState, SheetEvent),
    (STATEMENT, StatementState, StatementEvent),
]
WITH_WAYBILL = {
    ShipmentState.ORDERED,
    ShipmentState.CANCELLING,
    ShipmentState.CANCELLED,
    ShipmentState.UNDER_WAY,
    ShipmentState.DELIVERED,
    ShipmentState.RETURNED,
    ShipmentState.LOST,
    ShipmentState.CLOSED,
}


@pytest.mark.parametrize(("table", "states", "events"), TABLES, ids=[table.name for table, _, _ in TABLES])
def test_the_full_product(table: StateTable, states: type, events: type) -> None:  # type: ignore[type-arg]
    for state, event, expected in matrix(table, states, events):
        if expected is None:
            with pytest.raises(InvalidTransition):
                table.next(state, event)
        else:
            assert table.next(state, event) == expected
    assert not set(table.steps) & table.repeats


def test_whatever_the_carrier_shows_has_a_place() -> None:
    """From every state with a waybill, so that any order of events comes to the same end."""
    shown = {*SHOWS.values(), ShipmentEvent.SHOW_UNDER_WAY}
    missing = [
        (state, event)
        for state in WITH_WAYBILL
        for event in shown
        if (state, event) not in SHIPMENT.steps and (state, event) not in SHIPMENT.repeats
    ]
    assert missing == []


def test_only_proof_closes() -> None:
    closing = {event for (_, event), after in SHIPMENT.steps.items() if after == ShipmentState.CLOSED}
    assert closing == {ShipmentEvent.PROVE, ShipmentEvent.PICK_UP, ShipmentEvent.REMAIL}


def test_numbers_are_the_couriers_kind_and_another_for_each_attempt() -> None:
    shipment_id = uuid4()
    first, second = number(shipment_id, 1), number(shipment_id, 2)
    assert first != second
    assert 6 <= len(first) <= 32
    assert first.replace("-", "").isalnum()
