"""What is wrong with a version's content, field by field."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import assembly, lint, models
from backend.catalogue.item_models import Item as ItemRow
from backend.catalogue.lint import Finding
from backend.catalogue.registers.models import CommitmentLetter
from backend.catalogue.values import Item
from backend.catalogue.versions.content import Content, rows_of
from backend.core import clock
from backend.core.errors import Text

UNKNOWN = Text("没有这个代码", "there is no such code")


@dataclass(frozen=True)
class _Codes:
    known: assembly.Lookups
    halls: set[str]
    divisions: set[str]
    letters: set[str]
    items: dict[str, tuple[str, bool]]
    """Item → its code, and whether it has ended."""


def findings(session: Session, slug: str, content: Content, *, on: date) -> list[Finding]:
    """Every rule the content breaks on a day. Codes that do not exist are named alone: no item follows from them."""
    codes = _codes(session)
    unknown = [
        Finding(code, slug, pointer, text)
        for code, pointer, text in (*_references(slug, content, codes), *_repeats(content))
    ]
    if unknown:
        return unknown
    item = value(slug, content, codes.known, number=1, on=on, updated_at=clock.now())
    return lint.lint_item(item, on=on, cancelled=lint.cancelled_names(session, on=on))


def value(slug: str, content: Content, known: assembly.Lookups, *, number: int, on: date, updated_at: datetime) -> Item:
    """The item that this content describes, in force from a day. KeyError for an unknown code."""
    rows = rows_of(slug, content, number=number, effective_on=on, updated_at=updated_at)
    return assembly.assemble(rows.item, known, halls=rows.halls, materials=rows.materials, fees=rows.fees)


def _codes(session: Session) -> _Codes:
    return _Codes(
        known=assembly.lookups(session),
        halls=set(session.scalars(select(models.Hall.code))),
        divisions=set(session.scalars(select(models.Division.code))),
        letters=set(session.scalars(select(CommitmentLetter.code))),
        items={
            row.slug: (row.code, row.ended_on is not None)
            for row in session.execute(select(ItemRow.slug, ItemRow.code, ItemRow.ended_on))
        },
    )


Broken = Iterable[tuple[str, str, Text]]


def _references(slug: str, content: Content, codes: _Codes) -> Broken:
    pointed = [
        ("/category", content["category"], codes.known.categories),
        ("/department", content["department"], codes.known.departments),
        *((f"/halls/{at}", code, codes.halls) for at, code in enumerate(content["halls"])),
        *((f"/fees/{at}/code", fee["code"], codes.known.tariffs) for at, fee in enumerate(content["fees"])),
        *(
            (f"/district_days/{at}/division", own["division"], codes.divisions)
            for at, own in enumerate(content["district_days"])
        ),
    ]
    if content["commitment"] is not None:
        pointed.append(("/commitment", content["commitment"], codes.letters))
    for pointer, code, among in pointed:
        if code not in among:
            yield "code_unknown", pointer, UNKNOWN
    if any(code == content["code"] for other, (code, _) in codes.items.items() if other != slug):
        yield "item_code_taken", "/code", Text("这个实施编码已经是别的事项的", "another item has this code")
    if content["ended"]:
        yield from _ending(slug, content["ended"], codes)


def _ending(slug: str, ended: Content, codes: _Codes) -> Broken:
    successor = ended["successor"]
    if successor is None:
        if ended["kind"] == "merged":
            yield "successor_missing", "/ended/successor", Text("并入哪个事项要写明", "name the item it went into")
    elif successor == slug or successor not in codes.items:
        yield "successor_unknown", "/ended/successor", Text("要选一个别的、在办的事项", "choose another item")
    elif codes.items[successor][1]:
        yield "successor_ended", "/ended/successor", Text("这个事项也已经取消了", "that item has ended too")


def _repeats(content: Content) -> Broken:
    lists = (
        ("materials", "id"),
        ("fees", "code"),
        ("special_steps", "id"),
        ("district_days", "division"),
    )
    for name, key in lists:
        seen: set[str] = set()
        for at, part in enumerate(content[name]):
            if part[key] in seen:
                yield "repeated", f"/{name}/{at}/{key}", Text("和前面的重复了", "it is there already")
            seen.add(part[key])
