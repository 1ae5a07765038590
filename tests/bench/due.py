"""Orders that wait for their notice, and the notices of both channels, signed as the sandboxes sign them."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from backend import development
from backend.core import clock, db
from backend.core.errors import Text
from payments import attempts, bills
from payments.attempt_models import Attempt
from payments.gateways.base import Channel, Scene
from payments.sandbox.alipay.wire import Wire, in_beijing, in_yuan
from payments.sandbox.wechat_pay.seals import Seals, merchant_from
from payments.states import AttemptEvent
from tests.bench.clients import request
from tests.bench.site import Site
from tests.bench.stock import connect, uuid_of

BILL, ORDER = "3", "4"
COPIES = {
    "bill": {
        "id": f"('{BILL}' || lpad(to_hex(n), 31, '0'))::uuid",
        "pay_code": "'D' || lpad(n::text, 19, '0')",
        "subject_id": "n::text",
    },
    "bill_item": {"bill_id": f"('{BILL}' || lpad(to_hex(n), 31, '0'))::uuid"},
    "payment_attempt": {
        "id": f"('{ORDER}' || lpad(to_hex(n), 31, '0'))::uuid",
        "bill_id": f"('{BILL}' || lpad(to_hex(n), 31, '0'))::uuid",
        "number": f"'{ORDER}' || lpad(to_hex(n), 31, '0')",
        "channel": "%(channel)s",
        "app_id": "%(app)s",
        "merchant_id": "%(merchant)s",
    },
}


class Due:
    """Copies of one real bill with its order, numbered from 0; each is paid once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._values = development.environment(site.folder.parent, site.database_url, site.product, site.product)
        merchant = merchant_from(self._values)
        assert merchant
        self._seals = Seals(merchant)
        self._wire = Wire(
            app_id=self._values["ALIPAY_APP_ID"],
            app_public_key=self._values["ALIPAY_PUBLIC_KEY"],
            private_key=self._values["SANDBOX_ALIPAY_PRIVATE_KEY"],
        )
        self.made = 0
        self._model, self.amount_fen = _one_order()

    def sheaf(self, channel: str, count: int) -> tuple[Path, int]:
        """So many orders at a channel, and the file with the request that tells of each: its name and first number."""
        first, self.made = self.made, self.made + count
        accounts = {
            Channel.WECHAT_PAY: (self._values["WECHAT_OFFICIAL_APPID"], self._values["WECHAT_PAY_MCHID"]),
            Channel.ALIPAY: (self._values["ALIPAY_APP_ID"], self._values["ALIPAY_SELLER_ID"]),
        }
        app, merchant = accounts[Channel(channel)]
        given = {
            **self._model,
            "first": first,
            "last": self.made - 1,
            "channel": channel,
            "app": app,
            "merchant": merchant,
        }
        with connect(self._site.database_url) as connection:
            for table, changed in COPIES.items():
                connection.execute(_copy(connection, table, changed), given)
        tell = self._wechat_pay if channel == Channel.WECHAT_PAY else self._alipay
        path = self._site.folder / f"{channel}-{first}.notices"
        path.write_bytes(pickle.dumps([tell(uuid_of(ORDER, number).hex) for number in range(first, self.made)]))
        return path, first

    def settled(self) -> dict[str, int]:
        """What the books and tables say of the notices that had their effect."""
        queries = {
            "bills": "SELECT count(*) FROM bill WHERE state = 'paid' AND subject_type = 'bench-due'",
            "orders": "SELECT count(*) FROM payment_attempt WHERE state = 'paid' AND paid_fen = %(fen)s",
            "journals": "SELECT count(DISTINCT bill_id) FROM journal WHERE kind = 'settlement'",
            "events": "SELECT count(*) FROM channel_event WHERE verdict = 'applied' AND repeats = 0",
            "notices": "SELECT count(*) FROM notification WHERE template = 'bill_paid'",
        }
        with connect(self._site.database_url) as connection:
            return {
                name: connection.execute(query, {"fen": self.amount_fen}).fetchone()[0]
                for name, query in queries.items()
            }

    def _wechat_pay(self, number: str) -> bytes:
        at = clock.civil(clock.now()).isoformat(timespec="seconds")
        content = {
            "transaction_id": f"42{number[4:]}",
            "amount": {
                "total": self.amount_fen,
                "payer_total": self.amount_fen,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
            "mchid": self._values["WECHAT_PAY_MCHID"],
            "trade_state": "SUCCESS",
            "bank_type": "CMC",
            "success_time": at,
            "payer": {"openid": "o-bench"},
            "out_trade_no": number,
            "appid": self._values["WECHAT_OFFICIAL_APPID"],
            "trade_state_desc": "支付成功",
            "trade_type": "JSAPI",
            "attach": "",
        }
        resource = self._seals.encrypt(json.dumps(content, ensure_ascii=False).encode(), "transaction")
        envelope = {
            "id": str(uuid4()),
            "create_time": at,
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": {"original_type": "transaction", **resource},
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        return self._request("wechat-pay", body, "application/json", self._seals.headers(body, clock.now().timestamp()))

    def _alipay(self, number: str) -> bytes:
        at, yuan = in_beijing(clock.now().timestamp()), in_yuan(self.amount_fen)
        fields = {
            "notify_type": "trade_status_sync",
            "notify_id": f"20261124{number[-26:]}",
            "notify_time": at,
            "app_id": self._values["ALIPAY_APP_ID"],
            "auth_app_id": self._values["ALIPAY_APP_ID"],
            "charset": "utf-8",
            "version": "1.0",
            "out_trade_no": number,
            "trade_no": f"2026112422{number[-18:]}",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": yuan,
            "receipt_amount": yuan,
            "buyer_pay_amount": yuan,
            "seller_id": self._values["ALIPAY_SELLER_ID"],
            "buyer_open_id": "o-bench",
            "subject": "普通护照",
            "gmt_create": at,
            "gmt_payment": at,
            "fund_bill_list": json.dumps([{"amount": yuan, "fundChannel": "ALIPAYACCOUNT"}], separators=(",", ":")),
        }
        body = urlencode(self._wire.signed_form(fields)).encode()
        return self._request("alipay", body, "application/x-www-form-urlencoded; charset=utf-8", {})

    def _request(self, path: str, body: bytes, kind: str, headers: Mapping[str, str]) -> bytes:
        """The whole request; the bare route listens at the same path."""
        given = {name.replace("-", "_"): value for name, value in headers.items()}
        asked = request(self._site.product, "POST", f"/callbacks/{path}", body, **given)
        return asked.replace(b"application/json", kind.encode(), 1)


def _one_order() -> tuple[dict[str, UUID], int]:
    """A bill and its order by the product's own code."""
    order = bills.Order(
        region_code="350299",
        lines=[bills.Line("passport")],
        accepted_on=clock.today(),
        payer=bills.Payer("张测试", person_id=uuid4()),
        subject_type="bench-due",
        subject_id="model",
        title=Text("普通护照", "Ordinary passport"),
        hall_code="XM",
    )
    terms = attempts.Terms(Channel.WECHAT_PAY, Scene.JSAPI, "app", "merchant", "192.0.2.7", openid="o-bench")
    with db.transaction() as session:
        bill = bills.issue(session, order, actor="bench")
        attempt_id = attempts.begin(session, bill_id=bill.id, terms=terms, payer_id=bill.person_id)
        attempts.note(session, session.get_one(Attempt, attempt_id), AttemptEvent.CREATED, actor="bench")
        return {"bill": bill.id, "attempt": attempt_id}, bill.total_fen


def _copy(connection: Any, table: str, changed: Mapping[str, str]) -> str:
    """INSERT … SELECT of the model's rows, whatever columns they have."""
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " AND is_identity = 'NO'",
        (table,),
    )
    columns = [row[0] for row in rows]
    values = ", ".join(changed.get(name, f'm."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    key = {"bill": "id = %(bill)s", "bill_item": "bill_id = %(bill)s", "payment_attempt": "id = %(attempt)s"}[table]
    return (
        f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(%(first)s::int, %(last)s::int) n"
        f" CROSS JOIN {table} m WHERE m.{key}"
    )
