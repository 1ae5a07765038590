"""Bill files of WeChat and of its 非税 service: CSV with a back-tick before every value and two rows of totals.

Columns are read by name, because the variants differ. Amounts are yuan with decimals there and fen here.
"""

import gzip
import hashlib
import hmac
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from backend.core.clock import SHANGHAI
from payments.gateways.base import Channel, OutcomeUnknown, StatementLine

GZIP = b"\x1f\x8b"
CHUNK = 1 << 20
NONE = frozenset({"", "0"})
"""How the file writes that there is no refund number."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of one file's columns. `count`, `total` and `refunded` are those of the totals."""

    channel: Channel
    amount: str
    refund: str
    count: str
    total: str
    refunded: str


TRADE_BILL = Columns(Channel.WECHAT_PAY, "订单金额", "申请退款金额", "总交易单数", "订单总金额", "申请退款总金额")


def checked(raw: bytes, sha1: str, columns: Columns) -> Iterator[StatementLine]:
    """The lines of a file whose SHA-1, of the text and not of the archive, is known. Raises OutcomeUnknown."""
    digest = hashlib.sha1(usedforsecurity=False)
    try:
        with _text_of(raw) as text:
            while chunk := text.read(CHUNK):
                digest.update(chunk)
    except (OSError, EOFError, zlib.error):
        raise OutcomeUnknown(columns.channel, "STATEMENT_ARCHIVE") from None
    if not hmac.compare_digest(digest.hexdigest(), sha1.lower()):
        raise OutcomeUnknown(columns.channel, "STATEMENT_DIGEST")
    return parsed(raw, columns)


def parsed(raw: bytes, columns: Columns) -> Iterator[StatementLine]:
    """The lines of a file; its totals are compared before the last line is given. Raises OutcomeUnknown."""
    damaged = OutcomeUnknown(columns.channel, "STATEMENT_DAMAGED")
    with _text_of(raw) as binary:
        rows = _rows(io.TextIOWrapper(binary, encoding="utf-8-sig", newline="\n"))
        try:
            header = next(rows, "").split(",")
            count, total, refunded = 0, 0, 0
            held: StatementLine | None = None
            for row in rows:
                if not row.startswith("`"):
                    _check_totals(row, next(rows, ""), columns, (count, total, refunded))
                    break
                if held:
                    yield held
                held = _line(dict(zip(header, _values(row), strict=True)), columns)
                count, total, refunded = count + 1, total + held.amount_fen, refunded + held.refund_fen
            else:
                raise damaged
            if next(rows, None) is not None:
                raise damaged
        except (KeyError, ValueError, InvalidOperation):
            raise damaged from None
    if held:
        yield held


def fen(yuan: str) -> int:
    """Whole fen of a yuan text. Raises ValueError when there is a rest."""
    amount = Decimal(yuan) * 100
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError(yuan)
    return int(amount)


def _text_of(raw: bytes) -> gzip.GzipFile | io.BytesIO:
    return gzip.GzipFile(fileobj=io.BytesIO(raw)) if raw.startswith(GZIP) else io.BytesIO(raw)


def _rows(lines: Iterable[str]) -> Iterator[str]:
    return (row for line in lines if (row := line.rstrip("\r\n")))


def _values(row: str) -> list[str]:
    return row[1:].split(",`")


def _line(row: dict[str, str], columns: Columns) -> StatementLine:
    refund_number = row.get("商户退款单号", "")
    is_refund = refund_number not in NONE
    return StatementLine(
        number=row["商户订单号"],
        transaction_id=row["微信订单号"],
        at=datetime.fromisoformat(row["交易时间"]).replace(tzinfo=SHANGHAI).astimezone(UTC),
        amount_fen=fen(row[columns.amount]),
        status=row["交易状态"],
        refund_number=refund_number if is_refund else None,
        refund_fen=fen(row[columns.refund]) if is_refund else 0,
        refund_status=row.get("退款状态") if is_refund else None,
        # The fee alone has parts of a fen.
        fee_fen=int((Decimal(row["手续费"]) * 100).quantize(Decimal(1), ROUND_HALF_UP)),
    )


def _check_totals(header: str, values: str, columns: Columns, sums: tuple[int, int, int]) -> None:
    if not values.startswith("`"):
        raise ValueError(values)
    stated = dict(zip(header.split(","), _values(values), strict=True))
    if (int(Decimal(stated[columns.count])), fen(stated[columns.total]), fen(stated[columns.refunded])) != sums:
        raise ValueError("totals")
