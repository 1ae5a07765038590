"""What finance's system remembers: notices, payments, electronic bills. In memory, behind one lock."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

CITY = ZoneInfo("Asia/Shanghai")
REGION = "350299"
CHECKS_A_DAY = 5
COUNTER_CHANNELS = ("cash", "card", "bank")


class FinanceRefusal(Exception):
    """A refusal: HTTP status, finance's code and its words."""

    def __init__(self, code: str, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass
class Ebill:
    """An electronic bill; `red` holds the red bill's number once it is cancelled."""

    business_no: str
    code: str
    number: str
    check_code: str
    amount_fen: int
    issued_at: float
    red: dict[str, Any] | None = None


@dataclass
class Payment:
    """Money that finance has for a bill."""

    confirm_no: str
    amount_fen: int
    paid_at: datetime
    pay_channel: str
    order_no: str | None
    transaction_id: str | None
    confirmed_at: float


@dataclass
class Bill:
    """A notice and what became of it."""

    order: Mapping[str, Any]
    pay_code: str
    issued_at: float
    void: bool = False
    payment: Payment | None = None
    ebills: list[Ebill] = field(default_factory=list)

    @property
    def region(self) -> str:
        return str(self.order["region_code"])

    @property
    def total_fen(self) -> int:
        return int(self.order["total_fen"])

    @property
    def standing(self) -> Ebill | None:
        """The electronic bill that is not cancelled."""
        return next((ebill for ebill in self.ebills if ebill.red is None), None)


class FinanceBooks:
    """Every rule of finance's side. `now` gives unix seconds; `url` makes an absolute address of a path."""

    def __init__(self, *, now: Callable[[], float], url: Callable[[str], str]) -> None:
        self._now = now
        self._url = url
        self.lock = threading.RLock()
        self.denied_items: set[str] = set()
        self.issuing_answers = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything, as after a restart."""
        with self.lock:
            self.bills: dict[tuple[str, str], Bill] = {}
            self._by_request: dict[str, Bill] = {}
            self._by_business: dict[str, Ebill] = {}
            self._red_by_business: dict[str, dict[str, Any]] = {}
            self._checks: Counter[tuple[str, date]] = Counter()
            self.plants: dict[str, str] = {}
            self.foreign: list[dict[str, Any]] = []
            self._serial = secrets.randbelow(10**9)

    def issue_notice(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            known = self._by_request.get(str(order["request_no"]))
            if known is not None:
                if dict(known.order) != dict(order):
                    raise FinanceRefusal("REQUEST_NO_REUSED", "同一请求号的内容不同")
                return self._notice(known)
            self._check_order(order)
            self._serial += 1
            pay_code = str(order["pay_code"] or f"{REGION}{self._day(self._now()):%y}{self._serial:012d}")
            earlier = self.bills.get((str(order["region_code"]), pay_code))
            if earlier is not None and not self._follows(earlier, order):
                raise FinanceRefusal("PAY_CODE_TAKEN", "缴款码已被使用")
            bill = Bill(dict(order), pay_code, self._now())
            self.bills[bill.region, pay_code] = bill
            self._by_request[str(order["request_no"])] = bill
            return self._notice(bill)

    def query(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            bill = self._bill(order)
            paid = bill.payment
            answer: dict[str, Any] = {
                "pay_code": bill.pay_code,
                "status": self._status(bill),
                "total_fen": bill.total_fen,
                "order_no": None,
            }
            if paid is not None:
                answer |= {
                    "order_no": paid.order_no,
                    "pay_channel": paid.pay_channel,
                    "paid_at": instant(paid.paid_at.timestamp()),
                }
            return answer

    def void(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            bill = self._bill(order)
            if bill.payment is not None:
                raise FinanceRefusal("BILL_PAID", "已缴款，不能作废")
            bill.void = True
            return {"status": "void"}

    def confirm(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            bill = self._bill(order)
            paid_at = datetime.fromisoformat(str(order["paid_at"])).astimezone(UTC)
            if bill.payment is None:
                if bill.void:
                    raise FinanceRefusal("BILL_VOID", "缴款书已作废")
                if order["amount_fen"] != bill.total_fen:
                    raise FinanceRefusal("AMOUNT_MISMATCH", "金额与缴款书不符")
                bill.payment = self._payment(
                    bill, paid_at, str(order["pay_channel"]), str(order["order_no"]), str(order["transaction_id"])
                )
            elif bill.payment.transaction_id != order["transaction_id"]:
                raise FinanceRefusal("PAID_OTHERWISE", "该缴款书已由另一笔款项缴清")
            return {"confirm_no": bill.payment.confirm_no, "confirmed_at": instant(bill.payment.confirmed_at)}

    def pay_at_counter(self, pay_code: str, channel: str) -> None:
        """Somebody pays in cash, by card or at the bank's counter."""
        with self.lock:
            bill = self._bill({"region_code": None, "pay_code": pay_code})
            if channel not in COUNTER_CHANNELS:
                raise FinanceRefusal("CHANNEL_UNKNOWN", "没有这个缴款渠道")
            if bill.payment is not None or bill.void:
                raise FinanceRefusal("BILL_PAID", "已缴款或已作废")
            bill.payment = self._payment(bill, datetime.fromtimestamp(self._now(), UTC), channel, None, None)

    def issue_ebill(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            ebill = self._by_business.get(str(order["business_no"]))
            if ebill is None:
                bill = self._bill(order)
                if bill.payment is None:
                    raise FinanceRefusal("BILL_UNPAID", "未缴款，不能开票")
                if bill.standing is not None:
                    raise FinanceRefusal("EBILL_EXISTS", "已开票，先冲红")
                if not 0 < order["amount_fen"] <= bill.total_fen:
                    raise FinanceRefusal("AMOUNT_MISMATCH", "开票金额不对")
                if self.issuing_answers > 0:
                    self.issuing_answers -= 1
                    return {"status": "issuing"}
                ebill = self._draw(str(order["business_no"]), order["amount_fen"])
                bill.ebills.append(ebill)
            return {
                "ebill_code": ebill.code,
                "ebill_number": ebill.number,
                "check_code": ebill.check_code,
                "url": self._url(f"/finance/ebills/{ebill.code}/{ebill.number}?check={ebill.check_code}"),
                "issued_at": instant(ebill.issued_at),
            }

    def red_write(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            business_no = str(order["business_no"])
            if business_no not in self._red_by_business:
                ebill = self.find_ebill(str(order["ebill_code"]), str(order["ebill_number"]))
                if ebill is None:
                    raise FinanceRefusal("EBILL_NOT_FOUND", "没有这张票据")
                if ebill.red is not None:
                    raise FinanceRefusal("EBILL_RED", "票据已冲红")
                self._serial += 1
                ebill.red = {
                    "red_code": ebill.code,
                    "red_number": f"{self._serial % 10**10:010d}",
                    "red_at": instant(self._now()),
                }
                self._red_by_business[business_no] = ebill.red
            return self._red_by_business[business_no]

    def check_ebill(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """As S-14b: five checks a bill and day."""
        with self.lock:
            counted = str(order["ebill_number"]), self._day(self._now())
            self._checks[counted] += 1
            if self._checks[counted] > CHECKS_A_DAY:
                raise FinanceRefusal("CHECK_LIMIT", "今天查验次数已满")
            ebill = self.find_ebill(str(order["ebill_code"]), str(order["ebill_number"]))
            genuine = (
                ebill is not None
                and ebill.check_code == order["check_code"]
                and ebill.amount_fen == order["amount_fen"]
                and self._day(ebill.issued_at).isoformat() == order["issued_on"]
            )
            if not genuine or ebill is None:
                return {"state": "unknown"}
            return {"state": "valid" if ebill.red is None else "red"}

    def lines(self, day: date) -> list[dict[str, Any]]:
        """The payments of a day in order of pay code, with the differences that the operator has planted."""
        with self.lock:
            found = []
            for bill in self.bills.values():
                paid, plant = bill.payment, self.plants.get(bill.pay_code, "")
                if paid is None:
                    continue
                shift = {"day_before": -1, "day_after": 1}.get(plant, 0)
                if plant == "missing" or self._day(paid.paid_at.timestamp() + shift * 86_400) != day:
                    continue
                found.append(
                    {
                        "region_code": bill.region,
                        "pay_code": bill.pay_code,
                        "amount_fen": paid.amount_fen + (100 if plant == "amount" else 0),
                        "paid_at": instant(paid.paid_at.timestamp() + shift * 86_400),
                        "pay_channel": paid.pay_channel,
                        "order_no": paid.order_no,
                        "transaction_id": paid.transaction_id,
                    }
                )
            foreign = [line["line"] for line in self.foreign if line["day"] == day.isoformat()]
        return sorted(
            found + foreign, key=lambda line: (line["region_code"], line["pay_code"], line["transaction_id"] or "")
        )

    def plant(self, kind: str, pay_code: str) -> None:
        """Make the daily list lie about one bill; ``foreign`` adds a payment of a bill nobody else knows."""
        with self.lock:
            if kind == "foreign":
                day = self._day(self._now())
                line = {
                    "region_code": REGION,
                    "pay_code": pay_code,
                    "amount_fen": 8800,
                    "paid_at": instant(self._now()),
                    "pay_channel": "bank",
                    "order_no": None,
                    "transaction_id": None,
                }
                self.foreign.append({"day": day.isoformat(), "line": line})
            elif kind in {"missing", "amount", "day_before", "day_after"}:
                self.plants[pay_code] = kind
            else:
                raise FinanceRefusal("PLANT_UNKNOWN", "没有这种差异")

    def find_ebill(self, code: str, number: str) -> Ebill | None:
        """An electronic bill by what is printed on it."""
        with self.lock:
            return next((one for one in self._by_business.values() if (one.code, one.number) == (code, number)), None)

    def bill_of(self, ebill: Ebill) -> Bill:
        """Whose receipt it is."""
        with self.lock:
            return next(bill for bill in self.bills.values() if ebill in bill.ebills)

    @staticmethod
    def _follows(earlier: Bill, order: Mapping[str, Any]) -> bool:
        """An unpaid notice comes again: a fine with its larger sum (money rule M7), any with a later last day (M6)."""
        grown = order["notice_type"] == "penalty" and order["total_fen"] > earlier.total_fen
        put_off = order["total_fen"] == earlier.total_fen and order["due_date"] > earlier.order["due_date"]
        return earlier.payment is None and not earlier.void and (grown or put_off)

    def _check_order(self, order: Mapping[str, Any]) -> None:
        items = order["items"]
        for item in items:
            if item["item_code"] in self.denied_items:
                raise FinanceRefusal("NO_COLLECTION_RIGHT", "该单位没有此收入项目的执收权限")
            due = item["standard_fen"] * item["quantity"] + item["overdue_fen"] + item["penalty_fen"]
            due -= item["reduction_fen"]
            if item["fee_fen"] != due:
                raise FinanceRefusal("AMOUNT_MISMATCH", "项目金额与标准、数量不符")
        if not items or order["total_fen"] != sum(item["fee_fen"] for item in items) or order["total_fen"] <= 0:
            raise FinanceRefusal("AMOUNT_MISMATCH", "合计金额不对")

    def _payment(
        self, bill: Bill, paid_at: datetime, channel: str, order_no: str | None, transaction_id: str | None
    ) -> Payment:
        self._serial += 1
        return Payment(
            f"QR{self._serial:014d}", bill.total_fen, paid_at, channel, order_no, transaction_id, self._now()
        )

    def _draw(self, business_no: str, amount_fen: int) -> Ebill:
        """35 Fujian, 04 class, 01 kind, two digits of the year; the check code is six characters (domain 1.6)."""
        self._serial += 1
        year = self._day(self._now()).year % 100
        check = "".join(secrets.choice("0123456789abcdef") for _ in range(6))
        ebill = Ebill(business_no, f"350401{year:02d}", f"{self._serial % 10**10:010d}", check, amount_fen, self._now())
        self._by_business[business_no] = ebill
        return ebill

    def _bill(self, order: Mapping[str, Any]) -> Bill:
        region, pay_code = order["region_code"], str(order["pay_code"])
        for bill in self.bills.values():
            if bill.pay_code == pay_code and region in (None, bill.region):
                return bill
        raise FinanceRefusal("BILL_NOT_FOUND", "没有这张缴款书", status=404)

    def _status(self, bill: Bill) -> str:
        if bill.payment is not None:
            return "paid"
        if bill.void:
            return "void"
        late = self._day(self._now()).isoformat() > str(bill.order["due_date"])
        return "expired" if late else "unpaid"

    def _notice(self, bill: Bill) -> dict[str, Any]:
        return {
            "pay_code": bill.pay_code,
            "qr_url": self._url(f"/finance/pay/{bill.pay_code}"),
            "issued_at": instant(bill.issued_at),
        }

    @staticmethod
    def _day(at: float) -> date:
        return datetime.fromtimestamp(at, CITY).date()


def instant(at: float) -> str:
    """Unix seconds as finance writes them: UTC to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
