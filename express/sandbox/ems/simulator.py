"""One customer's account at the simulated EMS: all of its parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from .bills import Bills
from .faults import Faults
from .parcels import PostOffice
from .pushes import Post, Pushes
from .wire import Customer


class Simulator:
    """The account. `post` carries pushes to the application; without it they are only kept."""

    def __init__(self, customer: Customer, clock: Callable[[], float] = time.time, post: Post | None = None) -> None:
        self.customer = customer
        self.now = clock
        self.office = PostOffice(customer.sender_no, clock)
        self.pushes = Pushes(customer, clock, post)
        self.office.listeners.append(self.pushes.happened)
        self.bills = Bills(self.office)
        self.faults = Faults()
        self.late_labels = 0
        """So many calls for a label are still answered "being made"."""

    def reset(self) -> None:
        """An empty account on a good day."""
        self.office.clear()
        self.office.repeats_refused = False
        self.pushes.kept.clear()
        self.pushes.mode = "normal"
        self.bills.differences.clear()
        self.faults.plant([])
        self.faults.calls.clear()
        self.late_labels = 0


def from_settings(
    settings: Mapping[str, object], clock: Callable[[], float], post: Post | None = None
) -> Simulator | None:
    """The account of these settings, None when mailing is switched off."""
    found = {name: str(settings.get(name.upper()) or settings.get(name) or "") for name in _NAMES}
    if not found["ems_sender_no"]:
        return None
    return Simulator(Customer(found["ems_sender_no"], found["ems_authorization"], found["ems_sign_key"]), clock, post)


_NAMES = ("ems_sender_no", "ems_authorization", "ems_sign_key")
