"""Tables for a spreadsheet: CSV that Excel opens as it is, or XLSX; no cell runs as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

import xlsxwriter
from flask import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
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
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, header, book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            page.write_row(number, 0, [value if isinstance(value, int | float) else _text(value) for value in row])
        page.freeze_panes(1, 0)
        page.autofit()
    return _download(content.getvalue(), XLSX, f"{name}.xlsx")


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
