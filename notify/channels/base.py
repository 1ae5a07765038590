"""The port of every channel. Channels know no database and no web framework, and never retry."""

from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

Result = Literal["sent", "again", "refused", "unknown"]


@dataclass(frozen=True)
class Message:
    """A notice on its way to one address. `id` is the same for every attempt, so a provider can drop repeats."""

    id: UUID
    template: str
    address: str
    values: dict[str, str]
    url: str


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt.

    sent: the provider took it. again: it certainly did not, and may later. refused: it never will.
    unknown: no answer came. `exhausted` says that the provider takes nothing more from us for a while,
    `unreachable` that it cannot be reached at all: neither is about this one message.
    """

    result: Result
    provider_id: str | None = None
    code: str | None = None
    exhausted: bool = False
    unreachable: bool = False


class Channel(Protocol):
    """A way to reach a person outside the app."""

    name: str
    repeat_window_s: float
    """How long the provider drops a repeat of the same message id."""

    def send(self, message: Message) -> Outcome: ...
