"""Logging in with Alipay: one-time codes, tokens and what they show."""

from __future__ import annotations

import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from .wire import Refusal, in_beijing

CODE_S = 180.0
ACCESS_S = 15 * 86_400
REFRESH_S = 30 * 86_400
SCOPES = frozenset({"auth_base", "auth_user"})


@dataclass(slots=True)
class _Grant:
    person: str
    scope: str
    expires_at: float


class Logins:
    """Codes work once, successful or not. ``ids`` is ``open_id`` as for new apps, ``user_id`` as for old, or both."""

    def __init__(self, now: Callable[[], float], *, app_id: str, public_url: str) -> None:
        self.ids = "open_id"
        self._now, self._app_id, self._host = now, app_id, urlsplit(public_url).netloc
        self._codes: dict[str, _Grant] = {}
        self._access: dict[str, _Grant] = {}
        self._refresh: dict[str, _Grant] = {}
        self._lock = threading.Lock()

    def refused(self, query: Mapping[str, str]) -> str | None:
        """Why the page will not ask, None when it will."""
        if query.get("app_id") != self._app_id:
            return "app_id 不存在"
        if not set(query.get("scope", "").split(",")) <= SCOPES:
            return "scope 参数有误"
        if urlsplit(query.get("redirect_uri", "")).netloc != self._host:
            return "redirect_uri 与登记的回调地址不一致"
        return None

    def code(self, person: str, scope: str) -> str:
        """What the browser brings back."""
        made = secrets.token_hex(16)
        with self._lock:
            self._codes[made] = _Grant(person, scope, self._now() + CODE_S)
        return made

    def token(self, parameters: Mapping[str, str]) -> dict[str, object]:
        """The answer of alipay.system.oauth.token, which has no ``code`` of its own when it succeeds."""
        kind = parameters.get("grant_type")
        with self._lock:
            if kind == "authorization_code":
                grant = self._codes.pop(parameters.get("code", ""), None)
                if grant is None or grant.expires_at <= self._now():
                    raise Refusal("40002", "isv.code-invalid", "授权码code无效", gateway=True)
            elif kind == "refresh_token":
                grant = self._refresh.pop(parameters.get("refresh_token", ""), None)
                if grant is None:
                    raise Refusal("40002", "isv.refresh-token-invalid", "刷新令牌无效", gateway=True)
                if grant.expires_at <= self._now():
                    raise Refusal("40002", "isv.refresh-token-time-out", "刷新令牌已过期", gateway=True)
            else:
                raise Refusal("40002", "isv.grant-type-invalid", "grant_type参数不正确", gateway=True)
            access, refresh = f"authbseB{secrets.token_hex(16)}", f"authbseR{secrets.token_hex(16)}"
            self._access[access] = _Grant(grant.person, grant.scope, self._now() + ACCESS_S)
            self._refresh[refresh] = _Grant(grant.person, grant.scope, self._now() + REFRESH_S)
        return {
            "access_token": access,
            **self._names(grant.person),
            "expires_in": ACCESS_S,
            "refresh_token": refresh,
            "re_expires_in": REFRESH_S,
            "auth_start": in_beijing(self._now()),
        }

    def profile(self, access: str) -> dict[str, object]:
        """The answer of alipay.user.info.share."""
        grant = self._access.get(access)
        if grant is None or grant.expires_at <= self._now() or "auth_user" not in grant.scope:
            raise Refusal("40002", "isv.invalid-auth-token", "无效的访问令牌", gateway=True)
        return {**self._names(grant.person), "nick_name": "微政务演示"}

    def open_id(self, person: str) -> str:
        """The person's id at this app, the same after a restart."""
        return urlsafe_b64encode(sha256(f"alipay:{self._app_id}:{person}".encode()).digest()).decode()[:40]

    def _names(self, person: str) -> dict[str, object]:
        number = int.from_bytes(sha256(f"alipay:{person}".encode()).digest()[:5], "big") % 10**10
        known: dict[str, object] = {"open_id": self.open_id(person), "user_id": f"208800{number:010d}"}
        return {name: value for name, value in known.items() if self.ids in {name, "both"}}
