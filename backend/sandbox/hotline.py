"""The hotline 12345: takes tickets once for each request number, and shows them to whoever has the query code."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .refusals import OfficeRefusal
from .world import World

CATEGORIES = {"consult": "咨询", "complain": "投诉", "suggest": "建议", "help": "求助", "petition": "信访"}
EXCLUDED = ("诉讼", "仲裁", "复议")
"""Words of matters that the hotline does not take, such as those in court."""
STATUSES = ("accepted", "assigned", "answered", "closed")


@dataclass(slots=True)
class Ticket:
    """One ticket 工单."""

    serial: str
    query_code: str
    request_no: str
    category: str
    stage: str
    case_ref: str
    text: str
    status: str = "accepted"
    reply: str = ""


class HotlineBooks:
    """The tickets, newest last."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.tickets: dict[str, Ticket] = {}

    def create(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """A ticket; asked again with the same number, the same one."""
        if order["category"] not in CATEGORIES:
            raise OfficeRefusal("CATEGORY_UNKNOWN")
        if any(word in order["text"] for word in EXCLUDED):
            raise OfficeRefusal("NOT_TAKEN")
        with self._world.lock:
            known = next((one for one in self.tickets.values() if one.request_no == order["request_no"]), None)
            if known is None:
                serial = f"XM12345{int(self._world.now())}{len(self.tickets):04d}"
                known = Ticket(
                    serial,
                    f"{secrets.randbelow(10**6):06d}",
                    *(str(order[name]) for name in ("request_no", "category", "stage", "case_ref", "text")),
                )
                self.tickets[serial] = known
        return {"serial": known.serial, "query_code": known.query_code}

    def query(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """How a ticket stands; a wrong code looks like an unknown number."""
        known = self.tickets.get(str(order["serial"]))
        if known is None or not hmac.compare_digest(known.query_code, str(order["query_code"])):
            raise OfficeRefusal("NOT_FOUND", 404)
        return {"serial": known.serial, "status": known.status, "reply": known.reply}

    def answer(self, serial: str, status: str, reply: str) -> None:
        """The hotline moves a ticket on."""
        if status not in STATUSES:
            raise ValueError(status)
        ticket = self.tickets[serial]
        ticket.status, ticket.reply = status, reply

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(ticket) for ticket in self.tickets.values()]

    def reset(self) -> None:
        self.tickets.clear()
