"""Loading the seed: each object by its natural code, written only when its data changed since the last load."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.catalogue import service, snapshot
from backend.core import calendar, clock
from backend.seed import data, filing, writers
from backend.seed.data import Table
from backend.seed.models import SeedRecord

log = logging.getLogger(__name__)

LOCK = 20261124
"""Advisory lock of the transaction: two loads at once run one after the other."""


@dataclass(frozen=True)
class Kind:
    """Objects of one kind: their data, the field that names them, and how one is written."""

    name: str
    rows: Callable[[], Iterable[Table]]
    key: str
    write: Callable[[Session, Table], None]
    public: bool = True
    """Whether the catalogue's snapshot shows it."""


def load(session: Session) -> dict[str, int]:
    """Write what changed since the last load and publish the lists; returns how many of each kind were written."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    written: Counter[str] = Counter()
    for kind in KINDS:
        for key, row, digest in _changed(session, kind):
            kind.write(session, row)
            session.merge(SeedRecord(kind=kind.name, key=key, digest=digest))
            session.flush()
            written[kind.name] += 1
    if any(written[kind.name] for kind in KINDS if kind.public):
        service.mark_changed(session)
        service.publish_lists(session, on=clock.today())
        snapshot.forget()
    if written["calendar"]:
        calendar.forget()
    log.info("seed_loaded", extra={"written": dict(written)})
    return dict(written)


def _changed(session: Session, kind: Kind) -> Iterator[tuple[str, Table, bytes]]:
    loaded = {
        record.key: record.digest for record in session.scalars(select(SeedRecord).where(SeedRecord.kind == kind.name))
    }
    for row in kind.rows():
        key = str(row[kind.key])
        text = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).digest()
        if loaded.get(key) != digest:
            yield key, row, digest


def _divisions() -> list[Table]:
    return list(data.read("places.toml")["division"])


def _departments() -> list[Table]:
    return list(data.read("places.toml")["department"])


def _categories() -> list[Table]:
    return _numbered(data.read("places.toml")["category"])


def _halls() -> list[Table]:
    return _numbered(data.halls())


def _neighbourhoods() -> list[Table]:
    return _numbered([{**row, "key": row["name"]["zh"]} for row in data.read("neighbourhoods.toml")["place"]])


def _sites() -> list[Table]:
    return _numbered(data.read("sites.toml")["site"])


def _lists() -> list[Table]:
    return _numbered(data.read("lists.toml")["list"])


def _fees() -> list[Table]:
    units = {row["code"]: row["collecting_unit"] for row in data.read("places.toml")["department"]}
    return [{**row, "collecting_unit": units[row["department"]]} for row in data.read("fees.toml")["income_item"]]


def _items() -> list[Table]:
    bodies = {row["code"]: row["credit_code"] for row in data.read("places.toml")["department"]}
    halls = data.halls()
    steps = data.read("registers.toml")["special_step"]
    return [
        {
            **{name: value for name, value in row.items() if name not in {"basic_code", "bookable"}},
            "code": bodies[row["department"]] + row["basic_code"],
            "special_steps": [
                {"id": step["code"], **{name: step[name] for name in ("name", "basis", "condition", "days")}}
                for step in steps
                if row["slug"] in step["items"]
            ],
            "halls": [hall["code"] for hall in halls if row["category"] in hall["windows"]]
            if row.get("bookable", True)
            else [],
        }
        for row in data.items()
    ]


def _proofs() -> list[Table]:
    return [{**row, "key": row["name"]["zh"]} for row in data.read("registers.toml")["cancelled_proof"]]


def _letters() -> list[Table]:
    return list(data.read("registers.toml")["letter"])


def _additions() -> list[Table]:
    return [{**row, "key": f"{row['tag']}/{row['item']}"} for row in data.read("lists.toml").get("addition", [])]


def _years() -> list[Table]:
    return [{"year": int(year), **content} for year, content in data.read("calendar.toml").items()]


def _numbered(rows: list[Table]) -> list[Table]:
    return [{"position": position, **row} for position, row in enumerate(rows, start=1)]


def _ways() -> list[Table]:
    return list(data.read("filing.toml")["filing"])


def _words() -> list[Table]:
    return _numbered(data.read("filing.toml")["text"])


KINDS = (
    Kind("division", _divisions, "code", writers.division),
    Kind("department", _departments, "code", writers.department),
    Kind("category", _categories, "code", writers.category),
    Kind("hall", _halls, "code", writers.hall),
    Kind("neighbourhood", _neighbourhoods, "key", writers.neighbourhood),
    Kind("site", _sites, "code", writers.site, public=False),
    Kind("income_item", _fees, "code", writers.income_item),
    Kind("cancelled_proof", _proofs, "key", writers.cancelled_proof),
    Kind("letter", _letters, "code", writers.letter),
    Kind("item", _items, "slug", writers.item),
    Kind("form", data.forms, "key", filing.form, public=False),
    Kind("filing", _ways, "item", filing.way, public=False),
    Kind("case_text", _words, "code", filing.words, public=False),
    Kind("list", _lists, "tag", writers.published_list),
    Kind("addition", _additions, "key", writers.addition),
    Kind("calendar", _years, "year", writers.calendar_year, public=False),
)
"""In the order in which one may point at another."""
