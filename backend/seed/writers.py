"""One function for each kind of object in the seed: a table of the data file becomes rows."""

from datetime import date
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.catalogue import item_models, models
from backend.core import clock
from backend.core.calendar import CalendarDay, CalendarYear
from backend.seed.data import Table
from backend.sites.models import ServiceSite
from payments import fees
from payments.models import CollectingUnit, IncomeItem


def division(session: Session, row: Table) -> None:
    """A division; its parent stands before it in the file."""
    session.merge(models.Division(code=row["code"], parent_code=row.get("parent"), **_named(row)))


def department(session: Session, row: Table) -> None:
    """A department, which collects fees under the same name; its successor stands before it in the file."""
    session.merge(CollectingUnit(code=row["collecting_unit"], **_named(row)))
    session.merge(
        models.Department(
            code=row["code"],
            credit_code=row["credit_code"],
            collecting_unit=row["collecting_unit"],
            successor_code=row.get("successor"),
            valid_from=row.get("valid_from"),
            valid_to=row.get("valid_to"),
            verified=row.get("verified", False),
            **_named(row),
        )
    )


def category(session: Session, row: Table) -> None:
    """A window category."""
    session.merge(
        models.WindowCategory(
            code=row["code"],
            position=row["position"],
            prefix=row["prefix"],
            walk_in_only=row.get("walk_in_only", False),
            **_named(row),
        )
    )


def hall(session: Session, row: Table) -> None:
    """A hall with its windows, numbered from 1 in the order of the categories."""
    address, location = row.get("address", {}), row.get("location", {})
    session.merge(
        models.Hall(
            code=row["code"],
            position=row["position"],
            division_code=row["division"],
            short_name_zh=row["short_name"]["zh"],
            short_name_en=row["short_name"]["en"],
            address_zh=address.get("zh"),
            address_en=address.get("en"),
            address_verified=address.get("verified", False),
            lat=location.get("lat"),
            lng=location.get("lng"),
            location_verified=location.get("verified", False),
            hours=row["hours"],
            hours_verified=row["hours_verified"],
            phones=row["phones"],
            **_named(row),
        )
    )
    session.flush()
    session.execute(delete(models.ServiceWindow).where(models.ServiceWindow.hall_code == row["code"]))
    served = [code for code, count in row["windows"].items() for _ in range(count)]
    session.add_all(
        models.ServiceWindow(hall_code=row["code"], number=number, category_code=code, verified=row["windows_verified"])
        for number, code in enumerate(served, start=1)
    )


def neighbourhood(session: Session, row: Table) -> None:
    """A place by which people say where they are."""
    session.merge(
        models.Neighbourhood(
            key=row["key"],
            position=row["position"],
            division_code=row["division"],
            aliases=row.get("aliases", []),
            lat=row["lat"],
            lng=row["lng"],
            verified=row.get("verified", False),
            **_named(row),
        )
    )


def site(session: Session, row: Table) -> None:
    """A site of 厦门e政务 or a service point."""
    address, location = row.get("address", {}), row["location"]
    session.merge(
        ServiceSite(
            code=row["code"],
            position=row["position"],
            kind=row["kind"],
            division_code=row["division"],
            hall_code=row.get("hall"),
            address_zh=address.get("zh"),
            address_en=address.get("en"),
            address_verified=address.get("verified", False),
            lat=location["lat"],
            lng=location["lng"],
            location_verified=location["verified"],
            hours=row.get("hours", []),
            hours_verified=row.get("hours_verified", False),
            verified=row["verified"],
            **_named(row),
        )
    )


def income_item(session: Session, row: Table) -> None:
    """An income item with its fee standards, oldest first."""
    session.merge(
        IncomeItem(
            code=row["code"],
            kind=row.get("kind", "non_tax"),
            collecting_unit=row["collecting_unit"],
            finance_code=row.get("finance_code"),
            late_day_bp=row.get("late_day_bp"),
            late_cap_percent=row.get("late_cap_percent"),
            late_basis=row.get("late_basis"),
            **_named(row),
        )
    )
    session.flush()
    for standard in row.get("standard", []):
        fees.set_standard(
            session,
            code=row["code"],
            valid_from=standard["from"],
            valid_to=standard.get("to"),
            amount_fen=standard["amount_fen"],
            unit=standard["unit"],
            legal_basis=standard.get("basis"),
            verified=standard["verified"],
        )


def item(session: Session, row: Table) -> None:
    """An item with its halls, materials and fees."""
    session.merge(item_models.Item(**_item_columns(row)))
    session.flush()
    for table in (item_models.ItemHall, item_models.ItemMaterial, item_models.ItemFee):
        session.execute(delete(table).where(table.item_slug == row["slug"]))
    session.add_all(item_models.ItemHall(item_slug=row["slug"], hall_code=code) for code in row["halls"])
    session.add_all(_material(row["slug"], position, part) for position, part in enumerate(row["materials"], start=1))
    session.add_all(
        item_models.ItemFee(
            item_slug=row["slug"],
            income_item_code=part["code"],
            position=position,
            **_optional("note", part.get("note")),
        )
        for position, part in enumerate(row.get("fees", []), start=1)
    )


def published_list(session: Session, row: Table) -> None:
    """One of the nine lists; what is on it follows from the rules."""
    session.merge(item_models.PublishedList(tag=row["tag"], position=row["position"], **_named(row)))


def addition(session: Session, row: Table) -> None:
    """An item on a list by hand, with its reason."""
    session.merge(item_models.ListAddition(tag=row["tag"], item_slug=row["item"], reason=row["reason"]))


def calendar_year(session: Session, row: Table) -> None:
    """A year's holidays on weekdays and workdays at weekends."""
    year = row["year"]
    session.merge(CalendarYear(year=year, source=row["source"]))
    session.execute(delete(CalendarDay).where(CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))))
    session.add_all(
        CalendarDay(day=day, workday=False, name=name) for name, days in row["holidays"].items() for day in days
    )
    session.add_all(CalendarDay(day=day, workday=True, name=None) for day in row["workdays"])


def _item_columns(row: Table) -> dict[str, Any]:
    mail, booking = row.get("mail", {}), row.get("booking", {})
    return {
        "slug": row["slug"],
        "code": row["code"],
        "category_code": row["category"],
        "department_code": row["department"],
        "popularity": row.get("popularity", 0),
        "summary_zh": row["summary"]["zh"],
        "summary_en": row["summary"]["en"],
        "aliases": row["aliases"],
        "object": row.get("object", "person"),
        "kind": row["kind"],
        "instant": row.get("instant", False),
        "law_days": row.get("law_days"),
        "promise_days": row.get("promise_days"),
        "visits": row["visits"],
        "depth": row["depth"],
        "handle_area": row.get("handle_area", "city"),
        "self_service": row.get("self_service", False),
        "partners": row.get("partners", []),
        "mail_in": mail.get("in", False),
        "mail_out": mail.get("out", False),
        "mail_payer": mail.get("payer", "none"),
        "online_url": row.get("online_url"),
        "free": row.get("free", False),
        "conditions": row.get("conditions", []),
        "steps": row["steps"],
        "family": booking.get("family", row["slug"]),
        "minutes": booking.get("minutes", 15),
        "extra_minutes": booking.get("extra_minutes", 0),
        "max_items": booking.get("max_items", 1),
        "max_people": booking.get("max_people", 1),
        "level": booking.get("level", 1),
        "consult_phone": row.get("consult_phone", "12345"),
        "verified": row.get("verified", False),
        "updated_at": clock.now(),
        **_named(row),
        **_optional("visits_reason", row.get("visits_reason")),
    }


def _material(slug: str, position: int, row: Table) -> item_models.ItemMaterial:
    return item_models.ItemMaterial(
        id=f"{slug}.{row['id']}",
        item_slug=slug,
        position=position,
        source=row["source"],
        original=row.get("original", 0),
        copies=row.get("copies", 0),
        exempt=row.get("exempt", False),
        wording_document=row.get("wording_document"),
        **_named(row),
        **_optional("note", row.get("note")),
    )


def _named(row: Table) -> dict[str, str]:
    return {"name_zh": row["name"]["zh"], "name_en": row["name"]["en"]}


def _optional(column: str, text: dict[str, str] | None) -> dict[str, str | None]:
    return {f"{column}_zh": text["zh"] if text else None, f"{column}_en": text["en"] if text else None}
