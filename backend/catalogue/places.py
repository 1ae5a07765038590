"""Where somebody says they are: names of streets, towns, neighbourhoods and stations, with rough coordinates."""

import threading
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import pinyin, snapshot
from backend.catalogue.models import Neighbourhood
from backend.catalogue.search import Document, SearchIndex, normalise
from backend.core.errors import Text

SHORTEST = 2
"""Characters of a name; one alone says too little."""


@dataclass(frozen=True)
class Place:
    """A named place; the coordinates are approximate."""

    name: Text
    lat: float
    lng: float


@dataclass(frozen=True)
class Gazetteer:
    """Every place by its names, for one version of the catalogue."""

    version: snapshot.Version
    places: dict[str, Place]
    names: dict[str, str]
    index: SearchIndex


_lock = threading.Lock()
_kept: Gazetteer | None = None


def find(session: Session, text: str) -> Place | None:
    """The place that a name, an alias, its pinyin or a whole address means, or None.

    Of an address the longest known part counts: 湖里区云顶北路842号 is at 云顶北路.
    """
    wanted, gazetteer = normalise(text), _current(session)
    inside = [name for name in gazetteer.names if name in wanted]
    if inside:
        return gazetteer.places[gazetteer.names[max(inside, key=len)]]
    if len(wanted) < SHORTEST:
        return None
    for hit in gazetteer.index.search(wanted, 3):
        if _means(wanted, hit.matched):
            return gazetteer.places[hit.key]
    return None


def _means(wanted: str, term: str) -> bool:
    """Whether the term begins with what was typed, in characters, pinyin or initials; a similar one is no answer."""
    if normalise(term).startswith(wanted):
        return True
    letters = wanted.replace(" ", "")
    if not letters.isascii():
        return False
    readings = pinyin.readings(term)
    spoken = "".join(syllables[0] for syllables in readings)
    return spoken.startswith(letters) or any(first.startswith(letters) for first in pinyin.initials(readings))


def _current(session: Session) -> Gazetteer:
    global _kept
    version = snapshot.current(session).version
    kept = _kept
    if kept is not None and kept.version == version:
        return kept
    with _lock:
        rows = session.scalars(select(Neighbourhood).order_by(Neighbourhood.position)).all()
        documents = [Document(row.key, (row.name_zh, *row.aliases, row.name_en)) for row in rows]
        names: dict[str, str] = {}
        for document in documents:
            for term in document.terms:
                names.setdefault(normalise(term), document.key)
        _kept = Gazetteer(
            version,
            {row.key: Place(Text(row.name_zh, row.name_en), row.lat, row.lng) for row in rows},
            names,
            SearchIndex(documents),
        )
        return _kept
