"""个人信息: what every feature says about the personal data it holds, and the words it needs for that.

Each feature has a module `personal` with one `PART`; `backend/privacy/parts.py` lists them, so arrows stay one way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core.errors import Text

People = Sequence[UUID]
"""A person's own id, and those of records that were merged into theirs."""


@dataclass(frozen=True)
class Section:
    """A list in the export: rows of plain values; every key has its words in `backend/privacy/words.py`."""

    code: str
    title: Text
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Blocker:
    """Something under way that must end before the account can be closed, and the page where it is ended."""

    kind: str
    words: Text
    link: str


def nothing(_: Session, __: People) -> None:
    """For a feature with nothing to do there."""


def no_blockers(_: Session, __: People) -> list[Blocker]:
    """For a feature in which nothing stands in the way of closing an account."""
    return []


def none_due(_: Session, __: int) -> int:
    """For a feature whose data goes with the account only."""
    return 0


def nothing_kept(_: Session, __: People) -> bool:
    """For a feature that keeps nothing which needs the person's name."""
    return False


@dataclass(frozen=True)
class Part:
    """One feature's personal data.

    `gives` lists what it holds. `blocks` says what is still under way. `closes` shuts every way in (sessions, links),
    `erases` takes out what nothing demands to keep; both may run twice. `keeps`: something is kept, by its retention
    class, that needs the person's name. `purges` takes out at most so many records whose class is over; their number.
    """

    code: str
    gives: Callable[[Session, People], Sequence[Section]]
    erases: Callable[[Session, People], None]
    blocks: Callable[[Session, People], Sequence[Blocker]] = no_blockers
    closes: Callable[[Session, People], None] = nothing
    keeps: Callable[[Session, People], bool] = nothing_kept
    purges: Callable[[Session, int], int] = none_due
