"""The province's platform: takes the city's rows by serial, each subject's in order, each serial once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .refusals import OfficeRefusal
from .world import World

KINDS = (10, 20, 22, 24, 30, 31, 36)


class ProvinceBooks:
    """What has arrived, by subject. A row out of order is refused; one that came before is answered as then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.repeats = 0

    def push(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One row of a subject: position 1, 2, 3, …"""
        serial, subject, position = str(order["serial"]), str(order["subject"]), int(order["position"])
        if order["kind"] not in KINDS or not isinstance(order["payload"], dict):
            raise OfficeRefusal("KIND_UNKNOWN")
        with self._world.lock:
            known = self.rows.setdefault(subject, [])
            if position <= len(known):
                if known[position - 1]["serial"] != serial:
                    raise OfficeRefusal("POSITION_TAKEN", 409)
                self.repeats += 1
            elif position != len(known) + 1:
                raise OfficeRefusal("OUT_OF_ORDER", 409)
            elif position == 1 and order["kind"] != 10:
                raise OfficeRefusal("CASE_FIRST", 409)
            else:
                known.append(dict(order))
        return {"serial": serial, "receipt": f"P{serial}"}

    def shown(self) -> dict[str, Any]:
        return {"rows": self.rows, "repeats": self.repeats}

    def reset(self) -> None:
        self.rows.clear()
        self.repeats = 0
