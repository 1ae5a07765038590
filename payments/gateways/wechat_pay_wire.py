"""Signatures of WeChat Pay API v3: the account's keys, what the provider signed, and calls that carry our signature.

wechatpayv3 knows the endpoints and signs. Its transport is replaced (reference/wechatpay.md §11): ours has a time
limit, refuses to run inside a transaction, verifies the raw bytes, takes configured serials only and so never fetches
certificates because a stranger asked for it.
"""

import json
import re
import secrets
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType

from backend.core import clock, context
from backend.core.http import never_connected, provider_session, refuse_inside_transaction
from payments.gateways.base import Busy, Channel, OutcomeUnknown

ALGORITHM = "WECHATPAY2-SHA256-RSA2048"
WINDOW = timedelta(seconds=300)
"""How far a signed timestamp may be from now, in both directions, as in the official libraries. Never wider (P17)."""
PUBLIC_KEY_ID = "PUB_KEY_ID_"
PROBE = "WECHATPAY/SIGNTEST/"
NOT_SENT = "NOT_SENT"
TIMEOUT = "TIMEOUT"

_SHAPES = {
    "timestamp": re.compile(r"[0-9]{1,11}"),
    "nonce": re.compile(r"[!-~]{1,64}"),
    "serial": re.compile(r"[0-9A-Za-z_]{1,64}"),
    "signature": re.compile(r"[0-9A-Za-z+/]{300,700}={0,2}"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """One merchant: `keys` are the provider's, by serial or public-key id, the first one is asked for."""

    base: str
    merchant_id: str
    serial: str
    private_key: str
    api_key: str
    keys: Mapping[str, RSAPublicKey]
    notice_url: str

    def __repr__(self) -> str:
        return f"Account({self.merchant_id!r})"


class Unverified(Exception):
    """Not signed by the provider, or not now. `probe` marks its own signature test."""

    def __init__(self, why: str, *, probe: bool = False) -> None:
        super().__init__(why)
        self.why, self.probe = why, probe


def verify(keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the provider's signature over raw bytes, cheapest check first (P21). Raises Unverified."""
    given = {name.lower(): value for name, value in headers.items()}
    if given.get("wechatpay-signature", "").startswith(PROBE):
        raise Unverified("probe", probe=True)
    fields = {name: given.get(f"wechatpay-{name}", "") for name in _SHAPES}
    if not all(pattern.fullmatch(fields[name]) for name, pattern in _SHAPES.items()):
        raise Unverified("shape")
    if given.get("wechatpay-signature-type", ALGORITHM) != ALGORITHM:
        raise Unverified("algorithm")
    if abs(datetime.fromtimestamp(int(fields["timestamp"]), UTC) - now) > WINDOW:
        raise Unverified("age")
    key = keys.get(fields["serial"].upper())
    if key is None:
        raise Unverified("serial")
    text = f"{fields['timestamp']}\n{fields['nonce']}\n".encode() + body + b"\n"
    try:
        key.verify(b64decode(fields["signature"], validate=True), text, PKCS1v15(), SHA256())
    except (InvalidSignature, NotBase64):
        raise Unverified("signature") from None


class SignedCalls(Core):  # type: ignore[misc]
    """The library's core with our transport. Raises Busy when the call was not made, OutcomeUnknown without an answer.

    Its methods answer `(status, text)`, or `(status, bytes)` for a bill file. A 2xx answer has been verified.
    """

    def __init__(self, account: Account) -> None:
        super().__init__(account.merchant_id, account.serial, account.private_key, account.api_key)
        self._gate_way = account.base
        self._session = provider_session(account.base)
        self._keys = account.keys
        wanted = next(iter(account.keys))
        self._public_key_id = wanted if wanted.startswith(PUBLIC_KEY_ID) else None

    def _init_certificates(self) -> None:
        """No download: the keys are configured."""

    def request(
        self,
        path: str,
        method: RequestType = RequestType.GET,
        data: dict[str, Any] | None = None,
        skip_verify: bool = False,
    ) -> tuple[int, str | bytes]:
        refuse_inside_transaction()
        body = json.dumps(data, ensure_ascii=False).encode() if data else b""
        at = clock.now()
        response = self._send(method.value, path, body, at)
        theirs = _date(response)
        if response.status_code == 401 and theirs and abs(theirs - at) > WINDOW:
            # Our clock is wrong and nothing was done: polling goes on with the provider's time (P17).
            at = theirs
            response = self._send(method.value, path, body, at)
        given = 200 <= response.status_code < 300
        if given and skip_verify:
            return response.status_code, response.content
        if given:
            try:
                verify(self._keys, response.headers, response.content, at)
            except Unverified as refused:
                raise OutcomeUnknown(Channel.WECHAT_PAY, f"UNVERIFIED_{refused.why}".upper()) from None
        return response.status_code, response.content.decode(errors="replace")

    def authorization(self, method: str, path: str, body: str, at: datetime, nonce: str) -> str:
        """The `Authorization` header of a request: five lines under the merchant's key."""
        timestamp = str(int(at.timestamp()))
        signature = self.sign([method, path, timestamp, nonce, body])
        parts = {
            "mchid": self._mchid,
            "nonce_str": nonce,
            "signature": signature,
            "timestamp": timestamp,
            "serial_no": self._cert_serial_no,
        }
        return f"{ALGORITHM} " + ",".join(f'{name}="{value}"' for name, value in parts.items())

    def _send(self, method: str, path: str, body: bytes, at: datetime) -> requests.Response:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": self.authorization(method, path, body.decode(), at, secrets.token_hex(16)),
            "X-Request-Id": context.request_id.get(),
        }
        if self._public_key_id:
            headers["Wechatpay-Serial"] = self._public_key_id
        try:
            return self._session.request(
                method, self._gate_way + path, data=body or None, headers=headers, allow_redirects=False
            )
        except requests.RequestException as trouble:
            if never_connected(trouble):
                raise Busy(Channel.WECHAT_PAY, NOT_SENT) from None
            raise OutcomeUnknown(Channel.WECHAT_PAY, TIMEOUT) from None


def _date(response: requests.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).replace(tzinfo=UTC)
    except ValueError:
        return None
