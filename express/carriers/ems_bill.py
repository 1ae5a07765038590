"""EMS's monthly bill: a CSV file with a header, whose last row gives count and sum.

The columns are found by their names, whatever their order; UTF-8 with or without a mark, and GB18030, are read.
"""

import csv
import io
from collections.abc import Iterator, Mapping

from express.carriers.base import BillDamaged, BillLine
from express.carriers.ems_wire import fen, instant

TOTAL = "合计"
_COLUMNS: dict[str, tuple[str, ...]] = {
    "waybill": ("邮件号", "运单号"),
    "number": ("客户订单号", "订单号"),
    "posted_at": ("收寄时间", "收寄日期"),
    "weight": ("计费重量(克)", "重量(克)"),
    "fen": ("资费合计(元)", "资费(元)"),
}


def read(file: bytes) -> Iterator[BillLine]:
    """Every line, in the file's order. Raises BillDamaged; when the total differs, only after the last line."""
    rows = enumerate(csv.reader(io.StringIO(_decoded(file), newline="")), start=1)
    places = _places(next(rows, (1, []))[1])
    count = total = 0
    for row, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if cells[0].strip() == TOTAL:
            if (count, total) != _total(cells, places, row):
                raise BillDamaged(row, "total")
            return
        line = _line(cells, places, row)
        count, total = count + 1, total + line.fen
        yield line
    raise BillDamaged(0, "no_total")


def _decoded(file: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return file.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BillDamaged(0, "encoding")


def _places(header: list[str]) -> Mapping[str, int]:
    names = [cell.strip().replace("（", "(").replace("）", ")") for cell in header]
    places: dict[str, int] = {}
    for field, accepted in _COLUMNS.items():
        found = next((names.index(name) for name in accepted if name in names), None)
        if found is None:
            raise BillDamaged(1, accepted[0])
        places[field] = found
    return places


def _line(cells: list[str], places: Mapping[str, int], row: int) -> BillLine:
    try:
        values = {field: cells[place].strip() for field, place in places.items()}
        if not values["waybill"] or not values["weight"].isdecimal():
            raise BillDamaged(row, "value")
        return BillLine(
            waybill=values["waybill"],
            number=values["number"],
            posted_at=instant(values["posted_at"]),
            weight_g=int(values["weight"]),
            fen=fen(values["fen"]),
        )
    except (ValueError, IndexError):
        raise BillDamaged(row, "value") from None


def _total(cells: list[str], places: Mapping[str, int], row: int) -> tuple[int, int]:
    try:
        return int(cells[places["number"]]), fen(cells[places["fen"]])
    except (ValueError, IndexError):
        raise BillDamaged(row, "total") from None
