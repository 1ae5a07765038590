"""The WeChat client on the wire."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from backend.core import context, http
from backend.core.config import Settings
from backend.core.errors import ProviderError, ProviderProtocolError, ProviderRejected, ProviderUnavailable
from backend.core.http import TransactionOpen
from backend.core.wechat import (
    ERRORS,
    NOT_SENT,
    TIMEOUT,
    Account,
    WeChat,
    WeChatLoginAgain,
    jsapi_signature,
    mini_program,
    official_account,
)
from tests.conftest import make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox

VALUES = {
    "thing2": "普通护照首次申请",
    "thing5": "市政务服务中心",
    "time3": "2026年12月1日 09:30",
    "character_string4": "1234 5678",
    "thing7": "云顶北路842号",
}


class Tokens:
    """A token source that remembers what it was asked."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.asked: list[str | None] = []
        self._kept = ""

    def __call__(self, stale: str | None = None) -> str:
        self.asked.append(stale)
        if not self._kept or stale is not None:
            self._kept = WeChat(self._account).stable_token().value
        return self._kept


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with running_sandbox(make_settings("postgresql://nobody@127.0.0.1/none")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: RunningSandbox) -> RunningSandbox:
    served.reset()
    return served


@pytest.fixture
def configured(sandbox: RunningSandbox) -> Settings:
    return sandbox.settings(make_settings("postgresql://nobody@127.0.0.1/none"))


def send(client: WeChat, sandbox: RunningSandbox, *, person: str = "zhang", message: str = "m1") -> str:
    return client.send_template(
        openid=sandbox.person(person)["openid_official"],
        template_id="sandbox-appointment_booked",
        data=VALUES,
        url="",
        client_msg_id=message,
    )


def test_the_published_jsapi_example_signs_as_published() -> None:
    ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    url = "http://mp.weixin.qq.com?params=value"
    signature = jsapi_signature(ticket=ticket, nonce="Wm3WZYTPz0wzccnW", timestamp=1414587457, url=url)
    assert signature == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    with_fragment = jsapi_signature(ticket=ticket, nonce="Wm3WZYTPz0wzccnW", timestamp=1414587457, url=url + "#/x")
    assert with_fragment == signature


def test_a_mini_program_login_needs_no_access_token(sandbox: RunningSandbox, configured: Settings) -> None:
    client = WeChat(mini_program(configured))
    code = sandbox.login_code("zhang")
    login = client.code_to_session(code)
    assert login.openid == sandbox.person("zhang")["openid_mini"]
    assert login.session_key
    assert sandbox.state()["stable_tokens_issued"] == sandbox.state()["classic_tokens_issued"] == 0
    with pytest.raises(WeChatLoginAgain) as used:
        client.code_to_session(code)
    assert used.value.provider_code == "40163"
    with pytest.raises(WeChatLoginAgain):
        client.code_to_session("made-up")


def test_an_official_account_login_goes_through_the_page(sandbox: RunningSandbox, configured: Settings) -> None:
    client = WeChat(official_account(configured))
    address = client.authorize_url(redirect_uri=f"{configured.public_url}/back?x=1", state="s")
    assert list(parse_qs(urlsplit(address).query)) == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert address.endswith("#wechat_redirect")
    code = parse_qs(urlsplit(sandbox.agree(address, "li")).query)["code"][0]
    assert client.oauth_login(code).openid == sandbox.person("li")["openid_official"]
    with pytest.raises(WeChatLoginAgain):
        client.oauth_login(code)


def test_a_phone_number_is_given_for_its_own_code(sandbox: RunningSandbox, configured: Settings) -> None:
    account = mini_program(configured)
    client = WeChat(account, Tokens(account))
    code = sandbox.phone_code("wu")
    assert client.phone_number(code) == "13999990007"
    with pytest.raises(WeChatLoginAgain):
        client.phone_number(code)


@pytest.mark.parametrize("verdict", ["superseded", "expired"])
def test_a_refused_token_is_replaced_once(sandbox: RunningSandbox, configured: Settings, verdict: str) -> None:
    account = official_account(configured)
    tokens = Tokens(account)
    client = WeChat(account, tokens)
    send(client, sandbox, message="before")
    old = tokens()
    sandbox.spoil_tokens(verdict)
    tokens.asked.clear()
    before = sandbox.calls("/cgi-bin/message/template/send")
    send(client, sandbox, message="after")
    assert tokens.asked == [None, old]
    assert sandbox.calls("/cgi-bin/message/template/send") == before + 2


def test_a_token_that_stays_refused_ends_the_call(sandbox: RunningSandbox, configured: Settings) -> None:
    client = WeChat(official_account(configured), lambda stale=None: "never-good")
    with pytest.raises(ProviderUnavailable) as refused:
        send(client, sandbox)
    assert refused.value.provider_code == "40001"
    assert sandbox.calls("/cgi-bin/message/template/send") == 2


@pytest.mark.parametrize(
    ("faults", "kind", "code"),
    [
        ({"wechat": "busy"}, ProviderUnavailable, "-1"),
        ({"wechat": "outage"}, ProviderUnavailable, "http_502"),
        ({"wechat": "quota"}, ProviderUnavailable, "45009"),
    ],
)
def test_failures_become_our_errors(
    sandbox: RunningSandbox, configured: Settings, faults: dict[str, str], kind: type[ProviderError], code: str
) -> None:
    account = official_account(configured)
    tokens = Tokens(account)
    tokens()
    sandbox.faults(**faults)
    with pytest.raises(kind) as failure:
        send(WeChat(account, tokens), sandbox)
    assert failure.value.provider_code == code


def test_a_refusal_is_final_and_an_unknown_code_is_a_protocol_error(
    sandbox: RunningSandbox, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = official_account(configured)
    client = WeChat(account, Tokens(account))
    sandbox.follow("zhang", following=False)
    with pytest.raises(ProviderRejected) as refusal:
        send(client, sandbox)
    assert refusal.value.provider_code == "43004"
    monkeypatch.delitem(ERRORS, 43004)
    with pytest.raises(ProviderProtocolError):
        send(client, sandbox)


def test_no_answer_and_no_connection_are_told_apart(
    sandbox: RunningSandbox, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = official_account(configured)
    tokens = Tokens(account)
    tokens()
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.2)
    sandbox.faults(slow_s=0.6)
    with pytest.raises(ProviderUnavailable) as silence:
        send(WeChat(account, tokens), sandbox, message="slow")
    assert silence.value.provider_code == TIMEOUT
    assert len(sandbox.messages("zhang")) == 1
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = replace(account, api_base=f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ProviderUnavailable) as nobody:
            send(WeChat(nowhere, tokens), sandbox)
    assert nobody.value.provider_code == NOT_SENT


def test_a_connection_that_breaks_has_an_unknown_outcome(sandbox: RunningSandbox, configured: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        broken = replace(official_account(configured), api_base=f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ProviderUnavailable) as failure:
            send(WeChat(broken, lambda stale=None: "t"), sandbox)
        thread.join()
    assert failure.value.provider_code == TIMEOUT


def test_no_call_leaves_an_open_transaction(configured: Settings) -> None:
    token = context.in_transaction.set(True)
    try:
        with pytest.raises(TransactionOpen):
            WeChat(mini_program(configured)).code_to_session("x")
    finally:
        context.in_transaction.reset(token)


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(Account("app", "s3cret", "a", "b"))
