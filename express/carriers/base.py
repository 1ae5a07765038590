"""The port between our shipments and a courier.

An adapter speaks one carrier's protocol and knows no database and no web framework. Money is integer fen, weight is
integer grams, time is aware UTC. Each call stands outside a transaction. An answer that could not be read is no answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

NEUTRAL_CONTENTS = "证照/材料"
"""All that a label says of what is inside: never the case, its reason or a document's number."""


class Contents(StrEnum):
    """What is mailed, as couriers ask."""

    DOCUMENT = "document"
    GOODS = "goods"


class Charge(StrEnum):
    """Whom the carrier charges: the monthly account of ours, or the receiver at the door 到付."""

    ACCOUNT = "account"
    RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class Region:
    """A place to county level, with full official names; `city` repeats the municipality, as couriers expect."""

    province: str
    city: str
    county: str


@dataclass(frozen=True, slots=True)
class Party:
    """A sender or a receiver. `phone` is a mobile number or a landline with area code; `line` is street and door."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    region: Region
    line: str = field(repr=False)
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class Pickup:
    """When the courier is asked to come, and what the courier is told."""

    begins_at: datetime
    ends_at: datetime
    notes: str = ""


@dataclass(frozen=True, slots=True)
class ShipmentOrder:
    """What a carrier is asked to take along. `number` is ours, 6 to 32 of `A-Za-z0-9-`, the same on every retry.

    `in_person` asks the courier in words to hand it to the receiver alone: what happened then is in the sign code.
    `safety_code` is what the receiver must say.
    """

    number: str
    ordered_at: datetime
    sender: Party
    receiver: Party
    weight_g: int
    contents: Contents = Contents.DOCUMENT
    charge: Charge = Charge.ACCOUNT
    pickup: Pickup | None = None
    in_person: bool = False
    safety_code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement of the carrier: the order under our `number` has this waybill. `cancelled`: and was called off."""

    number: str
    waybill: str
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a courier serves a place. `why` is the carrier's own Chinese words when not."""

    served: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """One thing that happened, the same on every repeat of `(waybill, trace_no)`, by pull and by push.

    `op_code` is the carrier's; `detail_code` is the sign code of a delivery or the reason code of a failed attempt, ""
    when none is given. `text` may hold a courier's phone number: stored encrypted or not at all.
    """

    waybill: str
    trace_no: str
    op_time: datetime
    op_code: str
    op_name: str = ""
    detail_code: str = ""
    province: str = ""
    city: str = ""
    office: str = ""
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Postage:
    """What the carrier charges for one shipment. `list_fen` is the public price, when the carrier tells it."""

    fen: int
    weight_g: int
    list_fen: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """What was read out of pasted text; a part that was not found is ""."""

    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    province: str = ""
    city: str = ""
    county: str = ""
    line: str = field(default="", repr=False)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the parts that the person still has to give, in the order of the form."""
        parts = ("name", "phone", "province", "city", "county", "line")
        return tuple(part for part in parts if not getattr(self, part))


@dataclass(frozen=True, slots=True)
class BillLine:
    """One row of the carrier's monthly bill: a shipment and what is charged for it."""

    waybill: str
    number: str
    posted_at: datetime
    weight_g: int
    fen: int


class CarrierError(Exception):
    """A carrier's refusal, or no usable answer. `code` is the carrier's or ours, `message` its own Chinese words."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, message


class OutcomeUnknown(CarrierError):
    """Time-out, server fault or an unreadable answer: the call may have worked. Ask with `find`, never guess (R4)."""


class Busy(CarrierError):
    """The carrier asks to slow down, or was never reached: nothing happened, the same call may be repeated."""


class CallFailed(CarrierError):
    """The carrier's platform did not take the call (second layer): repeat at most three times, then a staff task."""


class Refused(CarrierError):
    """The carrier took the call and says no (third layer): repeating is useless. `message` is shown to staff."""


class OutOfRange(Refused):
    """No courier serves the address: the applicant corrects it."""


class AddressRefused(Refused):
    """The carrier does not accept a name, a phone or an address: the applicant corrects it."""


class TooLate(Refused):
    """The shipment is collected or finished: it cannot be called off or changed any more."""


class LabelNotReady(Refused):
    """The carrier is still making the label; ask again later."""


class PostageNotReady(Refused):
    """The shipment has not been weighed yet; ask again later."""


class PushRefused(Exception):
    """A push that must have no effect: not encrypted with the shared key, not for us, or unreadable.

    `receipt` tells the carrier so in its own form.
    """

    def __init__(self, why: str, receipt: Mapping[str, str]) -> None:
        super().__init__(why)
        self.why, self.receipt = why, receipt


class BillDamaged(Exception):
    """A monthly bill that cannot be trusted: `row` counts from 1 with the header, 0 for the file as a whole."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(f"row {row}: {why}")
        self.row, self.why = row, why


@dataclass(frozen=True, slots=True)
class Push:
    """The events of one push. `receipt` tells the carrier that they are stored, `failure` that it must push again."""

    events: Sequence[TrackEvent]
    serial: str
    receipt: Mapping[str, str]
    failure: Mapping[str, str]


class Tracker(Protocol):
    """The half of a carrier that only tells where a shipment is."""

    def track(self, waybill: str) -> Sequence[TrackEvent]:
        """Everything the carrier knows, in any order; nothing for an unknown waybill. Raises CarrierError."""
        ...


class Carrier(Tracker, Protocol):
    """One customer account at one carrier. Instances hold configuration only and are safe in threads."""

    code: str
    """The carrier's short name, stored with every shipment."""

    def place(self, order: ShipmentOrder) -> Placed:
        """Order a courier, or repeat an identical order and get the same waybill.

        Raises OutOfRange, AddressRefused, Refused, CallFailed, Busy, OutcomeUnknown; after the last one `find` tells.
        """
        ...

    def find(self, order: ShipmentOrder) -> Placed | None:
        """What became of an order whose outcome is unknown, None when the carrier has none under its number.

        Never makes a second shipment. Raises CallFailed, Busy, OutcomeUnknown.
        """
        ...

    def cancel(self, number: str, waybill: str, reason: str) -> None:
        """Call the courier off; harmless when repeated. Raises TooLate, Refused, CallFailed, Busy, OutcomeUnknown."""
        ...

    def reach(self, place: Party) -> Reach:
        """Whether a courier collects from and delivers to a place. Raises CallFailed, Busy, OutcomeUnknown."""
        ...

    def label(self, waybill: str) -> bytes:
        """The label as PDF. Raises LabelNotReady, Refused, CallFailed, Busy, OutcomeUnknown."""
        ...

    def read_push(self, headers: Mapping[str, str], body: bytes) -> Push:
        """Open a tracking push from its raw bytes. Raises PushRefused."""
        ...

    def estimate(self, sender: Party, receiver: Party, weight_g: int) -> Postage:
        """The postage to expect. Raises OutOfRange, Refused, CallFailed, Busy, OutcomeUnknown."""
        ...

    def postage(self, number: str, waybill: str) -> Postage:
        """The postage charged. Raises PostageNotReady, Refused, CallFailed, Busy, OutcomeUnknown."""
        ...

    def parse_address(self, text: str) -> ParsedAddress:
        """The carrier's own reading of pasted text. Raises Refused, CallFailed, Busy, OutcomeUnknown."""
        ...

    def bill(self, file: bytes) -> Iterator[BillLine]:
        """Read the monthly bill file that the carrier hands over. Raises BillDamaged with the number of the row."""
        ...
