"""The bill of a day: a ZIP of two GBK texts, made from the trades and then bent as the operator wants."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .trades import Book
from .wire import beijing_day, business, in_beijing, in_yuan

LINK_S = 30.0
FEE_PER_MILLE = 6
HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
    "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
RULE = "#-----------------------------------------业务明细列表"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a payment, or a refund with its request number and a negative sum."""

    trade_no: str
    out_trade_no: str
    subject: str
    created_at: float
    done_at: float
    cents: int
    coupon_cents: int = 0
    request_no: str = ""


class Bills:
    """Makes, hides and damages bills. ``mode`` is normal, late, cut, damaged or wrong_totals."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._links: dict[str, tuple[str, float]] = {}
        self.mode = "normal"
        self.differences: list[Mapping[str, object]] = []

    def link(self, day: str) -> dict[str, str]:
        """A token for one download, good for 30 seconds; Refusal while there is no such bill."""
        if self.mode == "late" or day >= beijing_day(self._book.now()):
            raise business("BILL_NOT_EXIST", "账单不存在")
        if not self._rows(day):
            return {"bill_file_code": "EMPTY_DATA_WITH_BILL_FILE"}
        token = secrets.token_urlsafe(16)
        self._links[token] = (day, self._book.now() + LINK_S)
        return {"token": token}

    def file(self, token: str) -> bytes | None:
        """The ZIP behind a link, None when the link is over."""
        day, until = self._links.get(token, ("", 0.0))
        if self._book.now() > until:
            return None
        made = self._zip(day)
        return made[: len(made) // 2] if self.mode == "damaged" else made

    def _rows(self, day: str) -> list[Row]:
        rows = []
        for trade in self._book.trades.values():
            if trade.paid_at is not None and beijing_day(trade.paid_at) == day:
                rows.append(
                    Row(
                        trade.trade_no,
                        trade.out_trade_no,
                        trade.subject,
                        trade.created_at,
                        trade.paid_at,
                        trade.cents,
                        trade.coupon_cents,
                    )
                )
            rows += [
                Row(
                    trade.trade_no,
                    trade.out_trade_no,
                    trade.subject,
                    trade.created_at,
                    refund.done_at,
                    -refund.cents,
                    request_no=refund.request_no,
                )
                for refund in trade.refunds.values()
                if beijing_day(refund.done_at) == day and refund.done_at <= self._book.now()
            ]
        return sorted(self._bent(rows, day), key=lambda row: row.done_at)

    def _bent(self, rows: Iterable[Row], day: str) -> list[Row]:
        """Plant the differences: ``missing`` and ``amount`` name an order, ``extra`` invents one."""
        kept = list(rows)
        for difference in self.differences:
            number, sum_cents = str(difference.get("number", "")), int(str(difference.get("cents", 0)))
            if difference.get("day") != day:
                continue
            if difference["kind"] == "missing":
                kept = [row for row in kept if number not in {row.out_trade_no, row.request_no}]
            elif difference["kind"] == "amount":
                kept = [replace(row, cents=sum_cents) if row.out_trade_no == number else row for row in kept]
            else:
                at = float(str(difference["at"]))
                kept.append(Row(f"{day.replace('-', '')}22009999999999", number, "无此订单", at, at, sum_cents))
        return kept

    def _zip(self, day: str) -> bytes:
        rows = self._rows(day)
        name = f"{self._book.seller_id}0156_{day.replace('-', '')}_业务明细"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for title, text in ((name, self._detail(rows, day)), (f"{name}(汇总)", self._summary(rows))):
                archive.writestr(_GbkMember(f"{title}.csv"), text.encode("gbk", "replace"), zipfile.ZIP_DEFLATED)
        return packed.getvalue()

    def _detail(self, rows: list[Row], day: str) -> str:
        head = [
            "#支付宝业务明细查询",
            f"#账号：[{self._book.seller_id}0156]",
            f"#起始日期：[{_chinese(day)} 00:00:00]   终止日期：[{_chinese(day)} 24:00:00]",
            f"{RULE}----------------------------------------",
            HEADER,
        ]
        paid = [row.cents for row in rows if not row.request_no]
        back = [row.cents for row in rows if row.request_no]
        received = sum(paid) + (1 if self.mode == "wrong_totals" else 0)
        tail = [
            f"{RULE}结束------------------------------------",
            f"#交易合计：{len(paid)}笔，商家实收共{in_yuan(received)}元，商家优惠共0.00元",
            f"#退款合计：{len(back)}笔，商家实收退款共{in_yuan(sum(back))}元，商家优惠退款共0.00元",
            f"#导出时间：[{_chinese(day)} 05:46:49]",
        ]
        return "\r\n".join([*head, *map(_line, rows), *([] if self.mode == "cut" else tail), ""])

    def _summary(self, rows: list[Row]) -> str:
        lines = ["#支付宝业务汇总查询", "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）"]
        count = sum(1 for row in rows if not row.request_no)
        total = in_yuan(sum(row.cents for row in rows))
        return "\r\n".join([*lines, f"合计\t,,{count},{len(rows) - count},{total}", ""])


class _GbkMember(zipfile.ZipInfo):
    """A file whose name is GBK, without the flag that would say UTF-8."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("gbk"), self.flag_bits


def _line(row: Row) -> str:
    fee = -row.cents * FEE_PER_MILLE // 1000
    cells = [
        f"{row.trade_no}\t",
        f"{row.out_trade_no}\t",
        "退款\t" if row.request_no else "交易\t",
        row.subject,
        in_beijing(row.created_at),
        in_beijing(row.done_at),
        *("\t",) * 4,
        "*测试(139****0000)\t",
        in_yuan(row.cents),
        in_yuan(row.cents),
        in_yuan(row.coupon_cents),
        *("0.00",) * 4,
        "",
        "0.00\t",
        "0.00",
        f"{row.request_no}\t",
        in_yuan(fee),
        "0.00",
        "",
    ]
    return ",".join(cells)


def _chinese(day: str) -> str:
    year, month, date = day.split("-")
    return f"{year}年{month}月{date}日"
