"""Tables for a spreadsheet: CSV that Excel opens as it is, with no cell that runs as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download `name`.csv in UTF-8 with a byte order mark; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    answer = Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}.csv"
    return answer


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
