"""The channels that are set up, which of them a collecting unit takes, and the breaker that spares a sick one."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from backend.core import clock
from backend.core.config import Settings
from backend.core.wechat import official_account
from backend.core.wechat_tokens import token_source
from notify.service import ContactChannel
from payments.debts import owed
from payments.errors import WayNotOffered
from payments.gateways import alipay, wechat_nontax, wechat_pay
from payments.gateways.base import Busy, Channel, Gateway, OutcomeUnknown, Scene

T = TypeVar("T")

WINDOW = 20
REST = timedelta(seconds=30)
"""P29: when half of the last twenty calls failed, a channel is left alone for thirty seconds."""
EVERY_UNIT = "*"
POSTAGE_UNIT = "express"
"""Whom postage is owed to: a courier, so its money never takes finance's channel (money rule M5)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's gateway and its app ids: `official`, `mini` or `web`.

    `order_life` is how long an order stays payable where nobody can close one.
    """

    gateway: Gateway
    app_ids: Mapping[str, str]
    order_life: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How a citizen chooses to pay: the channels that can do it, how, and in the name of which app."""

    channels: tuple[Channel, ...]
    scene: Scene
    app: str
    needs_openid: ContactChannel | None = None


WECHAT = (Channel.WECHAT_PAY, Channel.WECHAT_NONTAX)
WAYS: dict[str, Way] = {
    "wechat_jsapi": Way(WECHAT, Scene.JSAPI, "official", needs_openid="wechat_official"),
    "wechat_mini": Way(WECHAT, Scene.JSAPI, "mini", needs_openid="wechat_mini"),
    "wechat_h5": Way((Channel.WECHAT_PAY,), Scene.H5, "official"),
    "wechat_native": Way((Channel.WECHAT_PAY,), Scene.NATIVE, "official"),
    "alipay_wap": Way((Channel.ALIPAY,), Scene.WAP, "web"),
}
SCREEN_CODE = "wechat_native"
"""A code on a kiosk's or a window's screen, for anybody to scan."""
WINDOW_CODE = "window_code"
STAFF_WAYS = {WINDOW_CODE: Way((Channel.WECHAT_NONTAX,), Scene.MICROPAY, "official")}
"""Ways that only staff may choose: the payer's code scanned at a window."""


@dataclass
class Breaker:
    """The last calls of one channel in this process."""

    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    closed_until: datetime | None = None

    def ask(self, channel: str) -> None:
        """Raises Busy while the channel rests."""
        if self.closed_until is not None:
            if clock.now() < self.closed_until:
                raise Busy(Channel(channel), "breaker_open")
            self.closed_until = None
            self.outcomes.clear()

    def note(self, good: bool) -> None:
        """Count one call."""
        self.outcomes.append(good)
        if len(self.outcomes) == WINDOW and self.outcomes.count(False) * 2 >= WINDOW:
            self.closed_until = clock.now() + REST


class Gateways:
    """The accounts by channel. `routes` says which channels a collecting unit takes, `*` for every other unit."""

    def __init__(self, accounts: Mapping[str, Account], routes: Mapping[str, list[str]] | None = None) -> None:
        self._accounts = dict(accounts)
        self._routes = dict(routes or {})
        self._breakers = {channel: Breaker() for channel in accounts}

    def channels(self) -> list[str]:
        """Every channel that is set up."""
        return list(self._accounts)

    def channels_of(self, unit_code: str) -> list[str]:
        """What the unit takes, in the order of its setting."""
        chosen = self._routes.get(unit_code, self._routes.get(EVERY_UNIT, list(self._accounts)))
        barred = {Channel.WECHAT_NONTAX} if unit_code == POSTAGE_UNIT else set()
        return [channel for channel in chosen if channel in self._accounts and channel not in barred]

    def ways_of(self, unit_code: str) -> list[str]:
        """The names of WAYS that lead to this unit."""
        taken = self.channels_of(unit_code)
        return [
            name
            for name, way in WAYS.items()
            if any(channel in taken and self._accounts[channel].app_ids.get(way.app) for channel in way.channels)
        ]

    def chosen(self, unit_code: str, way_name: str) -> tuple[str, Account]:
        """The channel and account of one way. Raises WayNotOffered."""
        way = WAYS.get(way_name) or STAFF_WAYS.get(way_name)
        for channel in self.channels_of(unit_code):
            if way is not None and channel in way.channels and self._accounts[channel].app_ids.get(way.app):
                return channel, self._accounts[channel]
        raise WayNotOffered()

    def gateway(self, channel: str) -> Gateway | None:
        """The adapter of a channel, None when it is not set up (any more)."""
        account = self._accounts.get(channel)
        return account.gateway if account else None

    def order_life(self, channel: str) -> timedelta | None:
        """When an order of this channel ends by itself, None where it can be closed."""
        account = self._accounts.get(channel)
        return account.order_life if account else None

    def call(self, channel: str, action: Callable[[Gateway], T]) -> T:
        """One call outside any transaction. Raises GatewayError; Busy at once while the channel rests."""
        gateway = self.gateway(channel)
        if gateway is None:
            raise Busy(Channel(channel), "not_set_up")
        breaker = self._breakers[channel]
        breaker.ask(channel)
        try:
            answer = action(gateway)
        except (OutcomeUnknown, Busy):
            breaker.note(False)
            raise
        breaker.note(True)
        return answer


def _wechat_pay(settings: Settings) -> Account | None:
    gateway = wechat_pay.from_settings(settings)
    apps = {"official": settings.wechat_official_appid, "mini": settings.wechat_mini_appid}
    return Account(gateway, apps) if gateway is not None else None


def _alipay(settings: Settings) -> Account | None:
    gateway = alipay.from_settings(settings)
    return Account(gateway, {"web": gateway.app_id}) if gateway is not None else None


def _wechat_nontax(settings: Settings) -> Account | None:
    gateway = wechat_nontax.from_settings(settings, token_source(official_account(settings)), owed)
    apps = {"official": settings.wechat_official_appid}
    return Account(gateway, apps, wechat_nontax.ORDER_LIFE) if gateway is not None else None


FACTORIES: dict[Channel, Callable[[Settings], Account | None]] = {
    Channel.WECHAT_PAY: _wechat_pay,
    Channel.ALIPAY: _alipay,
    Channel.WECHAT_NONTAX: _wechat_nontax,
}
"""Each gives a channel's account, or None when its settings are empty; the first is preferred where two can do it."""


@lru_cache(maxsize=2)
def gateways_of(settings: Settings) -> Gateways:
    """The channels of these settings."""
    made = {str(channel): factory(settings) for channel, factory in FACTORIES.items()}
    accounts = {channel: account for channel, account in made.items() if account is not None}
    return Gateways(accounts, settings.payment_route_lists)
