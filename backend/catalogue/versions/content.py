"""The words of a version: one document, complete, from which every row of the item follows.

Texts are `{"zh", "en"}`; the keys are those of the seed's items. What an import brings beside them stays under `extra`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backend.catalogue import item_models as models

Content = dict[str, Any]

DEFAULTS: Content = {
    "code": "",
    "handling_code": None,
    "category": "",
    "department": "",
    "popularity": 0,
    "name": {"zh": "", "en": ""},
    "summary": {"zh": "", "en": ""},
    "aliases": [],
    "object": "person",
    "kind": "service",
    "instant": False,
    "law_days": None,
    "promise_days": None,
    "district_days": [],
    "visits": 0,
    "visits_reason": None,
    "depth": 1,
    "handle_area": "city",
    "halls": [],
    "self_service": False,
    "partners": [],
    "mail": {"in": False, "out": False, "payer": "none"},
    "online_url": None,
    "free": False,
    "fees": [],
    "fee_borne_by": "applicant",
    "conditions": [],
    "steps": [],
    "materials": [],
    "special_steps": [],
    "commitment": None,
    "credit_check": False,
    "offline_filing": None,
    "booking": {
        "family": "",
        "minutes": 15,
        "extra_minutes": 0,
        "max_items": 1,
        "max_people": 1,
        "level": 1,
        "pre_check": False,
    },
    "consult_phone": "12345",
    "verified": False,
    "ended": None,
    "extra": {},
}
MATERIAL: Content = {
    "id": "",
    "name": {"zh": "", "en": ""},
    "source": "applicant",
    "original": 0,
    "copies": 0,
    "exempt": False,
    "note": None,
    "wording_document": None,
}
FEE: Content = {"code": "", "note": None}
STEP: Content = {"id": "", "name": {"zh": "", "en": ""}, "basis": "", "days": 1, "standard": None}


@dataclass(frozen=True)
class ItemRows:
    """The rows of one item, not yet of any session."""

    item: models.Item
    halls: list[models.ItemHall]
    materials: list[models.ItemMaterial]
    fees: list[models.ItemFee]


def complete(slug: str, given: Mapping[str, Any]) -> Content:
    """The document with every key, in one order; unknown keys move to `extra`."""
    known = {name: given.get(name, value) for name, value in DEFAULTS.items()}
    unknown = {name: value for name, value in given.items() if name not in DEFAULTS and name != "slug"}
    return {
        **known,
        "mail": {**DEFAULTS["mail"], **known["mail"]},
        "booking": {**DEFAULTS["booking"], "family": slug, **given.get("booking", {})},
        "materials": [{**MATERIAL, **part} for part in known["materials"]],
        "fees": [{**FEE, **part} for part in known["fees"]],
        "special_steps": [{**STEP, "condition": {"zh": "", "en": ""}, **part} for part in known["special_steps"]],
        "extra": {**known["extra"], **unknown},
    }


def rows_of(slug: str, content: Content, *, number: int, effective_on: date, updated_at: datetime) -> ItemRows:
    """The rows that show this content to everybody; `content` is complete and its codes exist."""
    return ItemRows(
        item=models.Item(
            **_columns(content), slug=slug, version=number, updated_at=updated_at, **_ending(content, effective_on)
        ),
        halls=[models.ItemHall(item_slug=slug, hall_code=code) for code in sorted(content["halls"])],
        materials=[_material(slug, at, part) for at, part in enumerate(content["materials"], start=1)],
        fees=[
            models.ItemFee(item_slug=slug, income_item_code=part["code"], position=at, **_pair("note", part["note"]))
            for at, part in enumerate(content["fees"], start=1)
        ],
    )


_SAME = (
    "code",
    "handling_code",
    "popularity",
    "aliases",
    "object",
    "kind",
    "instant",
    "law_days",
    "promise_days",
    "district_days",
    "visits",
    "depth",
    "handle_area",
    "self_service",
    "partners",
    "online_url",
    "free",
    "fee_borne_by",
    "conditions",
    "steps",
    "special_steps",
    "commitment",
    "credit_check",
    "offline_filing",
    "consult_phone",
    "verified",
)
"""Columns with the name that the document gives them."""


def _columns(content: Content) -> dict[str, Any]:
    mail = content["mail"]
    return {
        **{name: content[name] for name in _SAME},
        **content["booking"],
        "category_code": content["category"],
        "department_code": content["department"],
        "mail_in": mail["in"],
        "mail_out": mail["out"],
        "mail_payer": mail["payer"],
        **_pair("name", content["name"]),
        **_pair("summary", content["summary"]),
        **_pair("visits_reason", content["visits_reason"]),
    }


def _ending(content: Content, effective_on: date) -> dict[str, Any]:
    ended = content["ended"] or {}
    return {
        "ended_on": effective_on if ended else None,
        "ended_kind": ended.get("kind"),
        "successor_slug": ended.get("successor"),
        **_pair("ended_note", ended.get("note")),
    }


def _material(slug: str, position: int, part: Content) -> models.ItemMaterial:
    return models.ItemMaterial(
        id=f"{slug}.{part['id']}",
        item_slug=slug,
        position=position,
        source=part["source"],
        original=part["original"],
        copies=part["copies"],
        exempt=part["exempt"],
        wording_document=part["wording_document"],
        **_pair("name", part["name"]),
        **_pair("note", part["note"]),
    )


def _pair(column: str, text: Mapping[str, str] | None) -> dict[str, str | None]:
    return {f"{column}_zh": text["zh"] if text else None, f"{column}_en": text["en"] if text else None}
