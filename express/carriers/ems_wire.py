"""EMS on the wire: the SM4 envelope, Beijing's clock, and the two layers below a business answer (domain sheet §2.1).

ECB mode and one shared key are the carrier's choice. TLS is what protects a call; nothing of ours is sealed this way.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from backend.core import clock
from backend.core.clock import SHANGHAI
from express.carriers.base import CallFailed, OutcomeUnknown, Refused
from express.carriers.forms import FormDesk, text

SEALED = "|$4|"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_MS = 4_102_444_800_000
"""The year 2100: no event is later, and no number is too great for a time."""
OK = "00000"
MESSAGE_LENGTH = 200
_GOOD_CODES = frozenset({"", "0", OK, "S00"})
_BAD_FLAGS = frozenset({"f", "false", "n"})
_CODES = ("errorCode", "error_code")
_MESSAGES = ("errorMsg", "errorDesc", "codeMessage", "msg", "reason")
_LISTS = ("responseItems", "responseOrders")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class NotSealed(ValueError):
    """Not a text that was encrypted with the shared key."""


def seal(text: str, key: str) -> str:
    """`text` as the form field takes it; `key` is the signing key, Base64 of 16 bytes."""
    padder = PKCS7(algorithms.SM4.block_size).padder()
    padded = padder.update((text + key).encode()) + padder.finalize()
    encryptor = _cipher(key).encryptor()
    return SEALED + base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def unseal(sealed: str, key: str) -> str:
    """The text in a sealed field; the key behind it, which pushes may lack, is taken off. Raises NotSealed."""
    try:
        content = base64.b64decode(sealed.removeprefix(SEALED), validate=True)
        decryptor = _cipher(key).decryptor()
        unpadder = PKCS7(algorithms.SM4.block_size).unpadder()
        padded = decryptor.update(content) + decryptor.finalize()
        text = (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError):
        raise NotSealed("not sealed with this key") from None
    return text.removesuffix(key)


def _cipher(key: str) -> Cipher[modes.ECB]:
    return Cipher(algorithms.SM4(base64.b64decode(key)), modes.ECB())  # noqa: S305 - the carrier's protocol


def written(at: datetime) -> str:
    """An instant as EMS writes it."""
    return clock.civil(at).strftime("%Y-%m-%d %H:%M:%S")


def instant(value: object) -> datetime:
    """EMS's time, text or milliseconds, as aware UTC. Raises ValueError."""
    if isinstance(value, int):
        if not 0 <= value <= MOST_MS:
            raise ValueError("not a time of EMS")
        return EPOCH + timedelta(milliseconds=value)
    found = _TIME.match(str(value))
    if found is None or not found.group().isascii():
        raise ValueError("not a time of EMS")
    at = datetime.strptime(found.group(), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the zone is Beijing's, always
    return at.replace(tzinfo=SHANGHAI).astimezone(UTC)


def fen(value: object) -> int:
    """EMS's yuan, a number or a text, as fen. Raises ValueError for less than nothing and for parts of a fen."""
    try:
        amount = Decimal(str(value).strip()) * 100
    except InvalidOperation:
        raise ValueError("not an amount in yuan") from None
    if not amount.is_finite() or amount < 0 or amount != int(amount):
        raise ValueError("not an amount in yuan")
    return int(amount)


@dataclass(frozen=True, slots=True)
class Reply:
    """What stood in `retBody`, parsed when it is JSON, and the business's refusal, if it is one.

    A refusal hides in the envelope, in the body or in one of its items: all three are read.
    """

    content: Any
    refusal: Refused | None = None

    @property
    def items(self) -> list[dict[str, Any]]:
        """A list's items, those under `responseItems`, or the one object there is."""
        content = self.content
        if isinstance(content, Mapping):
            nested = next((content[name] for name in _LISTS if isinstance(content.get(name), list)), None)
            content = [content] if nested is None else nested
        return [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []

    def first(self, name: str) -> str:
        """The first text under this name in the items, "" when none has it."""
        return next((text(item, name) for item in self.items if text(item, name)), "")


class EmsWire:
    """One customer account at EMS's single address."""

    def __init__(self, base: str, sender_no: str, authorization: str, sign_key: str) -> None:
        self._desk = FormDesk(base)
        self.sender_no = sender_no
        self._authorization = authorization
        self.sign_key = sign_key

    def __repr__(self) -> str:
        return f"EmsWire({self.sender_no!r})"

    def call(self, api_code: str, body: object) -> Reply:
        """One call. What the business refuses is in the reply.

        Raises Busy when EMS was not reached, OutcomeUnknown without a readable answer, CallFailed when the platform
        did not take the call.
        """
        answer = self._ask(api_code, json.dumps(body, ensure_ascii=False, separators=(",", ":")))
        code = text(answer, "retCode")
        if not code:
            raise OutcomeUnknown("UNREADABLE")
        if code != OK:
            raise CallFailed(code, text(answer, "retMsg")[:MESSAGE_LENGTH])
        content = answer.get("retBody")
        reply = Reply(_parsed(content) if isinstance(content, str) else content)
        whole = reply.content if isinstance(reply.content, Mapping) else {}
        refusals = (_refusal(one, text(answer, "retMsg")) for one in (answer, whole, *reply.items))
        return replace(reply, refusal=next((one for one in refusals if one), None))

    def _ask(self, api_code: str, plain: str) -> dict[str, Any]:
        form = {
            "apiCode": api_code,
            "senderNo": self.sender_no,
            "authorization": self._authorization,
            "timeStamp": written(clock.now()),
            "msgType": "0",
            "version": "V1.0.0",
            "logitcsInterface": seal(plain, self.sign_key),
        }
        return self._desk.post(form)


def _parsed(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content


def _refusal(item: Mapping[str, Any], said: str) -> Refused | None:
    code = next((text(item, name) for name in _CODES if text(item, name)), "")
    if text(item, "success").lower() not in _BAD_FLAGS and code in _GOOD_CODES:
        return None
    message = next((text(item, name) for name in _MESSAGES if text(item, name)), said)
    return Refused(code or "REFUSED", message[:MESSAGE_LENGTH])
