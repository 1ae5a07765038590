"""Items as files: out as JSON, CSV or XLSX, and in again as drafts. Codes stay text; what we do not know is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue.versions import content, service
from backend.catalogue.versions.content import DEFAULTS, Content
from backend.catalogue.versions.models import ItemVersion
from backend.catalogue.versions.states import OPEN, VersionState
from backend.core.errors import InvalidInput, Text

FORMAT = "micro-government-items/1"
TEXTS = ("name", "summary", "visits_reason")
YES = {"true": True, "1": True, "是": True, "false": False, "0": False, "否": False, "": False}


class UnreadableFile(InvalidInput):
    """The file is not what its format says."""

    code = "items_unreadable"
    title = Text("读不懂这个文件，请用本系统导出的格式", "This file cannot be read. Use the format of our own export")


@dataclass(frozen=True)
class Taken:
    """What became of one item of a file: `unchanged`, `draft`, `new`, or `open` when somebody is at work on it."""

    slug: str
    outcome: str
    number: int | None
    faults: int


def exported(session: Session) -> list[Content]:
    """Every item in force as one flat document each: slug first, unknown fields where they came from."""
    rows = session.scalars(
        select(ItemVersion).where(ItemVersion.state == VersionState.IN_FORCE).order_by(ItemVersion.item_slug)
    )
    return [
        {
            "slug": row.item_slug,
            **{name: row.content[name] for name in DEFAULTS if name != "extra"},
            **row.content["extra"],
        }
        for row in rows
    ]


def table(items: Sequence[Content]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: a column for each plain field and each language, JSON in a cell for what is nested."""
    plain = [name for name in DEFAULTS if name != "extra"]
    unknown = sorted({name for item in items for name in item} - set(plain) - {"slug"})
    header = [
        "slug",
        *(column for name in plain for column in ((f"{name}.zh", f"{name}.en") if name in TEXTS else (name,))),
        *unknown,
    ]
    return header, [[_cell(item, column) for column in header] for item in items]


def read_json(text: str) -> list[Content]:
    """The items of a JSON file. Raises UnreadableFile."""
    try:
        given = json.loads(text)
        items = given["items"] if isinstance(given, dict) and given.get("format") == FORMAT else None
    except ValueError:
        items = None
    if not isinstance(items, list) or not all(isinstance(one, dict) and one.get("slug") for one in items):
        raise UnreadableFile()
    return items


def read_table(rows: Sequence[Sequence[str]]) -> list[Content]:
    """The items of a table whose first row is its header. Raises UnreadableFile."""
    if not rows or "slug" not in rows[0] or len(set(rows[0])) != len(rows[0]):
        raise UnreadableFile()
    try:
        return [
            _item(dict(zip(rows[0], [*row, *[""] * (len(rows[0]) - len(row))], strict=False)))
            for row in rows[1:]
            if any(row)
        ]
    except (ValueError, KeyError):
        raise UnreadableFile() from None


def take(session: Session, slug: str, given: Mapping[str, Any], *, actor: str) -> Taken:
    """One item of a file becomes a draft when it says something else than the version in force."""
    wanted = content.complete(slug, given)
    versions = {
        version.state: version
        for version in session.scalars(
            select(ItemVersion).where(
                ItemVersion.item_slug == slug, ItemVersion.state.in_((*OPEN, VersionState.IN_FORCE))
            )
        )
    }
    current = versions.get(VersionState.IN_FORCE)
    if current is not None and current.content == wanted:
        return Taken(slug, "unchanged", current.number, 0)
    if len(versions) > (current is not None):
        return Taken(slug, "open", None, 0)
    if current is None:
        version = service.begin_new(session, slug, given, actor=actor)
        return Taken(slug, "new", version.number, len(service.faults(session, version)))
    version = service.begin(session, slug, actor=actor)
    version, found = service.save(session, version.id, given=wanted, revision=version.revision, actor=actor)
    return Taken(slug, "draft", version.number, len(found))


def _cell(item: Content, column: str) -> str:
    name, _, language = column.partition(".")
    value = (item.get(name) or {}).get(language) if language and name in TEXTS else item.get(column)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _item(cells: Mapping[str, str]) -> Content:
    item: Content = {}
    for column, cell in cells.items():
        name, _, language = column.partition(".")
        text = cell[1:] if cell[:1] == "'" else cell
        if language and name in TEXTS:
            item[name] = {**item.get(name, {"zh": "", "en": ""}), language: text}
        elif text or column in DEFAULTS:
            item[column] = _value(column, text)
    if item.get("visits_reason") == {"zh": "", "en": ""}:
        item["visits_reason"] = None
    return item


def _value(column: str, text: str) -> Any:
    """A cell as the document has it. ValueError and KeyError for what cannot be one."""
    usual = DEFAULTS.get(column, "")
    if isinstance(usual, bool):
        return YES[text.strip().lower()]
    if isinstance(usual, int) or column in {"law_days", "promise_days"}:
        return int(text) if text.strip() else (None if usual is None else usual)
    if isinstance(usual, dict | list):
        return json.loads(text) if text.strip() else usual
    if column in {"offline_filing", "ended"} or (column not in DEFAULTS and text[:1] in "{[" and text):
        return json.loads(text) if text.strip() else None
    return text if text or usual is not None else None
