"""State machines are data (ARCHITECTURE §5): a literal table, and the only code that assigns `.state`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Identity, Text, bindparam, insert, inspect, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from backend.core import clock, context
from backend.core.errors import InvalidTransition
from backend.core.prepared import Prepared

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True)
class StateTable(Generic[S, E]):
    """`steps` says what may happen; `repeats` are events that arrive twice and change nothing."""

    name: str
    steps: Mapping[tuple[S, E], S]
    repeats: frozenset[tuple[S, E]] = field(default_factory=frozenset)

    def next(self, state: S, event: E) -> S:
        """The state after `event`. Raises InvalidTransition when the table has no such step."""
        if (state, event) in self.repeats:
            return state
        try:
            return self.steps[state, event]
        except KeyError:
            raise InvalidTransition(machine=self.name, state=state.value, event=event.value) from None


class EventRow:
    """Columns of an append-only event table 状态流水: one row a step of one entity."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    entity_id: Mapped[UUID] = mapped_column(index=True)
    from_state: Mapped[str | None] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    request_id: Mapped[str] = mapped_column(Text)


class Stateful(Protocol):
    """A row with a state: `id`, `state`, `state_at`, its table of steps and its event table."""

    id: Any
    state: Any
    state_at: Any
    states: ClassVar[StateTable[Any, Any]]
    events: ClassVar[type[Any]]


def transition(session: Session, entity: Any, event: StrEnum, *, actor: str, reason: str | None = None) -> bool:
    """Move `entity` by `event` and write its event row. True if it moved, False for a harmless repeat.

    What was changed of the entity and not flushed yet goes into the same UPDATE. Another session may have moved it
    first: then InvalidTransition, and nothing is written.
    """
    kind: Any = type(entity)
    before = entity.state
    after = entity.states.next(before, event)
    if (before, event) in entity.states.repeats:
        return False
    at = clock.now()
    values = _event_values(entity.id, before, after, event, actor=actor, reason=reason, at=at)
    given = {f"event_{name}": value for name, value in values.items()}
    changed = {name: getattr(entity, name) for name in sorted(inspect(entity).committed_state)}
    given |= {f"changed_{name}": value for name, value in changed.items()}
    if not _step(kind, tuple(changed)).run(session, given):
        raise InvalidTransition(machine=entity.states.name, state=before.value, event=event.value)
    for name, value in {**changed, "state": after, "state_at": at}.items():
        set_committed_value(entity, name, value)
    return True


@cache
def _step(kind: Any, changed: tuple[str, ...]) -> Prepared:
    """One statement: the conditional UPDATE of the entity, and its event row if it moved."""
    table, events = kind.__table__, kind.events.__table__
    state = table.c.state.type

    def given(name: str) -> ColumnElement[Any]:
        return bindparam(f"event_{name}", type_=events.c[name].type)

    moved = (
        update(table)
        .where(table.c.id == given("entity_id"), table.c.state == bindparam("event_from_state", type_=state))
        .values(
            state=bindparam("event_to_state", type_=state),
            state_at=given("at"),
            **{name: bindparam(f"changed_{name}", type_=table.c[name].type) for name in changed},
        )
        .returning(table.c.id)
        .cte("moved")
    )
    names = ["from_state", "to_state", "event", "actor", "reason", "at", "request_id"]
    row = select(moved.c.id, *(given(name) for name in names))
    return Prepared(insert(events).from_select(["entity_id", *names], row).returning(events.c.id))


def record_event(
    session: Session,
    table: type[Any],
    entity_id: UUID,
    before: StrEnum | None,
    after: StrEnum,
    event: StrEnum,
    *,
    actor: str,
    reason: str | None = None,
) -> None:
    """Append one row to an event table; also used for the row that creates an entity."""
    values = _event_values(entity_id, before, after, event, actor=actor, reason=reason, at=clock.now())
    events: Any = table
    _first_step(events).run(session, values)


@cache
def _first_step(events: Any) -> Prepared:
    return Prepared(insert(events.__table__).inline())


def _event_values(
    entity_id: UUID,
    before: StrEnum | None,
    after: StrEnum,
    event: StrEnum,
    *,
    actor: str,
    reason: str | None,
    at: datetime,
) -> dict[str, Any]:
    return {
        "entity_id": entity_id,
        "from_state": before.value if before else None,
        "to_state": after.value,
        "event": event.value,
        "actor": actor,
        "reason": reason,
        "at": at,
        "request_id": context.request_id.get(),
    }


def matrix(table: StateTable[S, E], states: type[S], events: type[E]) -> list[tuple[S, E, S | None]]:
    """Every state × event with its outcome (None: refused), for tests and generated diagrams."""
    return [
        (state, event, state if (state, event) in table.repeats else table.steps.get((state, event)))
        for state in states
        for event in events
    ]
