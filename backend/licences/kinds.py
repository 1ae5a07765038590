"""Which licence or proof fills which material. The codes of the city's library are filled in when it is joined."""

from dataclasses import dataclass
from typing import Final, Literal

from backend.catalogue.values import Item, Material

Source = Literal["licence_library", "eproof"]
TEST_BODY = "113502990000000199"


@dataclass(frozen=True)
class Kind:
    """A kind of licence, with the 21 characters of its type code, or of proof, with its name at e证明."""

    name: str
    source: Source
    code: str


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("resident-id", "licence_library", "11100000000013338W011"),
        Kind("business-licence", "licence_library", f"{TEST_BODY}002"),
        Kind("driving-licence", "licence_library", f"{TEST_BODY}003"),
        Kind("vehicle-licence", "licence_library", f"{TEST_BODY}004"),
        Kind("property-certificate", "licence_library", f"{TEST_BODY}005"),
        Kind("planning-permit", "licence_library", f"{TEST_BODY}006"),
        Kind("land-right", "licence_library", f"{TEST_BODY}007"),
        Kind("divorce-certificate", "licence_library", f"{TEST_BODY}008"),
        Kind("household", "eproof", "household"),
        Kind("guardian", "eproof", "guardian"),
        Kind("tax", "eproof", "tax"),
        Kind("contract", "eproof", "contract"),
        Kind("record", "eproof", "record"),
        Kind("medical", "eproof", "medical"),
        Kind("insurance", "eproof", "insurance"),
        Kind("report", "eproof", "report"),
    )
}

_BY_MATERIAL: Final[dict[str, str]] = {
    "id-card": "resident-id",
    "identity": "resident-id",
    "certificate": "property-certificate",
    "planning": "planning-permit",
    "land": "land-right",
    "divorce": "divorce-certificate",
}
_LICENCE_OF_CATEGORY: Final[dict[str, str]] = {"business": "business-licence"}
_DRIVING: Final = "驾驶证"


def of_material(item: Item, material: Material) -> Kind | None:
    """The kind that fills this material, None for one that the applicant has to bring."""
    if material.source not in ("licence_library", "eproof"):
        return None
    name = material.id.rpartition(".")[2]
    if name == "licence":
        vehicles = "driving-licence" if _DRIVING in material.name.zh else "vehicle-licence"
        name = _LICENCE_OF_CATEGORY.get(item.category.code, vehicles)
    kind = KINDS.get(_BY_MATERIAL.get(name, name))
    return kind if kind is not None and kind.source == material.source else None
