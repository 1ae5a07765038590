"""Access tokens and JS-SDK tickets as WeChat issues them: a classic and a stable token for every account."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

LIFETIME_S = 7200.0
OVERLAP_S = 300.0
FORCED_PER_DAY = 20
FORCED_GAP_S = 30.0
CLASSIC_PER_DAY = 2000
DAY_S = 86400.0

Verdict = Literal["valid", "expired", "invalid"]


@dataclass(slots=True)
class _Issued:
    appid: str
    expires_at: float
    revoked_at: float = float("inf")


@dataclass(slots=True)
class _Account:
    """What one appid holds at the moment."""

    stable: str = ""
    classic: str = ""
    ticket: str = ""
    ticket_expires_at: float = 0.0
    forced_at: list[float] = field(default_factory=list)
    classic_at: list[float] = field(default_factory=list)


class TokenAuthority:
    """Issues tokens and judges them. Amounts of time are seconds on the sandbox's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._issued: dict[str, _Issued] = {}
        self._accounts: dict[str, _Account] = {}
        self.stable_issued = 0
        self.classic_issued = 0

    def stable(self, appid: str, *, force: bool) -> tuple[str, int]:
        """The stable token and the seconds it has left.

        The same one is returned until its last five minutes; the one before stays good for that overlap.
        A forced refresh revokes the old token at once, but not within 30 s of the last one nor 20 times a day.
        """
        with self._lock:
            now = self._now()
            account = self._accounts.setdefault(appid, _Account())
            if force and self._may_force(account, now):
                account.forced_at.append(now)
                self._revoke(account.stable, now)
                account.stable = ""
            left = self._left(account.stable, now)
            if left <= OVERLAP_S:
                account.stable = self._issue(appid, now)
                self.stable_issued += 1
                left = LIFETIME_S
            return account.stable, int(left)

    def classic(self, appid: str) -> tuple[str, int] | None:
        """A new classic token each time; the one before dies five minutes later. None: the day's quota is gone."""
        with self._lock:
            now = self._now()
            account = self._accounts.setdefault(appid, _Account())
            account.classic_at = [at for at in account.classic_at if at > now - DAY_S]
            if len(account.classic_at) >= CLASSIC_PER_DAY:
                return None
            account.classic_at.append(now)
            self._revoke(account.classic, now + OVERLAP_S)
            account.classic = self._issue(appid, now)
            self.classic_issued += 1
            return account.classic, int(LIFETIME_S)

    def ticket(self, appid: str) -> tuple[str, int]:
        """The account's JS-SDK ticket and the seconds it has left."""
        with self._lock:
            now = self._now()
            account = self._accounts.setdefault(appid, _Account())
            if account.ticket_expires_at <= now:
                account.ticket = secrets.token_urlsafe(64)
                account.ticket_expires_at = now + LIFETIME_S
            return account.ticket, int(account.ticket_expires_at - now)

    def judge(self, token: str) -> tuple[Verdict, str]:
        """Whether ``token`` may be used, and the appid it belongs to."""
        with self._lock:
            issued = self._issued.get(token)
            now = self._now()
            if issued is None or issued.revoked_at <= now:
                return "invalid", ""
            if issued.expires_at <= now:
                return "expired", issued.appid
            return "valid", issued.appid

    def supersede_all(self) -> int:
        """Make every token stale at once, as another system refreshing would."""
        with self._lock:
            now = self._now()
            for issued in self._issued.values():
                issued.revoked_at = min(issued.revoked_at, now)
            return len(self._issued)

    def expire_all(self) -> int:
        """Let every token reach the end of its life now."""
        with self._lock:
            now = self._now()
            for issued in self._issued.values():
                issued.expires_at = min(issued.expires_at, now)
            return len(self._issued)

    def _issue(self, appid: str, now: float) -> str:
        token = secrets.token_urlsafe(96)
        self._issued = {key: one for key, one in self._issued.items() if one.expires_at > now - DAY_S}
        self._issued[token] = _Issued(appid, now + LIFETIME_S)
        return token

    def _left(self, token: str, now: float) -> float:
        issued = self._issued.get(token)
        if issued is None or issued.revoked_at <= now:
            return 0.0
        return issued.expires_at - now

    def _revoke(self, token: str, at: float) -> None:
        if token in self._issued:
            self._issued[token].revoked_at = min(self._issued[token].revoked_at, at)

    @staticmethod
    def _may_force(account: _Account, now: float) -> bool:
        account.forced_at = [at for at in account.forced_at if at > now - DAY_S]
        too_many = len(account.forced_at) >= FORCED_PER_DAY
        too_soon = bool(account.forced_at) and now - account.forced_at[-1] < FORCED_GAP_S
        return not (too_many or too_soon)
