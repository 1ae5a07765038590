"""The one WeChat client: login, phone number, template messages and JS-SDK, without database.

wechatpy does the calls and the signing. Its own retry and token handling stay off, because together they
can repeat a refused call until the day's token quota is gone: a token comes from the callable that is
handed in, and a token that WeChat refuses is replaced once.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from backend.core.config import Settings
from backend.core.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    Text,
)
from backend.core.http import GuardedAdapter, never_connected, refuse_inside_transaction

PROVIDER = "wechat"
OFFICIAL_HOST = "https://api.weixin.qq.com"
CONNECTIONS = 32

TIMEOUT = "timeout"
"""Provider code of a call that got no answer: WeChat may or may not have done it."""
NOT_SENT = "not_sent"
"""Provider code of a call that never reached WeChat."""


class WeChatLoginAgain(ProviderRejected):
    """A login code that is wrong, too old or used: the citizen starts the login again."""

    status = 409
    code = "wechat_login_again"
    title = Text("微信登录已失效，请重新登录", "The WeChat login is no longer valid. Log in again")


class WeChatLoginRefused(ProviderRejected):
    """WeChat holds this account for high-risk (40226); no retry helps."""

    status = 403
    code = "wechat_login_refused"
    title = Text(
        "微信暂时不允许这个账号登录，请用手机号或 i厦门 登录",
        "WeChat does not let this account log in. Use your phone number or i厦门",
    )


STALE_TOKEN = frozenset({40001, 40014, 42001})

ERRORS: dict[int, type[ProviderError]] = {
    -1: ProviderUnavailable,
    40001: ProviderUnavailable,
    40003: ProviderRejected,
    40013: ProviderRejected,
    40014: ProviderUnavailable,
    40029: WeChatLoginAgain,
    40037: ProviderRejected,
    40097: ProviderRejected,
    40125: ProviderRejected,
    40163: WeChatLoginAgain,
    40164: ProviderRejected,
    40226: WeChatLoginRefused,
    41001: ProviderRejected,
    41002: ProviderRejected,
    41004: ProviderRejected,
    41008: WeChatLoginAgain,
    41030: ProviderRejected,
    42001: ProviderUnavailable,
    42003: WeChatLoginAgain,
    42007: WeChatLoginAgain,
    43004: ProviderRejected,
    43019: ProviderRejected,
    43101: ProviderRejected,
    45009: ProviderUnavailable,
    45011: ProviderUnavailable,
    47001: ProviderRejected,
    47003: ProviderRejected,
    48001: ProviderRejected,
    50002: ProviderRejected,
}
"""errcode → our error. A code that is not here is a ProviderProtocolError."""


@dataclass(frozen=True)
class Account:
    """One appid with its secret, and where its provider answers."""

    appid: str
    secret: str
    api_base: str
    open_base: str

    def __repr__(self) -> str:
        return f"Account({self.appid!r})"


@dataclass(frozen=True)
class WeChatLogin:
    """Who logged in. `session_key` never leaves the server and is empty for the official account."""

    openid: str
    unionid: str | None = None
    session_key: str = ""


@dataclass(frozen=True)
class Issued:
    """An access token or JS-SDK ticket, and the seconds it is good for."""

    value: str
    expires_in: int


class TokenSource(Protocol):
    """Gives the account's access token; called again with the one WeChat refused, it gives another."""

    def __call__(self, stale: str | None = None) -> str: ...


def mini_program(settings: Settings) -> Account:
    """The mini-program's account."""
    return Account(
        settings.wechat_mini_appid, settings.wechat_mini_secret, settings.wechat_api_base, settings.wechat_open_base
    )


def official_account(settings: Settings) -> Account:
    """The official account (服务号)."""
    return Account(
        settings.wechat_official_appid,
        settings.wechat_official_secret,
        settings.wechat_api_base,
        settings.wechat_open_base,
    )


def jsapi_signature(*, ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """Signature of `wx.config`: SHA-1 hex over the four fields in ASCII order, the address without its fragment."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url.partition('#')[0]}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class WeChat:
    """One account's calls.

    Raises WeChatLoginAgain, WeChatLoginRefused, ProviderUnavailable, ProviderRejected, ProviderProtocolError.
    """

    def __init__(self, account: Account, token: TokenSource | None = None) -> None:
        self.account = account
        self._token = token
        self._client = _client(account)

    def code_to_session(self, code: str) -> WeChatLogin:
        """Exchange the code of `wx.login`. No access token is involved."""
        answer = self._call(
            "GET",
            "/sns/jscode2session",
            {
                "appid": self.account.appid,
                "secret": self.account.secret,
                "js_code": code,
                "grant_type": "authorization_code",
            },
        )
        return WeChatLogin(_text(answer, "openid"), answer.get("unionid"), _text(answer, "session_key"))

    def authorize_url(self, *, redirect_uri: str, state: str, scope: str = "snsapi_base") -> str:
        """Address of the page where the citizen agrees; WeChat wants the parameters in this order."""
        query = urlencode(
            {
                "appid": self.account.appid,
                "redirect_uri": redirect_uri,
                "response_type": "code",
                "scope": scope,
                "state": state,
            }
        )
        return f"{self.account.open_base.rstrip('/')}/connect/oauth2/authorize?{query}#wechat_redirect"

    def oauth_login(self, code: str) -> WeChatLogin:
        """Exchange the code that the authorisation page sent back."""
        answer = self._call(
            "GET",
            "/sns/oauth2/access_token",
            {
                "appid": self.account.appid,
                "secret": self.account.secret,
                "code": code,
                "grant_type": "authorization_code",
            },
        )
        return WeChatLogin(_text(answer, "openid"), answer.get("unionid"))

    def phone_number(self, code: str) -> str:
        """The number behind the code of the getPhoneNumber button, with `+` and country code when not Chinese."""
        answer = self._with_token("POST", "/wxa/business/getuserphonenumber", body={"code": code})
        info = answer.get("phone_info")
        if not isinstance(info, dict) or (info.get("watermark") or {}).get("appid") != self.account.appid:
            raise ProviderProtocolError(PROVIDER, "phone_info")
        number, country = _text(info, "purePhoneNumber"), str(info.get("countryCode", "86"))
        return number if country == "86" else f"+{country}{number}"

    def send_template(
        self, *, openid: str, template_id: str, data: dict[str, str], url: str, client_msg_id: str
    ) -> str:
        """Send a template message and give WeChat's msgid. The same `client_msg_id` is delivered once in 10 minutes."""
        answer = self._with_token(
            "POST",
            "/cgi-bin/message/template/send",
            body={
                "touser": openid,
                "template_id": template_id,
                "url": url,
                "client_msg_id": client_msg_id,
                "data": {key: {"value": value} for key, value in data.items()},
            },
        )
        return str(answer.get("msgid", ""))

    def send_subscribe(self, *, openid: str, template_id: str, data: dict[str, str], page: str) -> str:
        """Send a subscribe message of the mini-program and give its msgid, or "" from an account that tells none."""
        body: dict[str, Any] = {
            "touser": openid,
            "template_id": template_id,
            "data": {key: {"value": value} for key, value in data.items()},
        }
        answer = self._with_token(
            "POST", "/cgi-bin/message/subscribe/send", body={**body, "page": page} if page else body
        )
        return str(answer.get("msgid", ""))

    def create_menu(self, menu: dict[str, Any]) -> None:
        """Replace the official account's menu."""
        self._with_token("POST", "/cgi-bin/menu/create", body=menu)

    def create_scene(self, scene: str) -> str:
        """A QR code that never ends: scanning it follows the account and tells us `scene`. Gives its address."""
        answer = self._with_token(
            "POST",
            "/cgi-bin/qrcode/create",
            body={"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}},
        )
        return _text(answer, "url")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Any other endpoint of the account that answers JSON, such as those of 非税缴费."""
        return self._with_token("POST", path, body=body)

    def download(self, path: str, body: dict[str, Any]) -> bytes:
        """An endpoint whose success is a file and whose refusal is JSON."""
        answer = self._asked_with_token("POST", path, body=body)
        if not isinstance(answer, requests.Response):
            raise ProviderProtocolError(PROVIDER, "body")
        return answer.content

    def jsapi_ticket(self) -> Issued:
        """Fetch the JS-SDK ticket; ask the shared store instead of calling this for every page."""
        answer = self._with_token("GET", "/cgi-bin/ticket/getticket", {"type": "jsapi"})
        return Issued(_text(answer, "ticket"), int(answer.get("expires_in", 7200)))

    def stable_token(self) -> Issued:
        """Fetch the access token in normal mode: callers at the same time get the same one."""
        answer = self._call(
            "POST",
            "/cgi-bin/stable_token",
            {},
            body={"grant_type": "client_credential", "appid": self.account.appid, "secret": self.account.secret},
        )
        return Issued(_text(answer, "access_token"), int(answer.get("expires_in", 0)))

    def _with_token(
        self, method: str, path: str, query: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return _object(self._asked_with_token(method, path, query, body))

    def _asked_with_token(
        self, method: str, path: str, query: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> object:
        """A call with the account's token; a refused token is replaced once, then the call fails."""
        token = self._fetched_token(None)
        try:
            return self._asked(method, path, {"access_token": token, **(query or {})}, body)
        except ProviderUnavailable as refusal:
            if refusal.provider_code not in {str(code) for code in STALE_TOKEN}:
                raise
        token = self._fetched_token(token)
        return self._asked(method, path, {"access_token": token, **(query or {})}, body)

    def _fetched_token(self, stale: str | None) -> str:
        """The token for a call; without one the call itself has certainly not been made."""
        if self._token is None:
            raise RuntimeError("this call needs a token source")
        try:
            return self._token(stale=stale)
        except ProviderUnavailable:
            raise ProviderUnavailable(PROVIDER, NOT_SENT) from None

    def _call(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return _object(self._asked(method, path, query, body))

    def _asked(self, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None = None) -> object:
        """What WeChat answers: parsed JSON, or the whole response when it is no JSON."""
        refuse_inside_transaction()
        # wechatpy adds its own access token to every query that has none; an empty one is left out of the address.
        params = {"access_token": None, **query}
        try:
            return self._client._request(method, OFFICIAL_HOST + path, params=params, data=body)
        except WeChatClientException as refusal:
            raise _translated(refusal) from None
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ConnectionError) as trouble:
            raise ProviderUnavailable(PROVIDER, NOT_SENT if never_connected(trouble) else TIMEOUT) from None
        except requests.RequestException:
            raise ProviderUnavailable(PROVIDER, TIMEOUT) from None


def _object(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise ProviderProtocolError(PROVIDER, "body")
    return answer


def _translated(refusal: WeChatClientException) -> ProviderError:
    if refusal.errcode is None:
        status = refusal.response.status_code if refusal.response is not None else 0
        kind: type[ProviderError] = ProviderUnavailable if status >= 500 else ProviderProtocolError
        return kind(PROVIDER, f"http_{status}")
    return ERRORS.get(refusal.errcode, ProviderProtocolError)(PROVIDER, str(refusal.errcode))


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderProtocolError(PROVIDER, name)
    return value


class _Redirected(GuardedAdapter):
    """Transport that takes wechatpy's fixed host to the address in the settings."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)
        self._base = base.rstrip("/")

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        request.url = f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        response: requests.Response = super().send(request, *args, **options)  # type: ignore[no-untyped-call]
        return response


@lru_cache(maxsize=8)
def _client(account: Account) -> Any:
    """wechatpy's client, its private session replaced by ours; shared by the threads of this process."""
    client = WeChatClient(account.appid, account.secret, auto_retry=False)
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    session.adapters.clear()
    session.mount(OFFICIAL_HOST, _Redirected(account.api_base))
    client._http = session
    return client
