"""A hash chain over an append-only table: each link seals one row and everything before it.

The worker seals, not the writer: a chain computed inside the write path makes all writers queue (docs/decisions/0003).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.core import clock

R = TypeVar("R")

GENESIS = bytes(32)
BATCH = 1000
LATE = timedelta(hours=1)
LOOK_BACK = 100_000
"""Ids behind the chain's head that are looked at again: transactions commit in another order than ids are drawn."""


@dataclass(frozen=True)
class Chain(Generic[R]):
    """`seals` has the columns `position`, `hash` and `sealed`, which is the row's id; `at` is when a row was written.

    `contents` gives by id what is sealed of some rows, ready for JSON.
    """

    seals: type[Any]
    sealed: InstrumentedAttribute[int]
    rows: type[R]
    at: InstrumentedAttribute[Any]
    contents: Callable[[Session, Sequence[R]], Mapping[int, list[Any]]]

    def seal(self, session: Session) -> int:
        """Append unsealed rows to the chain, at most 1,000; returns how many. One sealer at a time."""
        seals, rows = self.seals, cast("Any", self.rows)
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": seals.__tablename__})
        head = session.scalars(select(seals).order_by(seals.position.desc()).limit(1)).one_or_none()
        newest = session.scalar(select(func.max(self.sealed))) or 0
        unsealed = session.scalars(
            select(rows)
            .outerjoin(seals, self.sealed == rows.id)
            .where(self.sealed.is_(None), rows.id > newest - LOOK_BACK)
            .order_by(rows.id)
            .limit(BATCH)
        ).all()
        position, previous = (head.position, head.hash) if head else (0, GENESIS)
        contents = self.contents(session, unsealed)
        links = []
        for row in unsealed:
            position += 1
            previous = _link(previous, contents[row.id])
            links.append({"position": position, self.sealed.key: row.id, "hash": previous})
        if links:
            session.execute(insert(cast("Table", seals.__table__)), links)
        return len(links)

    def broken_links(self, session: Session) -> list[int]:
        """Ids of rows whose content or place in the chain does not match their seal; empty when all is well."""
        seals, rows = self.seals, cast("Any", self.rows)
        broken: list[int] = []
        previous, expected = GENESIS, 1
        found = session.execute(
            select(seals, rows)
            .outerjoin(rows, rows.id == self.sealed)
            .order_by(seals.position)
            .execution_options(yield_per=BATCH)
        )
        for page in found.partitions():
            contents = self.contents(session, [row for _, row in page if row is not None])
            for seal, row in page:
                whole = row is not None and _link(previous, contents[row.id]) == seal.hash
                if not whole or seal.position != expected:
                    broken.append(getattr(seal, self.sealed.key))
                previous, expected = seal.hash, seal.position + 1
        return broken

    def long_unsealed(self, session: Session) -> list[int]:
        """Ids of rows that no worker sealed within an hour: none is running, or the row came in some other way."""
        rows = cast("Any", self.rows)
        unsealed = select(rows.id).outerjoin(self.seals, self.sealed == rows.id).where(self.sealed.is_(None))
        return list(session.scalars(unsealed.where(self.at < clock.now() - LATE).order_by(rows.id)))


def _link(previous: bytes, content: list[Any]) -> bytes:
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous + written.encode()).digest()
