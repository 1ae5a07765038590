"""Bill files: the trade bill and the fund flow of a day, with differences and damage on demand."""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from .accounts import BEIJING, TRADE_TYPES, Accounts, Order, Refund
from .seals import Refusal

LINK_S = 300
READY_HOUR = 10
KEPT_DAYS = 92
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
TRADE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FLOW = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FLOW_TOTALS = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
ROLE = {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING", "ABNORMAL": "CHANGE", "CLOSED": "FAIL"}
"""A refund's state in the API → in the file, which has words of its own."""


@dataclass
class BillPlan:
    """What is wrong with the next files. `damage`: none, truncated, digest, totals or creating.

    `drop` leaves numbers out, `amounts` writes another amount in fen, `states` another trade state, and `add` are
    rows of `{"number", "fen"}` that no order of ours explains.
    """

    damage: str = "none"
    drop: list[str] = field(default_factory=list)
    amounts: dict[str, int] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    add: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    content: bytes
    until: float


class Bills:
    """Files of one merchant, each behind a link that lives five minutes."""

    def __init__(self, accounts: Accounts) -> None:
        self.plan = BillPlan()
        self._accounts = accounts
        self._files: dict[str, _File] = {}

    def ask(self, kind: str, query: Mapping[str, str], base: str) -> dict[str, str]:
        """Make the file of a day and give its hash, over the uncompressed text, and its link."""
        day = self._day(query.get("bill_date", ""))
        if self.plan.damage == "creating":
            raise Refusal(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
        self._accounts.tick()
        variant = query.get("bill_type", "ALL")
        if variant not in {"ALL", "SUCCESS", "REFUND"} or query.get("tar_type", "GZIP") != "GZIP":
            raise Refusal(400, "PARAM_ERROR", "bill_type 或 tar_type 有误")
        text = self._trade_bill(day, variant) if kind == "tradebill" else self._fund_flow(day)
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        if self.plan.damage == "digest":
            digest = hashlib.sha1(digest.encode(), usedforsecurity=False).hexdigest()
        if self.plan.damage == "truncated":
            text = text[: len(text) * 2 // 3]
        zipped = "tar_type" in query
        token = secrets.token_urlsafe(24)
        self._files[token] = _File(gzip.compress(text, mtime=0) if zipped else text, self._accounts.now() + LINK_S)
        link = f"{base}/v3/billdownload/file?token={token}" + ("&tartype=gzip" if zipped else "")
        return {"hash_type": "SHA1", "hash_value": digest, "download_url": link}

    def file(self, token: str) -> bytes:
        found = self._files.get(token)
        if found is None:
            raise Refusal(403, "NO_AUTH", "无权限下载该账单")
        if found.until <= self._accounts.now():
            raise Refusal(400, "INVALID_REQUEST", "下载地址已失效")
        return found.content

    def _day(self, text: str) -> date:
        now = datetime.fromtimestamp(self._accounts.now(), UTC).astimezone(BEIJING)
        try:
            day = date.fromisoformat(text) if DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None or not now.date() - timedelta(days=KEPT_DAYS) <= day < now.date():
            raise Refusal(400, "INVALID_REQUEST", "账单日期有误")
        if day == now.date() - timedelta(days=1) and now.hour < READY_HOUR:
            raise Refusal(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
        return day

    def _trade_bill(self, day: date, variant: str) -> bytes:
        rows = [row for row in self._rows(day) if variant in {"ALL", row["交易状态"]}]
        if not rows:
            raise Refusal(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        header = TRADE.split(",")
        if variant == "SUCCESS":
            header = [name for name in header if "退款" not in name]
        if variant == "REFUND":
            header = [*header, "退款申请时间", "退款成功时间"]
        orders = _sum(rows, "订单金额")
        totals = (len(rows), _sum(rows, "应结订单金额"), _sum(rows, "退款金额"), "0.00", "0.00", orders)
        last = _sum(rows, "申请退款金额") + (Decimal(1) if self.plan.damage == "totals" else 0)
        lines = [",".join(header), *(_line(row.get(name, "") for name in header) for row in rows)]
        return _text([*lines, TRADE_TOTALS, _line((*totals, last))])

    def _rows(self, day: date) -> list[dict[str, str]]:
        rows = []
        with self._accounts.lock:
            for order in self._accounts.orders.values():
                if order.state == "SUCCESS" and _day_of(order.paid_at) == day:
                    rows.append(self._row(order, None))
                rows += [
                    self._row(order, refund) for refund in order.refunds.values() if _day_of(refund.created) == day
                ]
        kept = [row for row in rows if not {row["商户订单号"], row["商户退款单号"]} & set(self.plan.drop)]
        return kept + [self._stranger(day, one) for one in self.plan.add]

    def _row(self, order: Order, refund: Refund | None) -> dict[str, str]:
        at = datetime.fromtimestamp(refund.created if refund else order.paid_at, UTC).astimezone(BEIJING)
        number = refund.body["out_refund_no"] if refund else order.number
        written = self.plan.amounts.get(number)
        paid = 0 if refund else order.total if written is None else written
        back = 0 if refund is None else refund.body["amount"]["refund"] if written is None else written
        return dict.fromkeys(TRADE.split(","), "") | {
            "交易时间": f"{at:%Y-%m-%d %H:%M:%S}",
            "公众账号ID": order.body["appid"],
            "商户号": self._accounts.mchid,
            "特约商户号": "0",
            "微信订单号": order.transaction_id,
            "商户订单号": order.number,
            "用户标识": order.payer,
            "交易类型": TRADE_TYPES[order.kind],
            "交易状态": self.plan.states.get(number, "REFUND" if refund else "SUCCESS"),
            "付款银行": "OTHERS",
            "货币种类": "CNY",
            "应结订单金额": _yuan(max(0, paid - (0 if refund else order.coupon))),
            "代金券金额": _yuan(0 if refund else order.coupon),
            "微信退款单号": refund.refund_id if refund else "0",
            "商户退款单号": number if refund else "0",
            "退款金额": _yuan(back),
            "充值券退款金额": "0.00",
            "退款类型": "ORIGINAL" if refund else "",
            "退款状态": ROLE[refund.status] if refund else "",
            "商品名称": order.body["description"].replace("\n", "\\n"),
            "商户数据包": order.body.get("attach", ""),
            "手续费": "0.00000",
            "费率": "0.00%",
            "订单金额": _yuan(paid),
            "申请退款金额": _yuan(back),
        }

    def _stranger(self, day: date, given: Mapping[str, Any]) -> dict[str, str]:
        amount = _yuan(int(given["fen"]))
        return dict.fromkeys(TRADE.split(","), "") | {
            "交易时间": f"{day} 12:00:00",
            "公众账号ID": "sandbox-official",
            "商户号": self._accounts.mchid,
            "微信订单号": f"42000{secrets.randbelow(10**23):023d}",
            "商户订单号": str(given["number"]),
            "交易类型": "JSAPI",
            "交易状态": "SUCCESS",
            "货币种类": "CNY",
            "应结订单金额": amount,
            "代金券金额": "0.00",
            "微信退款单号": "0",
            "商户退款单号": "0",
            "退款金额": "0.00",
            "充值券退款金额": "0.00",
            "商品名称": "未知订单",
            "手续费": "0.00000",
            "费率": "0.00%",
            "订单金额": amount,
            "申请退款金额": "0.00",
        }

    def _fund_flow(self, day: date) -> bytes:
        rows = self._rows(day)
        if not rows:
            raise Refusal(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        lines, balance = [FLOW], Decimal(0)
        for place, row in enumerate(rows):
            back = row["交易状态"] == "REFUND"
            amount = Decimal(row["申请退款金额"] if back else row["订单金额"])
            balance += -amount if back else amount
            name, way = ("退款", "支出") if back else ("交易", "收入")
            values = (row["微信订单号"], f"{day:%Y%m%d}{place:010d}", name, name, way, amount, balance)
            lines.append(_line((row["交易时间"], *values, "system", "", row["商户订单号"])))
        spent = [row for row in rows if row["交易状态"] == "REFUND"]
        earned = len(rows) - len(spent), _sum(rows, "订单金额")
        totals = _line((len(rows), *earned, len(spent), _sum(spent, "申请退款金额")))
        return _text([*lines, FLOW_TOTALS, totals])


def _day_of(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).astimezone(BEIJING).date()


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _sum(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal("0.00"))


def _line(values: Any) -> str:
    return ",".join(f"`{value}" for value in values)


def _text(lines: list[str]) -> bytes:
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()
