"""What the simulators remember. Everything is in memory, behind one lock, and gone after a restart."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace

from .codes import OneTimeCodes
from .mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Addresses and credentials, under the names the application uses for the same things."""

    public_url: str
    wechat_mini_appid: str
    wechat_mini_secret: str
    wechat_official_appid: str
    wechat_official_secret: str
    ixiamen_client_id: str
    ixiamen_client_secret: str
    sms_key: str
    sms_secret: str
    wechat_official_token: str = ""
    wechat_official_aes_keys: str = ""
    wechat_mini_token: str = ""
    wechat_mini_aes_keys: str = ""
    finance_app: str = ""
    finance_keys: str = ""
    licence_app: str = ""
    licence_keys: str = ""
    eproof_app: str = ""
    eproof_keys: str = ""
    hotline_app: str = ""
    hotline_keys: str = ""
    province_app: str = ""
    province_keys: str = ""
    credit_app: str = ""
    credit_keys: str = ""

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> SandboxSettings:
        """Pick the known names, in either case, out of ``values``; KeyError names the first missing one."""
        lower = {name.lower(): value for name, value in values.items()}
        optional = {field.name for field in fields(cls) if field.default is not MISSING}
        return cls(
            **{
                field.name: str(lower.get(field.name, "") if field.name in optional else lower[field.name])
                for field in fields(cls)
            }
        )


@dataclass(frozen=True, slots=True)
class Faults:
    """How the operator makes the providers misbehave; the default is a good day.

    wechat, ixiamen, sms: ``normal`` answers; ``busy`` is WeChat's -1; ``outage`` is HTTP 502.
    licence, eproof, hotline, province, credit also: ``drop`` takes the effect and hangs up; ``forged`` signs by
    another key; ``slow`` answers after twelve seconds.
    wechat also knows ``quota``: every message is refused with 45009.
    slow_s: wait this long *after* the effect, so a caller that gives up has still caused it.
    receipts: ``normal`` pushes a delivery receipt ``receipt_delay_s`` after a message, ``blocked`` one that says the
    person blocks the account, ``off`` none.
    aes_key: which of the account's keys signs pushes, 0 the newest.
    fail_ratio: this share of requests answers busy, drawn from a generator seeded with ``seed``.
    """

    wechat: str = "normal"
    ixiamen: str = "normal"
    sms: str = "normal"
    licence: str = "normal"
    eproof: str = "normal"
    hotline: str = "normal"
    province: str = "normal"
    credit: str = "normal"
    receipts: str = "normal"
    receipt_delay_s: float = 1.0
    aes_key: int = 0
    slow_s: float = 0.0
    fail_ratio: float = 0.0
    seed: int = 1


OFFICES = ("licence", "eproof", "hotline", "province", "credit")

MODES: dict[str, frozenset[str]] = {
    "wechat": frozenset({"normal", "busy", "quota", "outage"}),
    "ixiamen": frozenset({"normal", "outage"}),
    "sms": frozenset({"normal", "busy", "outage"}),
    **{name: frozenset({"normal", "busy", "outage", "drop", "forged", "slow"}) for name in OFFICES},
    "receipts": frozenset({"normal", "blocked", "off"}),
}


class World:
    """State shared by all simulators: clock, faults, one-time codes, phones, who follows."""

    def __init__(self, settings: SandboxSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.clock_offset_s = 0.0
        self._clock = clock
        self.faults = Faults()
        self._dice = random.Random(self.faults.seed)  # noqa: S311 - chooses failures, not secrets
        self.calls: Counter[str] = Counter()
        self.codes = OneTimeCodes(self.now)
        self.mailbox = Mailbox(self.now)
        self.unfollowed: set[str] = set()
        self.blocked: set[str] = set()

    def now(self) -> float:
        """Unix seconds on the sandbox's own clock, which the operator can move forward."""
        return self._clock() + self.clock_offset_s

    def set_faults(self, changes: Mapping[str, object]) -> Faults:
        """Apply ``changes`` to the faults; ValueError says which value is not known."""
        known = {field.name: field.type for field in fields(Faults)}
        values: dict[str, object] = {}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown switch {name}")
            if name in MODES:
                if value not in MODES[name]:
                    raise ValueError(f"{name} is one of {', '.join(sorted(MODES[name]))}")
                values[name] = value
            else:
                values[name] = int(str(value)) if name in {"seed", "aes_key"} else float(str(value))
        with self.lock:
            self.faults = replace(self.faults, **values)  # type: ignore[arg-type]
            if "seed" in values or "fail_ratio" in values:
                self._dice = random.Random(self.faults.seed)  # noqa: S311 - as above
            return self.faults

    def unlucky(self) -> bool:
        """Whether this request is one of the share that fails."""
        with self.lock:
            return self.faults.fail_ratio > 0 and self._dice.random() < self.faults.fail_ratio

    def follows(self, person_key: str) -> bool:
        return person_key not in self.unfollowed

    def describe(self) -> dict[str, object]:
        """The faults, the clock and the number of calls by endpoint, for the operator."""
        with self.lock:
            return {
                "faults": asdict(self.faults),
                "clock_offset_s": self.clock_offset_s,
                "calls": dict(self.calls),
            }


def rid() -> str:
    """A trace suffix as WeChat puts at the end of every error text."""
    return f"{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
