"""The couriers that are set up, and calls to them, counted."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

from backend.core import metrics
from backend.core.config import Settings
from express.carriers import ems, fallback
from express.carriers.base import Busy, Carrier, CarrierError, Refused, Tracker
from express.errors import CarrierMissing

T = TypeVar("T")


class Couriers:
    """Carriers by code; the first is the one that new shipments go with. `fallback` tells where one is if its own
    carrier does not."""

    def __init__(self, carriers: Mapping[str, Carrier], fallback: Tracker | None = None) -> None:
        self._carriers = dict(carriers)
        self.fallback = fallback

    @property
    def default(self) -> str:
        """The code of the carrier for new shipments. Raises CarrierMissing."""
        if not self._carriers:
            raise CarrierMissing()
        return next(iter(self._carriers))

    def carrier(self, code: str) -> Carrier:
        """One of them. Raises CarrierMissing."""
        if code not in self._carriers:
            raise CarrierMissing()
        return self._carriers[code]

    def call(self, code: str, name: str, action: Callable[[Carrier], T]) -> T:
        """One call outside any transaction. Raises CarrierError; Busy where the carrier is not set up any more."""
        carrier = self._carriers.get(code)
        if carrier is None:
            raise Busy("not_set_up")
        try:
            answer = action(carrier)
        except CarrierError as error:
            refused = "refused" if isinstance(error, Refused) else "failed"
            metrics.CARRIER_CALLS.labels(name, refused).inc()
            raise
        metrics.CARRIER_CALLS.labels(name, "done").inc()
        return answer


@lru_cache(maxsize=2)
def couriers_of(settings: Settings) -> Couriers:
    """The couriers of these settings."""
    carrier = ems.from_settings(settings)
    carriers: dict[str, Carrier] = {carrier.code: carrier} if carrier is not None else {}
    return Couriers(carriers, fallback.from_settings(settings))
