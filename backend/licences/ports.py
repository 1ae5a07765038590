"""What the licence library and e证明 can be asked, whatever their wire looks like."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """One question, asked for one purpose of one case with the holder's consent."""

    request_no: str
    code: str
    holder_name: str
    holder_number: str
    item_code: str
    case_ref: str
    purpose: str


@dataclass(frozen=True)
class Found:
    """A licence or proof: what identifies it, whose it is, and what may be shown of it.

    `identifier` is the licence's identifier, or the proof's number. `level` is A to D for a licence
    (国办函〔2016〕108号).
    """

    identifier: str
    holder_name: str
    holder_number: str
    issuer: str
    valid_until: date | None
    content_sha256: bytes
    lines: tuple[tuple[str, str], ...]
    level: str | None = None


class HolderMismatch(Exception):
    """The office knows this number under another name."""


class Office(Protocol):
    """The licence library 电子证照库, or e证明."""

    def fetch(self, request: Request) -> Found | None:
        """What was asked for; None when there is none.

        Raises HolderMismatch, ProviderUnavailable, ProviderRejected, ProviderProtocolError.
        """
        ...
