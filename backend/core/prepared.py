"""Statements that every booking runs: built with SQLAlchemy Core, compiled once, run by psycopg itself.

SQLAlchemy spends four times as much processor time on running such a statement as psycopg does
(docs/decisions/0007). Everything else goes through the session as usual.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.orm import Session

Values = Mapping[str, Any]
Process = Callable[[Any], Any]


class Prepared:
    """A statement with `bindparam`s. Every call gives the same names, and each binds exactly one value."""

    def __init__(self, statement: Executable) -> None:
        self._statement: Any = statement
        self._compiled: _Compiled | None = None

    def run(self, session: Session, values: Values) -> list[tuple[Any, ...]]:
        """Run it in the session's transaction; the rows it selects or returns. Raises what SQLAlchemy would."""
        connection = session.connection()
        compiled = self._compiled
        if compiled is None:
            compiled = self._compiled = _Compiled(self._statement, connection.dialect, values)
        try:
            cursor = _cursor(connection)
            cursor.execute(compiled.sql, compiled.bound(values))
            return compiled.read(cursor) if compiled.returns else []
        except BaseException as error:
            # SQLAlchemy's own translation: its exceptions, and a lost connection empties the pool.
            connection._handle_dbapi_exception(error, compiled.sql.decode(), None, None, None)


class _Compiled:
    """The text for psycopg, and how SQLAlchemy's types turn values into parameters and back."""

    def __init__(self, statement: Any, dialect: Dialect, values: Values) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=sorted(values))
        if "POSTCOMPILE" in compiled.string or compiled.prefetch:
            raise TypeError(f"not for a list or for defaults made by Python: {compiled.string}")
        self.sql = compiled.string.encode()
        self._processes: dict[str, Process] = {}
        self._constants: dict[str, Any] = {}
        for name, bind in compiled.binds.items():
            process = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if not bind.required:
                self._constants[name] = process(bind.effective_value) if process else bind.effective_value
            elif process:
                self._processes[name] = process
        self._dialect, self._columns = dialect, list(getattr(statement, "exported_columns", ()))
        self.returns = bool(self._columns)
        self._reads: list[tuple[int, Process]] | None = None

    def bound(self, values: Values) -> dict[str, Any]:
        bound = {**self._constants, **values}
        for name, process in self._processes.items():
            bound[name] = process(bound[name])
        return bound

    def read(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        if self._reads is None:
            self._reads = list(self._readers(cursor.description or []))
        rows = cursor.fetchall()
        return [_read(row, self._reads) for row in rows] if self._reads else rows

    def _readers(self, description: Sequence[psycopg.Column]) -> Iterator[tuple[int, Process]]:
        for place, (column, sent) in enumerate(zip(self._columns, description, strict=True)):
            process = column.type.dialect_impl(self._dialect).result_processor(self._dialect, sent.type_code)
            if process:
                yield place, process


def _read(row: tuple[Any, ...], processes: list[tuple[int, Process]]) -> tuple[Any, ...]:
    values = list(row)
    for place, process in processes:
        values[place] = process(values[place])
    return tuple(values)


def _cursor(connection: Connection) -> psycopg.Cursor[tuple[Any, ...]]:
    """One cursor for the life of a connection: its rows are read before it is used again."""
    info = connection.info
    if "prepared" not in info:
        driver: Any = connection.connection.driver_connection
        info["prepared"] = driver.cursor()
    return info["prepared"]  # type: ignore[no-any-return]
