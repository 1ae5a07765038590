"""Finance's adapter against its simulator over real HTTP."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests

from backend.core import context, http
from backend.core.config import ConfigError, Settings, parse_keys
from backend.core.errors import ProviderProtocolError, ProviderRejected, ProviderUnavailable
from payments.gateways import finance_http
from payments.gateways.finance import (
    BillStatus,
    Confirmation,
    EbillOrder,
    EbillState,
    Finance,
    Notice,
    NoticeItem,
    NoticeOrder,
)
from tests.conftest import make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox

REGION = "350299"


@pytest.fixture(scope="module")
def plain_settings() -> Settings:
    return make_settings("postgresql://nobody@127.0.0.1/none")


@pytest.fixture(scope="module")
def served(plain_settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(plain_settings) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: RunningSandbox) -> RunningSandbox:
    desk(served, "reset")
    return served


@pytest.fixture
def finance(sandbox: RunningSandbox, plain_settings: Settings) -> Finance:
    made = finance_http.from_settings(sandbox.settings(plain_settings))
    assert made is not None
    return made


def desk(sandbox: RunningSandbox, what: str, **body: Any) -> dict[str, Any]:
    """The operator's counter."""
    answer = requests.post(f"{sandbox.url}/finance/desk/api/{what}", json=body, timeout=5)
    answer.raise_for_status()
    return dict(answer.json())


def faults(sandbox: RunningSandbox, **changes: Any) -> None:
    requests.put(f"{sandbox.url}/finance/desk/api/faults", json=changes, timeout=5).raise_for_status()


def order(fen: int = 12_000, quantity: int = 1, **changes: Any) -> NoticeOrder:
    item = NoticeItem("103050101", "普通护照", "copy", fen, quantity, 0, 0, 0, fen * quantity)
    due = (datetime.now(UTC) + timedelta(days=15)).date()
    made = NoticeOrder(
        uuid4().hex, None, REGION, "113502990000000199", "ordinary", "张测试", fen * quantity, due, (item,)
    )
    return replace(made, **changes)


def payment(notice: Notice, fen: int = 12_000, **changes: Any) -> Confirmation:
    paid_at = datetime.now(UTC).replace(microsecond=0)
    made = Confirmation(REGION, notice.pay_code, uuid4().hex, "wechat_pay", f"4200{uuid4().hex}", fen, paid_at)
    return replace(made, **changes)


def paid(finance: Finance, fen: int = 12_000) -> tuple[Notice, Confirmation]:
    """A notice that is paid and confirmed."""
    notice = finance.issue_notice(order(fen))
    told = payment(notice, fen)
    finance.confirm(told)
    return notice, told


def today() -> date:
    return (datetime.now(UTC) + timedelta(hours=8)).date()


def refused(code: str) -> Any:
    return pytest.raises(ProviderRejected, check=lambda error: error.provider_code == code)


def unavailable(code: str) -> Any:
    return pytest.raises(ProviderUnavailable, check=lambda error: error.provider_code == code)


def test_a_notice_has_a_pay_code_of_its_own_and_one_for_every_repeat(finance: Finance) -> None:
    first = order()
    notice = finance.issue_notice(first)
    assert notice.pay_code.startswith(REGION)
    assert len(notice.pay_code) == 20
    assert notice.pay_code in notice.qr_url
    assert finance.issue_notice(first) == notice
    assert finance.issue_notice(order()).pay_code != notice.pay_code
    own = finance.issue_notice(order(pay_code="35029926300000000001"))
    assert own.pay_code == "35029926300000000001"
    with refused("PAY_CODE_TAKEN"):
        finance.issue_notice(order(pay_code=own.pay_code))
    with refused("REQUEST_NO_REUSED"):
        finance.issue_notice(replace(first, payer_name="李测试"))


def test_finance_refuses_sums_that_do_not_add_up_and_items_the_unit_may_not_charge(
    finance: Finance, sandbox: RunningSandbox
) -> None:
    with refused("AMOUNT_MISMATCH"):
        finance.issue_notice(order(total_fen=11_999))
    with refused("AMOUNT_MISMATCH"):
        finance.issue_notice(order(items=(replace(order().items[0], quantity=2),)))
    desk(sandbox, "deny", item_code="103050101")
    with refused("NO_COLLECTION_RIGHT"):
        finance.issue_notice(order())


def test_a_bill_is_unpaid_then_paid_by_us(finance: Finance) -> None:
    notice = finance.issue_notice(order())
    assert finance.query_bill(REGION, notice.pay_code).status is BillStatus.UNPAID
    told = payment(notice)
    confirmed = finance.confirm(told)
    assert finance.confirm(told) == confirmed, "a repeat has no second effect"
    answer = finance.query_bill(REGION, notice.pay_code)
    assert (answer.status, answer.order_no, answer.paid_at) == (BillStatus.PAID, told.order_no, told.paid_at)
    with refused("BILL_NOT_FOUND"):
        finance.query_bill(REGION, "35029900000000000000")


def test_a_second_payment_and_another_sum_are_refused(finance: Finance) -> None:
    notice = finance.issue_notice(order())
    with refused("AMOUNT_MISMATCH"):
        finance.confirm(payment(notice, 11_999))
    finance.confirm(payment(notice))
    with refused("PAID_OTHERWISE"):
        finance.confirm(payment(notice))


def test_only_an_unpaid_notice_can_be_taken_back(finance: Finance) -> None:
    notice = finance.issue_notice(order())
    finance.void_notice(REGION, notice.pay_code, "开错了")
    finance.void_notice(REGION, notice.pay_code, "开错了")
    assert finance.query_bill(REGION, notice.pay_code).status is BillStatus.VOID
    with refused("BILL_VOID"):
        finance.confirm(payment(notice))
    with refused("BILL_PAID"):
        finance.void_notice(REGION, paid(finance)[0].pay_code, "开错了")


def test_cash_at_the_counter_shows_as_paid_by_another_channel(finance: Finance, sandbox: RunningSandbox) -> None:
    notice = finance.issue_notice(order())
    desk(sandbox, "counter", pay_code=notice.pay_code, channel="cash")
    answer = finance.query_bill(REGION, notice.pay_code)
    assert (answer.status, answer.pay_channel, answer.order_no) == (BillStatus.PAID, "cash", None)
    with refused("PAID_OTHERWISE"):
        finance.confirm(payment(notice))


def test_an_electronic_bill_is_issued_once_checked_and_cancelled_once(
    finance: Finance, sandbox: RunningSandbox
) -> None:
    notice, _ = paid(finance)
    wanted = EbillOrder("E1" + uuid4().hex, REGION, notice.pay_code, 12_000)
    faults(sandbox, issuing=2)
    assert [finance.issue_ebill(wanted) for _ in range(2)] == [None, None]
    ebill = finance.issue_ebill(wanted)
    assert ebill is not None
    assert finance.issue_ebill(wanted) == ebill
    assert (len(ebill.code), ebill.code[:2], len(ebill.number), len(ebill.check_code)) == (8, "35", 10, 6)
    page = requests.get(ebill.url, timeout=5)
    assert page.status_code == 200
    assert ebill.number in page.text
    assert requests.get(ebill.url.replace(ebill.check_code, "000000x"), timeout=5).status_code == 404
    with refused("EBILL_EXISTS"):
        finance.issue_ebill(replace(wanted, business_no="E2" + uuid4().hex))

    day = (ebill.issued_at + timedelta(hours=8)).date()
    check = ebill.code, ebill.number, ebill.check_code, 12_000, day
    assert finance.check_ebill(*check) is EbillState.VALID
    assert finance.check_ebill(ebill.code, ebill.number, "abcdeg", 12_000, day) is EbillState.UNKNOWN
    red = finance.red_write("R1" + ebill.number, ebill.code, ebill.number, "退费")
    assert finance.red_write("R1" + ebill.number, ebill.code, ebill.number, "退费") == red
    assert finance.check_ebill(*check) is EbillState.RED
    assert "已冲红" in requests.get(ebill.url, timeout=5).text
    with refused("EBILL_RED"):
        finance.red_write("R2" + ebill.number, ebill.code, ebill.number, "退费")
    rest = finance.issue_ebill(EbillOrder("E3" + ebill.number, REGION, notice.pay_code, 2_000))
    assert rest is not None
    assert rest.number != ebill.number
    for _ in range(2):
        finance.check_ebill(*check)
    with refused("CHECK_LIMIT"):
        finance.check_ebill(*check)


def test_an_unpaid_bill_gets_no_receipt(finance: Finance) -> None:
    notice = finance.issue_notice(order())
    with refused("BILL_UNPAID"):
        finance.issue_ebill(EbillOrder(uuid4().hex, REGION, notice.pay_code, 12_000))


def test_the_list_of_a_day_comes_in_order_and_by_pages(finance: Finance, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {notice.pay_code: confirmation for notice, confirmation in (paid(finance, fen) for fen in range(101, 108))}
    monkeypatch.setattr(finance_http, "PAGE", 3)
    lines = list(finance.payments(today()))
    assert [line.pay_code for line in lines] == sorted(told)
    for line in lines:
        mine = told[line.pay_code]
        assert (line.order_no, line.amount_fen, line.paid_at) == (mine.order_no, mine.amount_fen, mine.paid_at)
    assert list(finance.payments(today() - timedelta(days=1))) == []


@pytest.mark.parametrize(
    ("kind", "expected"), [("missing", []), ("amount", [12_100]), ("day_before", []), ("day_after", [])]
)
def test_differences_are_in_the_list_on_demand(
    finance: Finance, sandbox: RunningSandbox, kind: str, expected: list[int]
) -> None:
    notice, _ = paid(finance)
    desk(sandbox, "plant", kind=kind, pay_code=notice.pay_code)
    assert [line.amount_fen for line in finance.payments(today())] == expected
    shift = {"day_before": -1, "day_after": 1}.get(kind, 0)
    if shift:
        assert len(list(finance.payments(today() + timedelta(days=shift)))) == 1


@pytest.mark.parametrize("listing", ["cut", "altered"])
def test_p51_a_list_that_is_cut_or_altered_never_gives_its_last_line(
    finance: Finance, sandbox: RunningSandbox, listing: str
) -> None:
    codes = sorted(paid(finance)[0].pay_code for _ in range(3))
    faults(sandbox, listing=listing)
    seen: list[Any] = []
    with unavailable("list_incomplete"):
        seen.extend(line.pay_code for line in finance.payments(today()))
    assert codes[-1] not in seen
    faults(sandbox, listing="late")
    with unavailable("LIST_NOT_READY"):
        list(finance.payments(today()))


def test_a_list_that_changes_between_two_pages_is_given_up(
    finance: Finance, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        paid(finance)
    monkeypatch.setattr(finance_http, "PAGE", 2)
    lines = finance.payments(today())
    next(lines)
    notice = finance.issue_notice(order())
    desk(sandbox, "counter", pay_code=notice.pay_code, channel="card")
    with unavailable("LIST_CHANGED"):
        list(lines)


@pytest.mark.parametrize(
    ("mode", "code"), [("busy", "BUSY"), ("outage", "unsigned_502"), ("forged", "unsigned_200"), ("drop", "no_answer")]
)
def test_trouble_is_no_answer_and_the_same_call_works_later(
    finance: Finance, sandbox: RunningSandbox, mode: str, code: str
) -> None:
    wanted = order()
    faults(sandbox, mode=mode)
    with unavailable(code):
        finance.issue_notice(wanted)
    faults(sandbox, mode="normal")
    notice = finance.issue_notice(wanted)
    assert [bill["pay_code"] for bill in desk(sandbox, "key", key="2")["bills"]] == [notice.pay_code]


def test_a_slow_answer_is_given_up_though_it_had_its_effect(
    finance: Finance, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = finance.issue_notice(order())
    told = payment(notice)
    faults(sandbox, slow_s=0.4)
    monkeypatch.setattr(finance._line, "_timeout_s", (1.0, 0.1))  # type: ignore[attr-defined]
    with unavailable("no_answer"):
        finance.confirm(told)
    faults(sandbox, slow_s=0.0)
    monkeypatch.undo()
    assert finance.confirm(told).confirm_no
    assert finance.query_bill(REGION, notice.pay_code).order_no == told.order_no


def test_an_answer_by_the_older_key_is_taken_and_one_by_a_foreign_key_is_not(
    finance: Finance, sandbox: RunningSandbox, plain_settings: Settings
) -> None:
    desk(sandbox, "key", key="1")
    try:
        assert finance.issue_notice(order()).pay_code
        keys = parse_keys("FINANCE_KEYS", plain_settings.finance_keys)
        forgetful = finance_http.HttpFinance(f"{sandbox.url}/finance", "sandbox-finance", {2: keys[2]})
        with unavailable("unsigned_200"):
            forgetful.issue_notice(order())
    finally:
        desk(sandbox, "key", key="2")


def test_finance_refuses_unsigned_old_and_repeated_requests(sandbox: RunningSandbox, plain_settings: Settings) -> None:
    keys = parse_keys("FINANCE_KEYS", plain_settings.finance_keys)

    def send(*, app: str = "sandbox-finance", at: float = 0, nonce: str = "", signature: str = "") -> Any:
        body, when, once = b"{}", str(int(datetime.now(UTC).timestamp() + at)), nonce or uuid4().hex
        text = finance_http.DIALECT.request_text("POST", "/v1/notices/query", app, "2", when, once, body)
        headers = {
            "X-Finance-App": app,
            "X-Finance-Key": "2",
            "X-Finance-Time": when,
            "X-Finance-Nonce": once,
            "X-Finance-Signature": signature or hmac.new(keys[2], text, hashlib.sha256).hexdigest(),
        }
        return requests.post(f"{sandbox.url}/finance/v1/notices/query", data=body, headers=headers, timeout=5).json()[
            "code"
        ]

    assert send(signature="0" * 64) == "SIGNATURE_INVALID"
    assert send(at=-301) == "TIMESTAMP_EXPIRED"
    assert send(app="other") == "APP_UNKNOWN"
    assert send(nonce="a" * 16) == "BODY_INVALID"
    assert send(nonce="a" * 16) == "NONCE_REUSED"


class Replies:
    """A transport that gives one correctly signed answer of the test's choosing."""

    def __init__(self, key: bytes, body: bytes, *, status: int = 200, at: float = 0) -> None:
        self.key, self.body, self.status, self.at = key, body, status, at

    def post(self, url: str, *, headers: dict[str, str], **_: Any) -> requests.Response:
        when = str(int(datetime.now(UTC).timestamp() + self.at))
        text = finance_http.DIALECT.answer_text(self.status, headers["X-Finance-Nonce"], when, self.body)
        answer = requests.Response()
        answer.status_code = self.status
        answer._content = self.body
        answer.headers["X-Finance-Key"] = "2"
        answer.headers["X-Finance-Time"] = when
        answer.headers["X-Finance-Signature"] = hmac.new(self.key, text, hashlib.sha256).hexdigest()
        return answer


def answering(plain_settings: Settings, body: str, **changes: Any) -> Finance:
    keys = parse_keys("FINANCE_KEYS", plain_settings.finance_keys)
    adapter = finance_http.HttpFinance("http://127.0.0.1:9/finance", "sandbox-finance", keys)
    adapter._line.__dict__["_session"] = Replies(keys[2], body.encode(), **changes)
    return adapter


@pytest.mark.parametrize(
    "total", ["120.00", '"12000"', "0", "-1", "true", "1e4", "null"], ids=lambda text: f"total {text}"
)
def test_an_amount_that_is_no_whole_number_of_fen_is_refused(plain_settings: Settings, total: str) -> None:
    body = f'{{"pay_code": "1", "status": "unpaid", "total_fen": {total}, "order_no": null}}'
    with pytest.raises(ProviderProtocolError):
        answering(plain_settings, body).query_bill(REGION, "1")


@pytest.mark.parametrize("body", ["[]", "{", '{"pay_code": "1", "status": "gone", "total_fen": 1}', "{}", '"x"'])
def test_an_answer_outside_the_documents_is_refused(plain_settings: Settings, body: str) -> None:
    with pytest.raises(ProviderProtocolError):
        answering(plain_settings, body).query_bill(REGION, "1")


def test_an_instant_without_a_zone_and_an_answer_from_another_hour_are_refused(plain_settings: Settings) -> None:
    naive = '{"confirm_no": "1", "confirmed_at": "2026-11-24T09:00:00"}'
    told = payment(Notice("1", "", datetime.now(UTC)))
    with pytest.raises(ProviderProtocolError):
        answering(plain_settings, naive).confirm(told)
    good = naive.replace('00"}', '00Z"}')
    assert answering(plain_settings, good).confirm(told).confirmed_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
    with unavailable("unsigned_200"):
        answering(plain_settings, good, at=-400).confirm(told)


def test_a_page_that_leads_nowhere_is_refused(plain_settings: Settings) -> None:
    body = '{"lines": [], "count": 1, "amount_fen": 1, "digest": "x", "next": "1"}'
    with pytest.raises(ProviderProtocolError):
        list(answering(plain_settings, body).payments(today()))


def test_no_call_inside_a_transaction(finance: Finance) -> None:
    token = context.in_transaction.set(True)
    try:
        with pytest.raises(http.TransactionOpen):
            finance.query_bill(REGION, "1")
    finally:
        context.in_transaction.reset(token)


def test_without_an_address_there_is_no_finance_and_without_keys_no_start(plain_settings: Settings) -> None:
    assert finance_http.from_settings(plain_settings) is None
    with pytest.raises(ConfigError, match="FINANCE_KEYS"):
        make_settings("postgresql://x/x", finance_base="https://f.example.cn", finance_keys="")
    with pytest.raises(ConfigError, match="FINANCE_APP"):
        make_settings("postgresql://x/x", finance_base="https://f.example.cn", finance_app="")


def test_the_pages_of_the_desk_answer(finance: Finance, sandbox: RunningSandbox) -> None:
    notice, _ = paid(finance)
    desk_page = requests.get(f"{sandbox.url}/finance/desk", timeout=5)
    assert notice.pay_code in desk_page.text
    form = {"act": "missing", "pay_code": notice.pay_code}
    assert requests.post(f"{sandbox.url}/finance/desk", data=form, timeout=5).status_code == 200
    assert list(finance.payments(today())) == []
    open_ = finance.issue_notice(order())
    assert "120.00" in requests.get(open_.qr_url, timeout=5).text
    broken = {"act": "faults", "mode": "busy", "ebill": "normal", "listing": "normal"}
    assert requests.post(f"{sandbox.url}/finance/desk", data=broken, timeout=5).status_code == 200
    with unavailable("BUSY"):
        finance.issue_notice(order())
