"""One function for each kind of object in the seed: a table of the data file becomes rows."""

from contextlib import suppress
from datetime import date

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.catalogue import item_models, models
from backend.catalogue.registers import service as registers
from backend.catalogue.registers.models import CommitmentLetter
from backend.catalogue.versions import service as versions
from backend.core import clock
from backend.core.calendar import CalendarDay, CalendarYear
from backend.seed.data import Table
from backend.sites.models import ServiceSite
from payments import fees
from payments.models import CollectingUnit, IncomeItem

SINCE = date(2018, 8, 1)
"""The month of the circular: what the seed says counts from then."""


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
    """The first version of an item, in force since the circular; a later seed is a later version."""
    versions.plant(session, row["slug"], row, since=SINCE)


def cancelled_proof(session: Session, row: Table) -> None:
    """A cancelled proof that the city has yet to check; an entry that staff corrected stays theirs."""
    entry = {
        **_named(row),
        "aliases": row["aliases"],
        "basis": row["basis"],
        "instead_zh": row["instead"]["zh"],
        "instead_en": row["instead"]["en"],
        "cancelled_on": row["cancelled_on"],
    }
    with suppress(registers.ProofListed):
        registers.cancel_proof(session, entry, actor=versions.SEED, verified=False)


def letter(session: Session, row: Table) -> None:
    """The first words of a letter of commitment; a later seed is its next version."""
    words = {
        f"{part}_{language}": row[part][language].strip() for part in ("title", "text") for language in ("zh", "en")
    }
    known = session.get(CommitmentLetter, row["code"])
    registers.write_letter(
        session, row["code"], words, valid_from=clock.today() if known else SINCE, actor=versions.SEED
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


def _named(row: Table) -> dict[str, str]:
    return {"name_zh": row["name"]["zh"], "name_en": row["name"]["en"]}
