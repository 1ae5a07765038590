"""The SQL of one real request: written down as it runs, replayed by psycopg for another hold."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from backend.core import db

MINIMAL = """
WITH mine AS (
  UPDATE appointment SET state = 'booked', state_at = now()
  WHERE id = {appointment} AND booker_id = {person} AND state = 'held' RETURNING id
), place AS (
  UPDATE slot_quota q SET held = held - 1, booked = booked + 1
  FROM appointment_slot s JOIN mine ON mine.id = s.appointment_id
  WHERE q.slot_id = s.slot_id AND q.channel = 'online'
)
INSERT INTO appointment_event (entity_id, from_state, to_state, event, actor, at, request_id)
SELECT id, 'held', 'booked', 'confirm', 'bench', now(), '-' FROM mine
"""
"""The least SQL that books: the hold becomes an appointment, its place is booked, an event says so."""


@dataclass
class Statement:
    """One execution. `parameters` hold marks such as {person} where the values belong to the request."""

    sql: str
    parameters: list[dict[str, Any]]
    many: bool
    autocommit: bool


@contextmanager
def written_down() -> Iterator[list[Statement]]:
    """Everything this process sends through psycopg meanwhile, by SQLAlchemy or without it."""
    found: list[Statement] = []

    def write(cursor: psycopg.Cursor[Any], sql: str | bytes, rows: list[Any], *, many: bool) -> None:
        text = sql.decode() if isinstance(sql, bytes) else sql
        found.append(Statement(text, [dict(row) for row in rows], many, bool(cursor.connection.autocommit)))

    def execute(cursor: psycopg.Cursor[Any], sql: str | bytes, parameters: Any = None, **options: Any) -> Any:
        write(cursor, sql, [parameters or {}], many=False)
        return one(cursor, sql, parameters, **options)

    def executemany(cursor: psycopg.Cursor[Any], sql: str | bytes, parameters: Any, **options: Any) -> None:
        write(cursor, sql, list(parameters), many=True)
        several(cursor, sql, parameters, **options)

    one, several = psycopg.Cursor.execute, psycopg.Cursor.executemany
    with patch.multiple(psycopg.Cursor, execute=execute, executemany=executemany):
        yield found


Case = dict[str, str]
"""The values of one request by mark, as text; bytes in hex."""


def save(path: Path, found: list[Statement], case: Case, answer: bytes) -> None:
    """Replace the request's own values by their marks, other ids by {fresh}, and keep it all as JSON."""
    for statement in found:
        for row in statement.parameters:
            for name, value in row.items():
                row[name] = _marked(value, case)
    body = {"statements": [asdict(statement) for statement in found], "answer": answer.decode()}
    path.write_text(json.dumps(body, ensure_ascii=False))


def _marked(value: Any, case: Case) -> Any:
    value = value.obj if isinstance(value, psycopg.Binary) else value
    if isinstance(value, Jsonb):
        value = json.dumps(value.obj, ensure_ascii=False)
    elif isinstance(value, bytes):
        value = f"\\x{value.hex()}"
    elif isinstance(value, UUID) and str(value) not in case.values():
        return "{fresh}"
    elif isinstance(value, (list, tuple)):
        return [_marked(part, case) for part in value]
    elif value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    for mark, own in case.items():
        text = text.replace(own, f"{{{mark}}}")
    return text


class Replay:
    """The written-down statements, run with another request's values in transactions of the same shape."""

    def __init__(self, path: Path) -> None:
        kept = json.loads(path.read_text())
        self.answer: bytes = kept["answer"].encode()
        self._steps = [
            (step["sql"], [{name: _maker(value) for name, value in row.items()} for row in step["parameters"]], step)
            for step in kept["statements"]
        ]

    def run(self, connection: psycopg.Connection[Any], case: Case) -> None:
        """On an autocommit connection: statements outside a transaction stand alone, the others share one."""
        for sql, rows, step in self._steps:
            if connection.autocommit and not step["autocommit"]:
                connection.autocommit = False
            with connection.cursor() as cursor:
                values = [{name: make(case) for name, make in row.items()} for row in rows]
                if step["many"]:
                    cursor.executemany(sql, values)
                else:
                    cursor.execute(sql, values[0])
                    if cursor.description:
                        cursor.fetchall()
        connection.commit()
        connection.autocommit = True


def _maker(value: Any) -> Callable[[Case], Any]:
    if isinstance(value, list):
        parts = [_maker(part) for part in value]
        return lambda case: [part(case) for part in parts]
    if value == "{fresh}":
        return lambda case: db.new_id()
    if value == "{code}":
        return lambda case: f"{secrets.randbelow(90_000_000) + 10_000_000}"
    if isinstance(value, str):
        marks = [mark for mark in MARKS if f"{{{mark}}}" in value]
        if marks:
            return lambda case: _filled(value, marks, case)
    return lambda case: value


MARKS = ("person", "appointment", "slot", "key", "token_hash", "code")


def _filled(text: str, marks: list[str], case: Case) -> str:
    for mark in marks:
        text = text.replace(f"{{{mark}}}", case[mark])
    return text
