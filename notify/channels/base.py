"""The port of every channel. Channels know no database and no web framework, and never retry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

Result = Literal["sent", "again", "refused", "unknown"]

AddressLimits = Sequence[tuple[int, float]]
"""At most so many messages in so many seconds."""

NO_TEMPLATE = "no_template"
"""Code of a notice whose form has no id in the settings."""


@dataclass(frozen=True)
class Message:
    """A notice on its way to one address. `id` is the same for every attempt, so a provider can drop repeats.

    `form` names the provider's form in our settings, `values` are its keys' values, `link` is a path of the citizen
    app, or empty.
    """

    id: UUID
    form: str
    address: str
    values: dict[str, str]
    link: str


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt.

    sent: the provider took it. again: it certainly did not, and may later. refused: it never will.
    unknown: no answer came. `exhausted` says that the provider takes nothing more from us for a while,
    `unreachable` that it cannot be reached at all: neither is about this one message.
    `recipient_closed` says that this person takes nothing there, `wait_s` that they take no more for so many seconds.
    """

    result: Result
    provider_id: str | None = None
    code: str | None = None
    exhausted: bool = False
    unreachable: bool = False
    recipient_closed: bool = False
    wait_s: int = 0


class Channel(Protocol):
    """A way to reach a person outside the app."""

    name: str
    repeat_window_s: float
    """How long the provider drops a repeat of the same message id."""
    template_ids: Mapping[str, str]
    """Form → the provider's id of it."""
    daily_limit: int | None
    """How many messages the provider takes a day, None when that is out of reach."""
    address_limits: AddressLimits
    """What one address is spared from; empty where the provider or the person decides."""

    def send(self, message: Message) -> Outcome: ...
