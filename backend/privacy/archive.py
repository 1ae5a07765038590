"""The archive a citizen gets: one JSON file for machines, one page in each language to read, and their files."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from html import escape
from typing import IO, Any, Final
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from backend.core import clock
from backend.core.errors import Text
from backend.core.personal import Section
from backend.privacy.words import LABELS, MADE, NO, NOTHING, STATES, TITLE, YES

DATA: Final = "data.json"
PAGES: Final = {"zh": "我的信息.html", "en": "my-data.html"}
STYLE: Final = (
    "body{font:16px/1.6 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:0 0 1rem}"
    "th,td{border:1px solid #ccc;padding:.4rem .6rem;text-align:start;vertical-align:top}th{width:12rem}"
)


def write(
    target: IO[bytes],
    sections: Sequence[Section],
    contents: Iterable[tuple[str, str]],
    read: Callable[[str], Iterator[bytes]],
) -> None:
    """Write the archive. `contents` are names and storage keys of files, `read` gives a key's bytes piece by piece."""
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        archive.writestr(DATA, json.dumps(_plain(sections), ensure_ascii=False, indent=1))
        for language, name in PAGES.items():
            archive.writestr(name, page(sections, language))
        for name, key in contents:
            with archive.open(f"files/{name}", "w", force_zip64=True) as file:
                for piece in read(key):
                    file.write(piece)


def _plain(sections: Sequence[Section]) -> dict[str, Any]:
    """Times as UTC, sums as fen, texts in both languages."""
    return {
        "made_at": clock.rfc3339(clock.now()),
        "sections": {one.code: {"title": one.title._asdict(), "rows": _json(list(one.rows))} for one in sections},
    }


def _json(value: Any) -> Any:
    if isinstance(value, Text):
        return value._asdict()
    if isinstance(value, Mapping):
        return {str(key): _json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner) for inner in value]
    if isinstance(value, datetime):
        return clock.rfc3339(value)
    return str(value) if isinstance(value, date | UUID | StrEnum) else value


def page(sections: Sequence[Section], language: str) -> str:
    """The page to read: a table for each row."""
    title = escape(TITLE.in_language(language))
    body = [f"<h1>{title}</h1>", f"<p>{MADE.in_language(language)} {_shown('at', clock.now(), language)}</p>"]
    for one in sections:
        body.append(f"<h2>{escape(one.title.in_language(language))}</h2>")
        body += [_table(row, language) for row in one.rows] or [f"<p>{NOTHING.in_language(language)}</p>"]
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="{language}"><head>{head}</head><body>{"".join(body)}</body></html>'


def _table(row: Mapping[str, Any], language: str) -> str:
    cells = "".join(
        f"<tr><th>{escape(LABELS[key].in_language(language) if key in LABELS else key)}</th>"
        f"<td>{_shown(key, value, language)}</td></tr>"
        for key, value in row.items()
    )
    return f"<table>{cells}</table>"


def _shown(key: str, value: Any, language: str) -> str:
    if isinstance(value, Mapping):
        return _table(value, language)
    if isinstance(value, list):
        return "".join(_shown(key, inner, language) for inner in value)
    return escape(_word(key, value, language))


def _word(key: str, value: Any, language: str) -> str:
    if isinstance(value, Text):
        return value.in_language(language)
    if value is None or value == "":
        return NOTHING.in_language(language)
    if isinstance(value, bool):
        return (YES if value else NO).in_language(language)
    if isinstance(value, datetime):
        return f"{clock.civil(value):%Y-%m-%d %H:%M}"
    if key == "amount_fen":
        return f"¥{value / 100:.2f}"
    return STATES[str(value)].in_language(language) if key == "state" else str(value)
