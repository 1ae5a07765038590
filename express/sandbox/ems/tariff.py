"""What a shipment costs: by weight and by how far it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STEP_G = 500
PRICES_FEN: Mapping[str, tuple[int, int]] = {"city": (1000, 200), "province": (1200, 200), "country": (2000, 600)}
"""Zone → the first 500 grams, and each 500 grams that follow."""


def zone(sender: Mapping[str, Any], receiver: Mapping[str, Any]) -> str:
    """How far it goes, from `prov` and `city` of both ends."""
    if sender["prov"] != receiver["prov"]:
        return "country"
    return "city" if sender["city"] == receiver["city"] else "province"


def zone_of_texts(sender: str, receiver: str) -> str:
    """The same from whole addresses, as the estimate gives them."""
    if sender[:2] != receiver[:2]:
        return "country"
    return "city" if sender[:6] == receiver[:6] else "province"


def postage_fen(zone_name: str, weight_g: int) -> int:
    """The postage; a part of a step is charged as a whole one."""
    first, following = PRICES_FEN[zone_name]
    return first + max(0, -(-weight_g // STEP_G) - 1) * following
