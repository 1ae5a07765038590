"""Tables for a spreadsheet and back: CSV that Excel opens as it is, or XLSX; no cell runs as a formula."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree  # noqa: S405 - see _parsed

import xlsxwriter
from flask import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 20 * 1024 * 1024
"""Of a workbook that is read, unpacked."""
MOST_COLUMNS = 16_384
_SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download `name`.csv in UTF-8 with a byte order mark; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return _download("\ufeff" + text.getvalue(), "text/csv; charset=utf-8", f"{name}.csv")


def workbook(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download `name`.xlsx of one sheet, its header bold and in sight; text stays text, numbers stay numbers."""
    content = io.BytesIO()
    with Sheet(content, header, in_memory=True) as page:
        page.add(rows)
        page.autofit()
    return _download(content.getvalue(), XLSX, f"{name}.xlsx")


class Sheet:
    """A workbook of one sheet that is written row by row: to a file, only one row is held in memory at a time."""

    def __init__(self, target: Path | io.BytesIO, header: Sequence[str], *, in_memory: bool = False) -> None:
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        kept = {"in_memory": True} if in_memory else {"constant_memory": True}
        self._book = xlsxwriter.Workbook(target, {**kept, **plain})
        self._page = self._book.add_worksheet()
        self._page.write_row(0, 0, header, self._book.add_format({"bold": True}))
        self._page.freeze_panes(1, 0)
        self._rows = 0

    def __enter__(self) -> "Sheet":
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """Append rows; text stays text, numbers stay numbers, None is an empty cell."""
        for row in rows:
            self._rows += 1
            cells = [value if isinstance(value, int | float) else _text(value) for value in row]
            self._page.write_row(self._rows, 0, cells)

    def autofit(self) -> None:
        """Columns as wide as their words; only for a sheet in memory."""
        self._page.autofit()


def _download(content: str | bytes, kind: str, name: str) -> Response:
    answer = Response(content, content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def read_csv(text: str) -> list[list[str]]:
    """The rows of a CSV file, with or without a byte order mark."""
    return [list(row) for row in csv.reader(io.StringIO(text.removeprefix("\ufeff")))]


def read_workbook(content: bytes) -> list[list[str]]:
    """The rows of an XLSX file's first sheet as text. ValueError for anything that is no such file, or too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                raise ValueError("the workbook is too large")
            shared = _shared(archive)
            page = _parsed(archive.read("xl/worksheets/sheet1.xml"))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise ValueError("this is no workbook") from error
    return [_row(row, shared) for row in page.iter(f"{_SPREADSHEET}row")]


def _shared(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    table = _parsed(archive.read("xl/sharedStrings.xml"))
    return [_words(entry) for entry in table.iter(f"{_SPREADSHEET}si")]


def _row(row: ElementTree.Element, shared: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{_SPREADSHEET}c"):
        column = _column(cell.get("r", ""))
        cells += [""] * (column - len(cells))
        value = cell.findtext(f"{_SPREADSHEET}v") or ""
        kind = cell.get("t")
        cells.append(shared[int(value)] if kind == "s" else _words(cell) if kind == "inlineStr" else value)
    return cells


def _words(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{_SPREADSHEET}t"))


def _column(reference: str) -> int:
    """ "C7" → 2. ValueError beyond the last column of a sheet."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("A") + 1
    if not 1 <= number <= MOST_COLUMNS:
        raise ValueError("no such column")
    return number - 1


def _parsed(content: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("a workbook declares no entities")
    return ElementTree.fromstring(content)  # noqa: S314 - without a DOCTYPE nothing expands
