"""Where somebody says they are: names of streets, towns, neighbourhoods and stations, with rough coordinates."""

import itertools
import math
import threading
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import pinyin, snapshot
from backend.catalogue.models import Division, Neighbourhood
from backend.catalogue.search import Document, SearchIndex, normalise
from backend.core.errors import Text

SHORTEST = 2
"""Characters of a name; one alone says too little."""

EARTH_KM = 6371.0


class Located(Protocol):
    """A hall or site; its coordinates may be unknown."""

    @property
    def lat(self) -> float | None: ...

    @property
    def lng(self) -> float | None: ...


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
    districts: frozenset[str]
    index: SearchIndex


_lock = threading.Lock()
_kept: Gazetteer | None = None


def find(session: Session, text: str) -> Place | None:
    """The place that a name, an alias, its pinyin or a whole address means, or None.

    Of an address the longest known part counts, a district only when nothing else is known: 思明区前埔中路 is at 前埔.
    """
    wanted, gazetteer = normalise(text), _current(session)
    inside = [name for name in gazetteer.names if name in wanted]
    if inside:
        best = max(inside, key=lambda name: (name not in gazetteer.districts, len(name)))
        return gazetteer.places[gazetteer.names[best]]
    if len(wanted) < SHORTEST:
        return None
    for hit in gazetteer.index.search(wanted, 3):
        if _means(wanted, hit.matched):
            return gazetteer.places[hit.key]
    return None


def distance_km(there: Located, lat: float | None, lng: float | None) -> float | None:
    """Great-circle distance in kilometres to a tenth, or None when one of the places is unknown."""
    if lat is None or lng is None or there.lat is None or there.lng is None:
        return None
    north, east = math.radians(there.lat - lat), math.radians(there.lng - lng)
    spread = math.sin(north / 2) ** 2
    spread += math.cos(math.radians(lat)) * math.cos(math.radians(there.lat)) * math.sin(east / 2) ** 2
    return round(2 * EARTH_KM * math.asin(math.sqrt(spread)), 1)


def _means(wanted: str, term: str) -> bool:
    """Whether the term begins with what was typed, in characters, pinyin or initials; a similar one is no answer."""
    letters, name = wanted.replace(" ", ""), normalise(term).replace(" ", "")
    if name.startswith(letters):
        return True
    readings = pinyin.readings(name)
    spoken = itertools.islice(itertools.product(*readings), pinyin.MAX_SPELLINGS)
    return any(first.startswith(letters) for first in (*map("".join, spoken), *pinyin.initials(readings)))


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
            frozenset(normalise(name) for name in session.scalars(select(Division.name_zh))),
            SearchIndex(documents),
        )
        return _kept
