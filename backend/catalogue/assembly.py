"""Rows of an item become the value that the rest of the product sees."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue import item_models, models
from backend.catalogue.values import (
    BookableItem,
    Category,
    DistrictDays,
    Ended,
    Item,
    ItemFee,
    Mail,
    Material,
    OfflineFiling,
    SpecialStep,
    Step,
)
from backend.core.errors import Text
from payments import queries as payments
from payments.queries import Tariff


@dataclass(frozen=True)
class Lookups:
    """What items point at, by code."""

    categories: Mapping[str, Category]
    departments: Mapping[str, Text]
    tariffs: Mapping[str, Tariff]


def categories(session: Session) -> dict[str, Category]:
    """Every window category, in its order."""
    rows = session.scalars(select(models.WindowCategory).order_by(models.WindowCategory.position))
    return {row.code: Category(row.code, row.prefix, Text(row.name_zh, row.name_en), row.walk_in_only) for row in rows}


def lookups(session: Session) -> Lookups:
    """What items may point at now."""
    tariffs = payments.tariffs(session)
    found = categories(session)
    departments = {row.code: Text(row.name_zh, row.name_en) for row in session.scalars(select(models.Department))}
    return Lookups(found, departments, tariffs)


def assemble(
    row: item_models.Item,
    known: Lookups,
    *,
    halls: Iterable[item_models.ItemHall],
    materials: Iterable[item_models.ItemMaterial],
    fees: Iterable[item_models.ItemFee],
) -> Item:
    """The item of these rows, without the lists it is on. KeyError for a code that `known` lacks."""
    return Item(
        slug=row.slug,
        code=row.code,
        name=Text(row.name_zh, row.name_en),
        summary=Text(row.summary_zh, row.summary_en),
        aliases=tuple(row.aliases),
        category=known.categories[row.category_code],
        department=known.departments[row.department_code],
        popularity=row.popularity,
        object=row.object,
        kind=row.kind,
        instant=row.instant,
        law_days=row.law_days,
        promise_days=row.promise_days,
        visits=row.visits,
        visits_reason=optional(row.visits_reason_zh, row.visits_reason_en),
        depth=row.depth,
        handle_area=row.handle_area,
        self_service=row.self_service,
        partners=tuple(row.partners),
        mail=Mail(row.mail_in, row.mail_out, row.mail_payer),
        online_url=row.online_url,
        free=row.free,
        conditions=tuple(_pair(condition) for condition in row.conditions),
        steps=tuple(Step(_pair(step["title"]), _pair(step["text"])) for step in row.steps),
        materials=tuple(_material(material) for material in materials),
        fees=tuple(ItemFee(known.tariffs[fee.income_item_code], optional(fee.note_zh, fee.note_en)) for fee in fees),
        booking=_bookable(row, tuple(link.hall_code for link in halls)),
        consult_phone=row.consult_phone,
        verified=row.verified,
        updated_at=row.updated_at,
        version=row.version,
        handling_code=row.handling_code,
        district_days=tuple(DistrictDays(one["division"], one["promise_days"]) for one in row.district_days or ()),
        special_steps=tuple(special_step(step) for step in row.special_steps or ()),
        commitment=row.commitment,
        fee_borne_by=row.fee_borne_by or "applicant",
        credit_check=bool(row.credit_check),
        offline_filing=OfflineFiling(**row.offline_filing) if row.offline_filing else None,
        ended=_ended(row),
    )


def optional(zh: str | None, en: str | None) -> Text | None:
    """A text that may be missing; without English the Chinese stands for both."""
    return Text(zh, en or zh) if zh else None


def _bookable(row: item_models.Item, hall_codes: tuple[str, ...]) -> BookableItem:
    return BookableItem(
        slug=row.slug,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        category_code=row.category_code,
        family=row.family,
        minutes=row.minutes,
        extra_minutes=row.extra_minutes,
        max_items=row.max_items,
        max_people=row.max_people,
        level=row.level,
        hall_codes=hall_codes,
        pre_check=row.pre_check,
    )


def _material(row: item_models.ItemMaterial) -> Material:
    return Material(
        id=row.id,
        name=Text(row.name_zh, row.name_en),
        source=row.source,
        original=row.original,
        copies=row.copies,
        exempt=row.exempt,
        note=optional(row.note_zh, row.note_en),
        wording_document=row.wording_document,
    )


def special_step(step: Mapping[str, Any]) -> SpecialStep:
    """A special step as a version keeps it."""
    return SpecialStep(
        id=step["id"],
        name=_pair(step["name"]),
        basis=step["basis"],
        condition=_pair(step["condition"]),
        days=step["days"],
        standard=_pair(step["standard"]) if step["standard"] else None,
    )


def _ended(row: item_models.Item) -> Ended | None:
    if row.ended_on is None or row.ended_kind is None:
        return None
    return Ended(row.ended_on, row.ended_kind, row.successor_slug, optional(row.ended_note_zh, row.ended_note_en))


def _pair(texts: Mapping[str, str]) -> Text:
    return Text(texts["zh"], texts["en"])
