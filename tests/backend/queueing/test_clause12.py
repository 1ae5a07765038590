"""Circular clause 12 as a property: appointments never limit people who come without one (domain sheet §4, a to e).

Any legal settings, any history, the real services on PostgreSQL. After every event:
(a) whoever asks gets a number while the hall is open and holds them, whatever their conduct record;
(b) every half-day keeps its on-site share, and what was released to the hall stays there;
(c) no setting of booking makes the hall refuse;
(d) both waits are public and count everybody;
(e) nobody without an appointment is overtaken by a later due time, nor by more than the guard's share of bookings.
"""

import os
from collections.abc import Iterator
from datetime import time

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from backend.appointments import doctor as bookings_doctor
from backend.appointments.errors import OnlineBookingBlocked
from backend.appointments.models import POLICY_RANGES, BookingPolicy
from backend.appointments.passes import PassKeys
from backend.core import calendar, clock, crypto, db
from backend.core.errors import ServiceError
from backend.queueing import doctor, errors, waits
from backend.queueing.models import QueuePolicy, Ticket
from backend.queueing.ordering import Kind
from tests.backend.queueing import hall_day, hall_people
from tests.backend.queueing.hall_day import HALL, QUEUES, TODAY, Day, People, Settings
from tests.conftest import make_settings

pytestmark = pytest.mark.slow

SCALE = int(os.environ.get("RACE_SCALE", "1"))
EXAMPLES = 2000 if SCALE > 1 else 300


@st.composite
def legal_settings(draw: st.DrawFn) -> Settings:
    """Whatever the database accepts: hours, places, shares, guard, grace, capacity of the building, windows."""
    morning = (
        time(8, draw(st.sampled_from((0, 30)))),
        time(11 + draw(st.integers(0, 1)), draw(st.sampled_from((0, 40)))),
    )
    afternoon = time(14, draw(st.sampled_from((0, 30)))), time(16, draw(st.sampled_from((0, 30, 50))))
    halves = draw(st.sampled_from(((morning, afternoon), (morning,), (afternoon,))))
    allowance = draw(st.sampled_from((0, 20, 20, 60)))
    policy = {name: draw(st.integers(low, high)) for name, (low, high) in POLICY_RANGES.items()}
    policy |= {"onsite_percent": draw(st.sampled_from((30, 30, 33, 50, 100)))}
    policy |= {"early_minutes": draw(st.sampled_from((0, 15, 30, 120)))}
    policy |= {"staff_percent": min(policy["staff_percent"], 100 - policy["onsite_percent"])}
    policy |= {"slot_minutes": draw(st.sampled_from((10, 25, 30, 45, 60, 83, 120)))}
    policy |= {"same_day": draw(st.booleans()), "release_at": time(draw(st.integers(0, 8)))}
    queue = {
        "allowance_minutes": allowance,
        "late_credit_minutes": draw(st.integers(0, allowance)),
        "guard_every": draw(st.integers(2, 5)),
        "return_after": draw(st.integers(0, 10)),
        "opens_before_minutes": draw(st.sampled_from((0, 30, 120))),
        "capacity": draw(st.sampled_from((None, None, None, 1, 4, 12))),
    }
    served = st.sampled_from((QUEUES[:1], QUEUES[1:], QUEUES))
    return Settings(
        halves=tuple((*half, draw(st.sampled_from((1, 40, 200, 400)))) for half in halves),
        policy=policy,
        queue=queue,
        booked=(0,) * draw(st.sampled_from((0, 2, 4, 5))),
        windows=tuple(draw(served) for _ in range(draw(st.integers(1, hall_day.CLERKS)))),
    )


HALF_DAYS = text("""
    SELECT s.category_code, s.day, (s.start AT TIME ZONE 'Asia/Shanghai')::time < '13:00' AS morning,
      sum(q.capacity) AS places, sum(q.capacity) FILTER (WHERE q.channel = 'onsite') AS onsite
    FROM slot s JOIN slot_quota q ON q.slot_id = s.id GROUP BY 1, 2, 3
""")

HISTORY = st.lists(
    st.tuples(
        st.sampled_from(hall_day.DRAWN), st.integers(0, 7), st.integers(0, 20), st.sampled_from((0, 0, 1, 3, 10, 40))
    ),
    min_size=4,
    max_size=10,
)


@pytest.fixture
def hall(seeded_database: str) -> Iterator[tuple[Connection, People, PassKeys]]:
    """The people of a hall, and one connection on which everything happens and is taken back."""
    made = make_settings(seeded_database)
    crypto.configure(crypto.Keyring.from_settings(made))
    before = db._engine, db._sessions, db._autocommit_sessions
    clock.replace(lambda: clock.instant(TODAY, time(7)))
    calendar.forget()
    engine = create_engine(seeded_database, connect_args={"options": "-c timezone=UTC"})
    with engine.connect() as connection:
        factory = sessionmaker(
            connection, expire_on_commit=False, autoflush=False, join_transaction_mode="create_savepoint"
        )
        db._engine, db._sessions, db._autocommit_sessions = engine, factory, factory
        with connection.begin():
            people = hall_people.populate()
        yield connection, people, PassKeys.from_settings(made)
    engine.dispose()
    clock.replace(None)
    calendar.forget()
    db._engine, db._sessions, db._autocommit_sessions = before


def test_appointments_never_limit_people_who_come_without_one(hall: tuple[Connection, People, PassKeys]) -> None:
    connection, people, keys = hall

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(chosen=legal_settings(), starts=st.sampled_from((7, 8, 9, 11, 14, 16)), history=HISTORY)
    def holds(chosen: Settings, starts: int, history: list[tuple[str, int, int, int]]) -> None:
        note(repr(chosen))
        day = Day(people, chosen, keys, now=clock.instant(TODAY, time(starts)))
        outer = connection.begin()
        try:
            day.begin()
            promises = Promises(day)
            for event, who, pick, minutes in history:
                day.play(event, who, pick, minutes)
                note(f"{day.now:%H:%M} {event} {who} {pick}: {day.refused!r}")
                promises.hold(event, who)
            promises.hold_at_the_end()
        finally:
            outer.rollback()

    holds()


class Promises:
    """The five promises, and that no number is given twice, asked of the database after each event."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.runs = dict.fromkeys(QUEUES, 0)
        self.onsite = 0
        self.asked = 0

    def hold(self, event: str, who: int) -> None:
        """After `event`."""
        if event == "book" and who % hall_day.PEOPLE == 0:
            assert isinstance(self.day.refused, (OnlineBookingBlocked, type(None)))
        if event in ("take", "crowd"):
            self._refused_only_by_the_hall(self.day.refused)
        self._fair_calls()
        with db.transaction() as session:
            self._shares(session)
            self._waits(session)
            numbers = select(func.count(), func.count(func.distinct(Ticket.prefix + func.to_char(Ticket.seq, "FM000"))))
            every, different = session.execute(numbers.where(Ticket.day == TODAY)).one()
            assert every == different
        if event != "take":
            self._anybody_gets_a_number()

    def hold_at_the_end(self) -> None:
        """The doctor's rules hold too."""
        with db.transaction() as session:
            assert bookings_doctor.invariants(session) + doctor.invariants(session) == []

    def _anybody_gets_a_number(self) -> None:
        """(a), (c): ask as the person whose booking is paused, as an elder, as nobody known, in turn; undo it."""
        self.asked += 1
        who = (0, hall_day.PEOPLE, 1)[self.asked % 3]
        refused: ServiceError | None = None
        try:
            with db.transaction() as session:
                self.day.take(session, who, self.asked)
                raise Forget
        except Forget:
            pass
        except ServiceError as error:
            refused = error
        self._refused_only_by_the_hall(refused)

    def _refused_only_by_the_hall(self, refused: ServiceError | None) -> None:
        if not self.day.is_open():
            assert isinstance(refused, errors.HallClosed), f"{self.day.now} is outside {self.day.hours()}"
            return
        assert not isinstance(refused, errors.HallClosed), f"{self.day.now} is inside {self.day.hours()}"
        with db.transaction() as session:
            full = self.day.is_full(session)
        assert refused is None or (full and isinstance(refused, errors.HallFull)), refused

    def _shares(self, session: Session) -> None:
        """(b): thirty percent of each half-day, rounded up, and more as places are released, never less."""
        rows = session.execute(HALF_DAYS).all()
        assert all(row.onsite * 100 >= 30 * row.places for row in rows), rows
        onsite = sum(row.onsite for row in rows)
        assert onsite >= self.onsite or self.day.replanned
        self.onsite, self.day.replanned = onsite, False

    def _waits(self, session: Session) -> None:
        """(d): how many came with and without an appointment is said side by side, and nobody is left out."""
        shown = waits.summary(session, HALL, TODAY)
        counted = select(Ticket.kind, func.count()).where(Ticket.day == TODAY).group_by(Ticket.kind)
        there = {kind: count for kind, count in session.execute(counted)}
        assert {kind: shown[kind.value]["taken"] for kind in Kind} == {kind: there.get(kind, 0) for kind in Kind}

    def _fair_calls(self) -> None:
        """(e): both bounds."""
        for called in self.day.calls:
            assert called.overtaken == [], f"{called.ticket} went before people who were due earlier"
            if called.kind is Kind.WALK_IN or not called.walk_in_waits:
                self.runs[called.queue] = 0
            elif called.walk_in_could_be_called:
                self.runs[called.queue] += 1
            assert self.runs[called.queue] < self.day.settings.queue["guard_every"], "too many bookings in a row"
        self.day.calls.clear()


class Forget(Exception):
    """Takes a question back."""


@pytest.mark.parametrize("percent", [0, 29, 101])
def test_the_share_of_the_hall_cannot_be_set_below_thirty_percent(
    hall: tuple[Connection, People, PassKeys], percent: int
) -> None:
    connection, _, _ = hall
    with connection.begin() as outer:
        with pytest.raises(IntegrityError), db.transaction() as session:
            session.add(BookingPolicy(hall_code=HALL, category_code=QUEUES[0], onsite_percent=percent))
        outer.rollback()


@pytest.mark.parametrize("every", [1, 6])
def test_the_guard_lets_one_walk_in_in_two_to_five_calls_go(
    hall: tuple[Connection, People, PassKeys], every: int
) -> None:
    connection, _, _ = hall
    with connection.begin() as outer:
        with pytest.raises(IntegrityError), db.transaction() as session:
            session.add(QueuePolicy(hall_code=HALL, guard_every=every))
        outer.rollback()
