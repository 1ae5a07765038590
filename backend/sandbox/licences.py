"""What the licence library and e证明 hold of the demo people, and how the operator changes it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from .people import PEOPLE, DemoPerson
from .refusals import OfficeRefusal
from .world import World

TEST_BODY = "113502990000000199"
LICENCES = {
    "11100000000013338W011": "居民身份证",
    f"{TEST_BODY}002": "营业执照",
    f"{TEST_BODY}003": "机动车驾驶证",
    f"{TEST_BODY}004": "机动车行驶证",
    f"{TEST_BODY}005": "不动产权证书",
    f"{TEST_BODY}006": "建设工程规划许可证",
    f"{TEST_BODY}007": "土地使用权证",
    f"{TEST_BODY}008": "离婚证",
}
PROOFS = {
    "household": "居民户口簿",
    "guardian": "监护关系证明",
    "tax": "完税证明",
    "contract": "购房合同",
    "record": "婚姻登记档案",
    "medical": "身体条件证明",
    "insurance": "交强险凭证",
    "report": "检验检测报告",
}
KINDS = LICENCES | PROOFS
HAVING = ("valid", "none", "expired", "other_name", "bad_check", "other_kind", "other_holder")
"""What the library answers for a person and a kind: a good licence, nothing, or one of the troubles."""
WITHOUT = {"divorce": f"{TEST_BODY}008"}
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
YEAR_S = 365 * 86400


class LicenceBooks:
    """The books of both offices; without a word of the operator everybody has everything but a divorce."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.changed: dict[tuple[str, str], str] = {}
        self.uses: list[dict[str, Any]] = []

    def having(self, person: str, code: str) -> str:
        """How it stands with this person's licence."""
        return self.changed.get((person, code), "none" if code in WITHOUT.values() else "valid")

    def set(self, person: str, code: str, having: str) -> None:
        """The operator gives, takes or spoils a licence."""
        if having not in HAVING or code not in KINDS:
            raise ValueError(having)
        with self._world.lock:
            self.changed[person, code] = having

    def reset(self) -> None:
        with self._world.lock:
            self.changed.clear()
            self.uses.clear()

    def get_licence(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One licence of the library."""
        code = str(order["type_code"])
        if code not in LICENCES:
            raise OfficeRefusal("TYPE_UNKNOWN")
        having, holder = self._asked(order, code)
        shown_code = f"{TEST_BODY}099" if having == "other_kind" else code
        number = hashlib.sha256(f"{code}{holder.key}".encode()).hexdigest()[:11].upper()
        parts = [shown_code, TEST_BODY, number, "001"]
        check = _check("".join(parts))
        if having == "bad_check":
            check = DIGITS[(DIGITS.index(check) + 1) % len(DIGITS)]
        identifier = ".".join(["1.2.156.3005.2", *parts, check])
        return self._found(having, holder, code, {"identifier": identifier, "level": "A"})

    def get_proof(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One proof of e证明."""
        code = str(order["proof"])
        if code not in PROOFS:
            raise OfficeRefusal("PROOF_UNKNOWN")
        having, holder = self._asked(order, code)
        return self._found(having, holder, code, {"proof_no": f"EZM{int(self._world.now())}{holder.id_number[-4:-1]}"})

    def _asked(self, order: Mapping[str, Any], code: str) -> tuple[str, DemoPerson]:
        """Who is asked about; a question without a case and a purpose is refused (seed map 8.2)."""
        if not order["case_ref"] or not order["purpose"] or len(str(order["item_code"])) != 31:
            raise OfficeRefusal("PURPOSE_MISSING")
        holder = next((person for person in PEOPLE if person.id_number == order["holder_number"]), None)
        used = {"code": code, "case_ref": order["case_ref"], "purpose": order["purpose"], "item": order["item_code"]}
        with self._world.lock:
            self.uses.append(used)
        if holder is None:
            raise OfficeRefusal("NOT_FOUND", 404)
        having = self.having(holder.key, code)
        if having == "none":
            raise OfficeRefusal("NOT_FOUND", 404)
        if having == "other_name" or holder.name != order["holder_name"]:
            raise OfficeRefusal("HOLDER_MISMATCH", 409)
        return having, holder

    def _found(self, having: str, holder: DemoPerson, code: str, numbers: dict[str, str]) -> dict[str, Any]:
        ends = self._world.now() + (-YEAR_S if having == "expired" else YEAR_S)
        shown = [("证照名称", KINDS[code]), ("持证人", holder.name), ("证件号码", holder.id_number)]
        return {
            **numbers,
            "holder_name": holder.name if having != "other_holder" else "别人",
            "holder_number": holder.id_number,
            "issuer": "厦门市测试机关",
            "valid_until": time.strftime("%Y-%m-%d", time.gmtime(ends)),
            "content_sha256": hashlib.sha256(f"{code}/{holder.key}".encode()).hexdigest(),
            "view": [{"label": label, "value": value} for label, value in shown],
        }


def _check(text: str) -> str:
    """ISO 7064, MOD 37,36."""
    left = 36
    for letter in text:
        left = (left + DIGITS.index(letter)) % 36
        left = (left or 36) * 2 % 37
    return DIGITS[(37 - left) % 36]
