"""Values of the catalogue as bodies of the API, in one language. Other features show halls and items with these too."""

from datetime import date
from typing import Any

from backend.catalogue.snapshot import Snapshot, letter_on
from backend.catalogue.values import (
    BookableItem,
    CancelledProof,
    Category,
    Ended,
    Hall,
    Item,
    ItemFee,
    Material,
    PublishedList,
    SpecialStep,
)
from backend.core.errors import Text

Body = dict[str, Any]

SOURCES = {
    "applicant": Text("你自己准备", "You bring it"),
    "licence_library": Text("从电子证照库调取", "From the licence library"),
    "eproof": Text("从“e证明”核验", "Looked up as an e-proof"),
    "none": Text("不用准备", "Nothing to bring"),
}
UNITS = {
    "case": Text("件", "case"),
    "copy": Text("本", "document"),
    "note": Text("项", "note"),
    "set": Text("副", "set"),
}
FEE_BORNE = Text("这笔钱由部门出，你不用交", "The department pays this; you pay nothing")
FEE_TO_BE_CONFIRMED = Text(
    "收费标准待核实，以窗口公布的为准", "The fee is to be confirmed; the window has the valid one"
)


def category_body(category: Category, language: str) -> Body:
    """Code and name."""
    return {"code": category.code, "name": category.name.in_language(language)}


def hall_body(hall: Hall, language: str) -> Body:
    """The shape `Hall` of the API."""
    return {
        "code": hall.code,
        "name": hall.name.in_language(language),
        "short_name": hall.short_name.in_language(language),
        "division": {"code": hall.division_code, "name": hall.division_name.in_language(language)},
        "address": _text(hall.address, language),
        "address_verified": hall.address_verified,
        "lat": hall.lat,
        "lng": hall.lng,
        "location_verified": hall.location_verified,
        "hours": [{"weekdays": part.weekdays, "from": part.start, "to": part.end} for part in hall.hours],
        "hours_verified": hall.hours_verified,
        "phones": hall.phones,
        "categories": [category_body(category, language) for category in hall.categories],
    }


def item_name(item: BookableItem, language: str) -> Body:
    """Slug and name, as bookings show their items."""
    return {"slug": item.slug, "name": item.name_en if language == "en" else item.name_zh}


def summary_body(item: Item, language: str) -> Body:
    """The shape `ItemSummary` of the API."""
    return {
        "slug": item.slug,
        "name": item.name.in_language(language),
        "category": category_body(item.category, language),
        "object": item.object,
        "visits": item.visits,
        "depth": item.depth,
        "free": item.free,
        "tags": item.tags,
        "summary": item.summary.in_language(language),
        "bookable": item.bookable,
    }


def item_body(item: Item, language: str, *, on: date) -> Body:
    """The shape `Item` of the API, with the fees in force on a day."""
    return {
        **summary_body(item, language),
        "code": item.code,
        "department": {"name": item.department.in_language(language)},
        "conditions": [condition.in_language(language) for condition in item.conditions],
        "steps": [
            {"title": step.title.in_language(language), "text": step.text.in_language(language)} for step in item.steps
        ],
        "materials": [_material(material, language) for material in item.materials],
        "fees": [_fee(fee, language, on, borne=item.paid_by_department) for fee in item.fees],
        "law_days": item.law_days,
        "promise_days": item.promise_days,
        "instant": item.instant,
        "visits_reason": _text(item.visits_reason, language),
        "handle_area": item.handle_area,
        "hall_codes": item.booking.hall_codes,
        "mail": {"inward": item.mail.inward, "outward": item.mail.outward, "payer": item.mail.payer},
        "online_url": item.online_url,
        "booking": {
            "family": item.booking.family,
            "minutes": item.booking.minutes,
            "extra_minutes": item.booking.extra_minutes,
            "max_items": item.booking.max_items,
            "max_people": item.booking.max_people,
            "level": item.booking.level,
            "pre_check": item.booking.pre_check,
        },
        "verified": item.verified,
        "updated_at": item.updated_at,
        "consult_phone": item.consult_phone,
    }


def guide_body(catalogue: Snapshot, item: Item, language: str, *, on: date) -> Body:
    """The shape `Item` of the API with what stands elsewhere in the catalogue: districts, letter, successor."""
    letter = letter_on(catalogue, item.commitment, on)
    return {
        **item_body(item, language, on=on),
        "version": item.version,
        "handling_code": item.handling_code,
        "district_days": [
            {
                "division": {
                    "code": own.division_code,
                    "name": catalogue.divisions[own.division_code].in_language(language),
                },
                "promise_days": own.promise_days,
            }
            for own in item.district_days
        ],
        "special_steps": [special_step_body(step, language) for step in item.special_steps],
        "commitment": {
            "code": letter.code,
            "version": letter.version,
            "title": letter.title.in_language(language),
            "text": letter.text.in_language(language),
        }
        if letter
        else None,
        "ended": _ended(catalogue, item.ended, language),
        "ending": _ended(catalogue, item.ending, language),
    }


def special_step_body(step: SpecialStep, language: str) -> Body:
    """The shape `SpecialStep` of the API."""
    return {
        "name": step.name.in_language(language),
        "basis": step.basis,
        "condition": step.condition.in_language(language),
        "days": step.days,
        "standard": _text(step.standard, language),
    }


def cancelled_body(proof: CancelledProof, language: str) -> Body:
    """The shape `CancelledProof` of the API."""
    return {
        "name": proof.name.in_language(language),
        "basis": proof.basis,
        "instead": _text(proof.instead, language),
        "cancelled_on": proof.cancelled_on,
        "verified": proof.verified,
    }


def _ended(catalogue: Snapshot, ended: Ended | None, language: str) -> Body | None:
    if ended is None:
        return None
    successor = catalogue.items.get(ended.successor or "")
    return {
        "on": ended.on,
        "kind": ended.kind,
        "note": _text(ended.note, language),
        "successor": {"slug": successor.slug, "name": successor.name.in_language(language)} if successor else None,
    }


def list_head(published: PublishedList, language: str) -> Body:
    """The shape of one row of `/lists`; a list without an edition counts nothing."""
    newest = published.editions[0] if published.editions else None
    return {
        "tag": published.tag,
        "name": published.name.in_language(language),
        "count": len(newest.entries) if newest else 0,
        "version": newest.version if newest else None,
        "published_on": newest.published_on if newest else None,
    }


def _material(material: Material, language: str) -> Body:
    return {
        "id": material.id,
        "name": material.name.in_language(language),
        "source": material.source,
        "source_label": SOURCES[material.source].in_language(language),
        "original": material.original,
        "copies": material.copies,
        "exempt": material.exempt,
        "note": _text(material.note, language),
    }


def _fee(fee: ItemFee, language: str, on: date, *, borne: bool) -> Body:
    standard = fee.tariff.on(on)
    confirmed = standard is not None and standard.verified
    notes = [fee.note, FEE_BORNE if borne else None, None if confirmed else FEE_TO_BE_CONFIRMED]
    note = (". " if language == "en" else "；").join(one.in_language(language) for one in notes if one)
    body = {"name": fee.tariff.name.in_language(language), "note": note or None}
    if standard is None or not standard.verified:
        return {**body, "amount_fen": None, "unit": None, "basis": None, "valid_from": None, "verified": False}
    return {
        **body,
        "amount_fen": standard.amount_fen,
        "unit": UNITS[standard.unit].in_language(language),
        "basis": standard.legal_basis,
        "valid_from": standard.valid_from,
        "verified": True,
    }


def _text(text: Text | None, language: str) -> str | None:
    return text.in_language(language) if text else None
