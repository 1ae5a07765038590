"""What has arrived on the citizens' phones."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["wechat_template", "wechat_subscribe", "wechat_reply", "sms"]
KEPT_PER_PHONE = 5000


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """One message on a phone. ``sent_at`` is in unix seconds; ``fields`` are the lines of a card."""

    id: int
    kind: Kind
    sender: str
    title: str
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    url: str = ""
    sent_at: float = 0.0
    template_id: str = ""
    client_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        body = asdict(self)
        body["fields"] = [{"label": label, "value": value} for label, value in self.fields]
        return body


class Mailbox:
    """Messages by phone; the phone is a demo person's key, or the number of a stranger."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._phones: dict[str, deque[PhoneMessage]] = {}
        self._numbers = itertools.count(1)

    def deliver(self, owner: str, *, kind: Kind, sender: str, title: str, **rest: Any) -> PhoneMessage:
        """Put a message on top of ``owner``'s phone."""
        with self._lock:
            message = PhoneMessage(
                id=next(self._numbers), kind=kind, sender=sender, title=title, sent_at=self._now(), **rest
            )
            self._phones.setdefault(owner, deque(maxlen=KEPT_PER_PHONE)).appendleft(message)
        return message

    def newest_first(self, owner: str, *, limit: int = 100) -> list[PhoneMessage]:
        with self._lock:
            return list(itertools.islice(self._phones.get(owner, ()), limit))

    def count(self, owner: str) -> int:
        with self._lock:
            return len(self._phones.get(owner, ()))

    def clear(self, owner: str | None = None) -> None:
        """Empty one phone, or all of them."""
        with self._lock:
            if owner is None:
                self._phones.clear()
            else:
                self._phones.pop(owner, None)
