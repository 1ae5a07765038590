"""Alipay's bill of a day: a ZIP of GBK texts whose columns are known by name and whose last lines hold the totals."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from payments.gateways.alipay_text import fen, instant
from payments.gateways.base import Channel, OutcomeUnknown, StatementLine

SUMMARY = "汇总"
LARGEST = 2 * 1024**3
_UNIT = re.compile(r"[（(]元[）)]$")
_TOTAL = re.compile(r"#(交易|退款)合计：([0-9]+)笔，(\D*?)共(-?[0-9.]+)元")
_END = re.compile(r"#-+业务明细列表结束-+")
_NEEDED = (
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "完成时间",
    "订单金额",
    "商家实收",
    "退款批次号/请求号",
    "服务费",
)


class Damaged(OutcomeUnknown):
    """The file is not what Alipay made: fetch it again, and never reconcile on a part of it (P51)."""

    def __init__(self, why: str) -> None:
        super().__init__(Channel.ALIPAY, "statement_damaged", why)


def read(archive: IO[bytes]) -> Iterator[StatementLine]:
    """The payments and refunds of a seekable bill file, one at a time. Raises Damaged before the last line is given."""
    last: StatementLine | None = None
    for line in _all(archive):
        if last:
            yield last
        last = line
    if last:
        yield last


def _all(archive: IO[bytes]) -> Iterator[StatementLine]:
    """Every line, and after the last one the checks: CRC of each text, its end mark, counts and sums."""
    try:
        with zipfile.ZipFile(archive, metadata_encoding="gbk") as bill:
            details = [member for member in bill.infolist() if not member.is_dir() and SUMMARY not in member.filename]
            if not details or sum(member.file_size for member in details) > LARGEST:
                raise Damaged("no detail file of a sensible size")
            for member in details:
                with ExitStack() as opened:
                    content = opened.enter_context(bill.open(member))
                    text = opened.enter_context(io.TextIOWrapper(content, "gb18030", newline=""))
                    yield from _Detail().lines(text)
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeError, csv.Error, RuntimeError) as trouble:
        raise Damaged(type(trouble).__name__) from None


@dataclass
class _Detail:
    """One detail text while it is read."""

    columns: list[str] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=lambda: {"交易": 0, "退款": 0})
    money: dict[tuple[str, str], int] = field(default_factory=dict)
    totals: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    ended: bool = False

    def lines(self, text: IO[str]) -> Iterator[StatementLine]:
        for cells in csv.reader(self._table(text)):
            row = [cell.strip() for cell in cells]
            if not self.columns:
                self.columns = [_UNIT.sub("", name) for name in row]
                if not set(_NEEDED) <= set(self.columns):
                    raise Damaged("a column is missing")
                continue
            if len(row) != len(self.columns):
                raise Damaged("a row does not fit the header")
            try:
                line = self._line(dict(zip(self.columns, row, strict=True)))
            except ValueError:
                raise Damaged("a cell cannot be read") from None
            if line:
                yield line
        self._check()

    def _table(self, text: IO[str]) -> Iterator[str]:
        """Header and rows; what stands around them is taken in."""
        for line in text:
            if not line.startswith("#"):
                if line.strip():
                    yield line
                continue
            self.ended = self.ended or bool(_END.match(line))
            total = _TOTAL.match(line)
            if total:
                kind, count, what, amount = total.groups()
                self.totals[kind] = int(count), what, fen(amount)

    def _line(self, row: dict[str, str]) -> StatementLine | None:
        """Kinds other than 交易 and 退款 move no money of an order."""
        kind, amount = row["业务类型"], fen(row["订单金额"])
        if kind not in self.count:
            return None
        self.count[kind] += 1
        for column in ("订单金额", "商家实收"):
            self.money[kind, column] = self.money.get((kind, column), 0) + fen(row[column])
        refund = kind == "退款"
        return StatementLine(
            number=row["商户订单号"],
            transaction_id=row["支付宝交易号"],
            at=instant(row["完成时间"]),
            amount_fen=0 if refund else amount,
            status="SUCCESS",
            refund_number=(row["退款批次号/请求号"] or row["商户订单号"]) if refund else None,
            refund_fen=abs(amount) if refund else 0,
            refund_status="SUCCESS" if refund else None,
            fee_fen=-fen(row["服务费"] or "0"),
        )

    def _check(self) -> None:
        if not self.columns or not self.ended:
            raise Damaged("cut off")
        for kind, seen in self.count.items():
            count, what, amount = self.totals.get(kind, (0, "", 0))
            column = "订单金额" if "交易" in what else "商家实收"
            if (count, amount) != (seen, self.money.get((kind, column), 0)):
                raise Damaged("the totals do not agree")
