"""One merchant's account at the simulated WeChat Pay: all of its parts, and who its payers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol

from cryptography import x509

from .accounts import Accounts, stamp
from .bills import Bills
from .faults import Faults
from .notices import Notices, Post
from .seals import Merchant, Refusal, Seals

CASHIER = "/cgi-bin/mmpayweb-bin/checkmweb"


class Payer(Protocol):
    """A demo person who owns a phone."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def colour(self) -> str: ...

    def openid(self, appid: str) -> str: ...


@dataclass(frozen=True)
class World:
    """What is around the account: its app ids, the people, the clock."""

    appids: tuple[str, ...]
    payers: Sequence[Payer]
    clock: Callable[[], float]
    shop: str = "微政务"


class Simulator:
    """The account. `post` carries notices to the application; without it they are only kept."""

    def __init__(self, merchant: Merchant, world: World, post: Post | None = None) -> None:
        self.world = world
        self.offset_s = 0.0
        self.merchant = merchant
        self.seals = Seals(merchant)
        self.accounts = Accounts(merchant.mchid, self.now)
        self.notices = Notices(self.accounts, self.seals, post)
        self.bills = Bills(self.accounts)
        self.faults = Faults()

    def now(self) -> float:
        """Unix seconds on this account's clock, which the operator can move."""
        return self.world.clock() + self.offset_s

    def short(self, token: str) -> str:
        """The code in a QR picture."""
        return sha256(token.encode()).hexdigest()[:9]

    def token_of(self, short: str) -> str:
        """The prepay id behind a QR code, empty when there is none or a newer code replaced it."""
        tokens = [token for order in self.accounts.orders.values() for token in order.tokens]
        return next((token for token in tokens if self.short(token) == short), "")

    def check_mchid(self, mchid: str | None) -> None:
        if mchid != self.merchant.mchid:
            raise Refusal(400, "MCH_NOT_EXISTS", "商户号不存在")

    def check_accounts(self, body: dict[str, Any]) -> None:
        """Refusal unless merchant, app id and payer belong together."""
        self.check_mchid(body["mchid"])
        if body["appid"] not in self.world.appids:
            raise Refusal(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")
        openid = body.get("payer", {}).get("openid")
        if openid and not any(payer.openid(body["appid"]) == openid for payer in self.world.payers):
            raise Refusal(400, "PARAM_ERROR", "无效的openid")

    def certificates(self) -> list[dict[str, Any]]:
        """The platform certificates, encrypted; a merchant with public keys only is refused."""
        if not self.merchant.certificates:
            raise Refusal(403, "NO_AUTH", "商户无可用的平台证书，请使用微信支付公钥")
        found = []
        for serial, pem in self.merchant.certificates.items():
            read = x509.load_pem_x509_certificate(pem.encode())
            found.append(
                {
                    "serial_no": serial,
                    "effective_time": _stamp(read.not_valid_before_utc),
                    "expire_time": _stamp(read.not_valid_after_utc),
                    "encrypt_certificate": self.seals.encrypt(pem.encode(), "certificate"),
                }
            )
        return found


def _stamp(at: datetime) -> str:
    return stamp(at.astimezone(UTC).timestamp())
