"""The monthly bill: what was collected in a month on our account, with differences on demand."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from .parcels import Parcel, PostOffice
from .wire import beijing, yuan

DIFFERENCES = ("missing", "amount", "weight", "twice", "foreign", "wrong_total")
HEADER = ("邮件号", "客户订单号", "收寄时间", "计费重量(克)", "资费合计(元)")
FOREIGN = "1199000000000"

Row = tuple[str, str, str, int, int]


class Bills:
    """`differences` maps a waybill to the kind of its difference; "" takes foreign and wrong_total."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office
        self.differences: list[tuple[str, str]] = []

    def plant(self, waybill: str, kind: str) -> None:
        """Add a difference. ValueError for an unknown kind."""
        if kind not in DIFFERENCES:
            raise ValueError(f"kind is one of {', '.join(DIFFERENCES)}")
        self.differences.append((waybill, kind))

    def file(self, month: str) -> bytes:
        """The bill of a month `yyyy-mm` in Beijing, as EMS hands it over: GB18030, total in the last row."""
        with self._office.lock:
            rows = [_row(parcel) for parcel in self._office.parcels.values() if _billed(parcel, month)]
        for waybill, kind in self.differences:
            rows = _CHANGES.get(kind, _same)(rows, waybill)
        total = sum(row[4] for row in rows) + any(kind == "wrong_total" for _, kind in self.differences)
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(HEADER)
        writer.writerows([*row[:4], yuan(row[4])] for row in rows)
        writer.writerow(["合计", len(rows), "", "", yuan(total)])
        return out.getvalue().encode("gb18030")


def _billed(parcel: Parcel, month: str) -> bool:
    at = parcel.collected_at
    return at is not None and beijing(at).startswith(month) and parcel.body["paymentMode"] != "2"


def _row(parcel: Parcel) -> Row:
    at = beijing(parcel.collected_at or 0)
    return parcel.waybill, parcel.number, at, parcel.weight_g, parcel.postage_fen


def _same(rows: list[Row], waybill: str) -> list[Row]:
    return rows


def _missing(rows: list[Row], waybill: str) -> list[Row]:
    return [row for row in rows if row[0] != waybill]


def _amount(rows: list[Row], waybill: str) -> list[Row]:
    return [(*row[:4], row[4] + 100) if row[0] == waybill else row for row in rows]


def _weight(rows: list[Row], waybill: str) -> list[Row]:
    return [(*row[:3], row[3] + 500, row[4]) if row[0] == waybill else row for row in rows]


def _twice(rows: list[Row], waybill: str) -> list[Row]:
    return [*rows, *(row for row in rows if row[0] == waybill)]


def _foreign(rows: list[Row], waybill: str) -> list[Row]:
    at = rows[-1][2] if rows else "2026-01-01 09:00:00"
    return [*rows, (FOREIGN, "XX00000001", at, 500, 1200)]


_CHANGES: dict[str, Callable[[list[Row], str], list[Row]]] = {
    "missing": _missing,
    "amount": _amount,
    "weight": _weight,
    "twice": _twice,
    "foreign": _foreign,
}
