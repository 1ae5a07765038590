"""Talking to Alipay's gateway: the official client builds the message, we send it and believe only what we verified.

The client's own transport is left out. It cannot reach a port, dies on every status but 200, and its check takes the
hash from the signature, so that an MD5 signature passes. Importing this module costs 0.3 s: do it when it is needed.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import requests
from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.util.SignatureUtils import get_sign_content
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.core import clock, http, rsa_keys
from backend.core.config import Settings
from payments.gateways.alipay_text import beijing
from payments.gateways.base import Busy, Channel, GatewayError, OutcomeUnknown

READ_TIMEOUT_S = 10.0
LONGEST_ANSWER = 1024 * 1024
_FIRST_MEMBER = re.compile(r'\s*\{\s*"([a-z_]+)"\s*:\s*(?=\{)')
_SUCCESS = "10000"
_PREFIXES = ("aop.", "ACQ.")


@dataclass(frozen=True)
class Account:
    """One app at Alipay. Keys as in the settings."""

    gateway: str
    app_id: str
    private_key: str = field(repr=False)
    public_key: str = field(repr=False)


class Refused(GatewayError):
    """A verified refusal of the business; `code` is Alipay's sub-code without its prefix."""


def account(settings: Settings) -> Account | None:
    """Our app, or None when Alipay is switched off."""
    if not settings.alipay_app_id:
        return None
    return Account(
        settings.alipay_gateway,
        settings.alipay_app_id,
        settings.alipay_app_private_key,
        settings.alipay_public_key,
    )


class AlipayClient:
    """One app's signed calls. Holds configuration only, so threads share it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._builder = _builder(account)
        self._keys = rsa_keys.public_keys(account.public_key)

    def page(self, request: Any) -> str:
        """The address that a browser opens for a page call; nothing is sent.

        The client's POST form corrupts `&amp;` in a text, its GET address does not.
        """
        address: str = self._builder.page_execute(request, "GET")
        return address

    def call(self, request: Any) -> dict[str, Any]:
        """Send, verify, and give the inner answer with its numbers as text.

        Raises Refused, Busy when nothing happened, and OutcomeUnknown for every answer that proves nothing.
        """
        method = str(request.get_params()["method"])
        query, form = self._builder.message(request)
        answer = read_answer(self._post(f"{self._account.gateway}?{query}", form), self._keys, method)
        code, sub_code = str(answer.get("code", _SUCCESS)), str(answer.get("sub_code", ""))
        if code == _SUCCESS:
            return answer
        for prefix in _PREFIXES:
            sub_code = sub_code.removeprefix(prefix)
        raise _refusal(code, sub_code, str(answer.get("sub_msg", "")))

    def _post(self, url: str, form: dict[str, str]) -> bytes:
        http.refuse_inside_transaction()
        try:
            answer = _session(self._account.gateway).post(
                url,
                data=urlencode(form),
                headers={"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"},
                timeout=(http.CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
            )
        except requests.RequestException as trouble:
            kind = Busy if http.never_connected(trouble) else OutcomeUnknown
            raise kind(Channel.ALIPAY, "not_sent" if kind is Busy else "timeout") from None
        if answer.status_code != 200:
            raise OutcomeUnknown(Channel.ALIPAY, f"http_{answer.status_code}")
        return answer.content


def read_answer(body: bytes, keys: Sequence[RSAPublicKey], method: str) -> dict[str, Any]:
    """The verified inner object of a synchronous answer. Raises OutcomeUnknown.

    What is signed is the object's text exactly as it came, so it is cut out of the body by the JSON grammar: neither
    braces nor `\\/` inside a text matter. Faults before Alipay knows the app come unsigned and prove nothing.
    """
    try:
        text = body[:LONGEST_ANSWER].decode()
        first = _FIRST_MEMBER.match(text)
        if first is None or first[1] not in {f"{method.replace('.', '_')}_response", "error_response"}:
            raise ValueError("shape")
        inner, end = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode(text, first.end())
        signature = json.loads(text).get("sign")
    except (ValueError, RecursionError):
        raise OutcomeUnknown(Channel.ALIPAY, "malformed") from None
    if not isinstance(signature, str) or not signature:
        raise OutcomeUnknown(Channel.ALIPAY, f"unsigned {inner.get('sub_code', '')}".strip())
    if not rsa_keys.verifies(keys, text[first.end() : end].encode(), signature):
        raise OutcomeUnknown(Channel.ALIPAY, "bad_signature")
    found: dict[str, Any] = inner
    return found


def _refusal(code: str, sub_code: str, message: str) -> GatewayError:
    if code == "20000" or sub_code in {"SYSTEM_ERROR", "isp.unknow-error", "UNKNOWN_ERROR"}:
        return OutcomeUnknown(Channel.ALIPAY, sub_code or code, message)
    if code == "40005":
        return Busy(Channel.ALIPAY, sub_code or code, message)
    return Refused(Channel.ALIPAY, sub_code or code, message)


class _Builder(DefaultAlipayClient):  # type: ignore[misc]
    """The official client, with OpenSSL's signature and Beijing's clock instead of the machine's.

    Its own signature is computed in Python: 50 ms during which no other thread of the process runs.
    """

    def __init__(self, account: Account) -> None:
        config = AlipayClientConfig()
        config.server_url = account.gateway
        config.app_id = account.app_id
        config.sign_type = "RSA2"
        config.skip_sign = True
        super().__init__(config)
        self._private_key = rsa_keys.private_key(account.private_key)

    def message(self, request: Any) -> tuple[str, dict[str, str]]:
        """The signed query string and the form of one call."""
        query, form = self._DefaultAlipayClient__prepare_request(request)
        return query, form

    def _DefaultAlipayClient__get_common_params(self, params: dict[str, str]) -> dict[str, str]:
        params["timestamp"] = beijing(clock.now())
        common: dict[str, str] = super()._DefaultAlipayClient__get_common_params(params)
        return common

    def _DefaultAlipayClient__prepare_request_params(self, request: Any) -> tuple[dict[str, str], dict[str, str]]:
        common, params = super()._DefaultAlipayClient__prepare_request_params(request)
        text = get_sign_content({**params, **common})
        return {**common, "sign": rsa_keys.sign(self._private_key, text.encode())}, params


@lru_cache(maxsize=8)
def _builder(account: Account) -> _Builder:
    return _Builder(account)


@lru_cache(maxsize=8)
def _session(gateway: str) -> requests.Session:
    return http.provider_session(gateway)
