"""SMS: a signed HTTP POST to the operator's gateway. The operator holds the texts; we send names and values."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from functools import lru_cache
from uuid import uuid4

import requests

from backend.core import http
from backend.core.config import Settings
from backend.core.errors import ProviderError, ProviderProtocolError, ProviderRejected, ProviderUnavailable
from notify.channels.base import AddressLimits, Message, Outcome

PROVIDER = "sms"
NOT_SENT = "not_sent"
TIMEOUT = "timeout"

ERRORS: dict[str, type[ProviderRejected] | type[ProviderUnavailable]] = {
    "SIGNATURE_INVALID": ProviderRejected,
    "TIMESTAMP_EXPIRED": ProviderRejected,
    "NONCE_REUSED": ProviderRejected,
    "BODY_INVALID": ProviderRejected,
    "PHONE_INVALID": ProviderRejected,
    "TEMPLATE_UNKNOWN": ProviderRejected,
    "PARAMS_MISSING": ProviderRejected,
    "BUSY": ProviderUnavailable,
    "BAD_GATEWAY": ProviderUnavailable,
}
"""The operator's code → our error. A code that is not here is a ProviderProtocolError."""


class SmsChannel:
    """Notices by SMS, for those whom WeChat does not reach. The gateway takes a message id once a day."""

    name = "sms"
    repeat_window_s = 24 * 3600.0
    template_ids: Mapping[str, str] = {}
    daily_limit: int | None = None
    address_limits: AddressLimits = ((1, 60.0), (5, 86_400.0))
    """One a minute and five a day for each number (reliability S25); login codes are counted on their own, so that
    strangers who ask for codes keep no notice away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: Message) -> Outcome:
        try:
            number = send_sms(self._settings, message.address, message.form, message.values, message_id=message.id.hex)
        except ProviderUnavailable as trouble:
            code = trouble.provider_code
            return Outcome("unknown" if code == TIMEOUT else "again", code=code, unreachable=code == NOT_SENT)
        except ProviderError as refusal:
            return Outcome("refused", code=refusal.provider_code)
        return Outcome("sent", provider_id=number)


def send_sms(
    settings: Settings, phone: str, template: str, params: Mapping[str, str], *, message_id: str | None = None
) -> str:
    """Send one registered text and give the operator's number for it.

    A repeated `message_id` is sent once. Raises ProviderUnavailable, ProviderRejected, ProviderProtocolError.
    """
    order = {"id": message_id or uuid4().hex, "phone": phone, "template": template, "params": dict(params)}
    body = json.dumps(order, ensure_ascii=False).encode()
    now = int(time.time()) + settings.clock_offset_s
    headers = sign(settings.sms_key, settings.sms_secret, body, timestamp=now, nonce=secrets.token_hex(16))
    answer = _post(f"{settings.sms_base.rstrip('/')}/v1/messages", settings.sms_base, body, headers)
    code = answer.get("code")
    if code == "OK" and isinstance(answer.get("message_id"), str):
        return str(answer["message_id"])
    raise ERRORS.get(str(code), ProviderProtocolError)(PROVIDER, str(code))


def sign(key: str, secret: str, body: bytes, *, timestamp: int, nonce: str) -> dict[str, str]:
    """Headers of a request: HMAC-SHA256 over timestamp, nonce and body, each on its own line."""
    text = f"{timestamp}\n{nonce}\n".encode() + body
    return {
        "Content-Type": "application/json",
        "X-Sms-Key": key,
        "X-Sms-Timestamp": str(timestamp),
        "X-Sms-Nonce": nonce,
        "X-Sms-Signature": hmac.new(secret.encode(), text, hashlib.sha256).hexdigest(),
    }


def _post(url: str, base: str, body: bytes, headers: dict[str, str]) -> dict[str, object]:
    http.refuse_inside_transaction()
    try:
        response = _session(base).post(url, data=body, headers=headers, allow_redirects=False)
        answer = response.json()
    except requests.exceptions.JSONDecodeError:
        raise ProviderProtocolError(PROVIDER, "body") from None
    except requests.ConnectTimeout:
        raise ProviderUnavailable(PROVIDER, NOT_SENT) from None
    except requests.ConnectionError as trouble:
        raise ProviderUnavailable(PROVIDER, NOT_SENT if http.never_connected(trouble) else TIMEOUT) from None
    except requests.RequestException:
        raise ProviderUnavailable(PROVIDER, TIMEOUT) from None
    if not isinstance(answer, dict):
        raise ProviderProtocolError(PROVIDER, "body")
    return answer


@lru_cache(maxsize=4)
def _session(base: str) -> requests.Session:
    return http.provider_session(base)
