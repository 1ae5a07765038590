"""People with sessions, and holds to confirm, made beforehand in bulk: everything follows from a number.

The first hold is made through the API; the others are copies of its rows for other people and slots.
"""

import hashlib
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from backend.appointments.models import BookingPolicy
from backend.core import clock, crypto, db

HALL, CATEGORY, ITEM = "XM", "exit-entry", "passport-first"
SLOTS = 200
HORIZON_DAYS = 30
PLACES = 30_000
BEGINS = date(2026, 11, 24)
"""The site's clock starts on this day, for which calendar and slots are known."""

PERSON, APPOINTMENT = "1", "2"
SESSION_LIFE = timedelta(days=1)
HOLD_LIFE = timedelta(minutes=9)
SHIFTED = ("cancel_until", "check_in_from", "check_in_until")


def connect(database_url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A plain psycopg connection to the address SQLAlchemy uses."""
    url = make_url(database_url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=autocommit, options="-c timezone=UTC")


def uuid_of(kind: str, number: int) -> UUID:
    """The id of person or appointment `number`; pgbench computes the same."""
    return UUID(f"{kind}{number:031x}")


def token_of(number: int) -> str:
    """The session token of person `number`, as long as a real one."""
    return f"bench{number:038d}"


class Stock:
    """What is in the database for the load to use up."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._model: dict[str, Any] = {}
        self.people = 0
        self.holds = 0
        with db.transaction() as session:
            session.add(BookingPolicy(hall_code=HALL, category_code=CATEGORY, open_workdays=30))
        with connect(database_url) as connection:
            _prepare_slots(connection)
            rows = connection.execute(
                "SELECT id FROM slot WHERE hall_code = %s AND category_code = %s AND open AND day > %s ORDER BY start",
                (HALL, CATEGORY, BEGINS),
            )
            self.slots: list[UUID] = [row[0] for row in rows]

    def slot_of(self, number: int) -> UUID:
        """Bookings spread over all slots."""
        return self.slots[number % len(self.slots)]

    def add_people(self, count: int) -> None:
        """Citizens of level 2, each with a live session."""
        now = clock.now()
        with connect(self._database_url) as connection, connection.cursor() as cursor:
            numbers = range(self.people, self.people + count)
            with cursor.copy("COPY person (id, level, name, language, elder_mode, created_at) FROM STDIN") as copy:
                for number in numbers:
                    person = uuid_of(PERSON, number)
                    name = crypto.seal("测试甲", table="person", column="name", row=person)
                    copy.write_row((person, 2, name, "zh", False, now))
            with cursor.copy(
                "COPY login_session (id, token_hash, person_id, csrf_token, created_at, seen_at, expires_at) FROM STDIN"
            ) as copy:
                for number in numbers:
                    person, token = uuid_of(PERSON, number), token_of(number)
                    token_hash = hashlib.sha256(token.encode()).digest()
                    copy.write_row((person, token_hash, person, "-" * 32, now, now, now + SESSION_LIFE))
        self.people += count

    def copy_holds_of(self, model: UUID) -> None:
        """Holds are copies of this one from now on, numbered after the people there are."""
        self._model = {"model": model}
        self.holds = self.people

    def add_holds(self, count: int) -> None:
        """A hold for each of the next people."""
        first, last = self.holds, self.holds + count - 1
        self.add_people(last + 1 - self.people)
        with connect(self._database_url) as connection:
            values = {
                **self._model,
                "first": first,
                "last": last,
                "slots": self.slots,
                "expires_at": clock.now() + HOLD_LIFE,
            }
            for statement in _copies(connection):
                connection.execute(statement, values)
            connection.execute(
                "UPDATE slot_quota SET held = held + taken.places FROM ("
                " SELECT slot_id, count(*) AS places FROM appointment_slot WHERE appointment_id BETWEEN %s AND %s"
                " GROUP BY slot_id) taken WHERE slot_quota.slot_id = taken.slot_id AND channel = 'online'",
                (uuid_of(APPOINTMENT, first), uuid_of(APPOINTMENT, last)),
            )
        self.holds += count

    def vacuum(self) -> None:
        """What autovacuum would do at a moment of its own choice."""
        with connect(self._database_url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def booked(self) -> int:
        """How many appointments are booked."""
        with connect(self._database_url) as connection:
            row = connection.execute("SELECT count(*) FROM appointment WHERE state = 'booked'").fetchone()
            assert row
            return int(row[0])


def _prepare_slots(connection: psycopg.Connection[Any]) -> None:
    """Exactly 200 slots in the 30 days from the first, all released, with places enough for every run."""
    connection.execute(
        "UPDATE slot SET open = false WHERE id NOT IN (SELECT id FROM ("
        " SELECT id, row_number() OVER (PARTITION BY day ORDER BY start) AS n, start FROM slot"
        " WHERE hall_code = %(hall)s AND category_code = %(category)s AND day BETWEEN %(first)s AND %(last)s"
        " ORDER BY n, start LIMIT %(slots)s) kept)",
        {
            "hall": HALL,
            "category": CATEGORY,
            "first": BEGINS,
            "last": BEGINS + timedelta(days=HORIZON_DAYS - 1),
            "slots": SLOTS,
        },
    )
    kept = connection.execute("SELECT count(*) FROM slot WHERE open").fetchone()
    assert kept == (SLOTS,), f"{kept} slots in {HORIZON_DAYS} days"
    connection.execute("UPDATE slot_quota SET capacity = %s WHERE channel = 'online'", (PLACES,))


def _copies(connection: psycopg.Connection[Any]) -> list[str]:
    """INSERT … SELECT of the model's rows, whatever columns they have."""
    person, appointment = (f"('{kind}' || lpad(to_hex(n), 31, '0'))::uuid" for kind in (PERSON, APPOINTMENT))
    slot = "(%(slots)s::uuid[])[n %% array_length(%(slots)s::uuid[], 1) + 1]"
    own = {
        "appointment": {
            "id": appointment,
            "person_id": person,
            "booker_id": person,
            "day": "slot.day",
            "start": "slot.start",
            "end": 'slot."end"',
            "expires_at": "%(expires_at)s",
            "code": "CASE WHEN m.code IS NOT NULL THEN (10000000 + n)::text END",
            **{name: f"m.{name} - m.start + slot.start" for name in SHIFTED},
        },
        "appointment_slot": {"appointment_id": appointment, "slot_id": "slot.id"},
        "appointment_line": {"appointment_id": appointment, "person_id": person, "day": "slot.day"},
    }
    statements = []
    for table, changed in own.items():
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " AND is_identity = 'NO'",
            (table,),
        )
        columns = [row[0] for row in rows]
        values = ", ".join(changed.get(name, f'm."{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        key = "id" if table == "appointment" else "appointment_id"
        statements.append(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(%(first)s::int, %(last)s::int) n"
            f" JOIN slot ON slot.id = {slot} CROSS JOIN {table} m WHERE m.{key} = %(model)s"
        )
    return statements
