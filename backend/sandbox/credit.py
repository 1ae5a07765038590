"""厦门市信用信息共享平台: who has a record, as the operator says; nobody has one at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .people import PEOPLE
from .refusals import OfficeRefusal
from .world import World

RECORDS: dict[str, dict[str, str]] = {
    "unpaid": {
        "kind": "欠缴款项",
        "issuer": "厦门市测试机关",
        "reason": "行政处罚决定生效后没有按期缴款",
        "since": "2026-03-02",
        "appeal": "向厦门市测试机关提出异议，或在信用平台申请信用修复",
    },
    "broken_promise": {
        "kind": "违背承诺",
        "issuer": "厦门市测试机关",
        "reason": "签了信用承诺书，核查时与承诺不符",
        "since": "2026-05-20",
        "appeal": "收到告知后 30 日内向厦门市测试机关申诉",
    },
}


class CreditBooks:
    """Records by id number or credit code."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.held: dict[str, list[str]] = {}
        self.asked: list[dict[str, Any]] = []

    def query(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """The records of one person or body; a question without a case and a purpose is refused."""
        if not order["case_ref"] or not order["purpose"] or len(str(order["item_code"])) != 31:
            raise OfficeRefusal("PURPOSE_MISSING")
        if order["kind"] not in ("person", "organisation") or not order["name"]:
            raise OfficeRefusal("SUBJECT_INVALID")
        with self._world.lock:
            self.asked.append({name: order[name] for name in ("kind", "item_code", "case_ref", "purpose")})
            held = self.held.get(str(order["number"]), [])
        return {"request_no": order["request_no"], "records": [RECORDS[one] for one in held]}

    def set(self, person: str, records: list[str]) -> None:
        """The operator gives a demo person, or a number, these records and no others."""
        number = next((one.id_number for one in PEOPLE if one.key == person), person)
        if unknown := set(records) - RECORDS.keys():
            raise ValueError(", ".join(unknown))
        with self._world.lock:
            self.held[number] = records

    def shown(self) -> dict[str, Any]:
        return {"held": self.held, "asked": self.asked}

    def reset(self) -> None:
        with self._world.lock:
            self.held.clear()
            self.asked.clear()
