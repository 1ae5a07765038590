"""The seed loads once, changes nothing the second time, and says nothing it does not know."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select, update
from sqlalchemy.orm import Session

from backend.catalogue import codes, snapshot
from backend.catalogue.item_models import Item, ItemMaterial, ListEdition
from backend.catalogue.models import CatalogueVersion, Department, Division, Hall, ServiceWindow, WindowCategory
from backend.core import calendar, db
from backend.core.config import Settings
from backend.core.db import Base
from backend.seed import data, loader

OURS = ("backend.catalogue", "backend.seed", "backend.core.calendar", "payments.models")
CLAUSE_7 = ["construction", "business", "real-estate", "vehicle", "exit-entry", "social-security", "medical"]


@pytest.fixture(scope="module")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(autouse=True)
def seed(isolated: None) -> Iterator[None]:
    snapshot.forget()
    yield
    snapshot.forget()


def everything() -> dict[str, list[tuple[Any, ...]]]:
    with db.transaction() as session:
        return {
            str(table): sorted(map(tuple, session.execute(select(table))), key=repr)
            for table in (
                mapper.local_table for mapper in Base.registry.mappers if mapper.class_.__module__.startswith(OURS)
            )
        }


def load() -> dict[str, int]:
    with db.transaction() as session:
        return loader.load(session)


def test_loading_again_changes_nothing() -> None:
    before = everything()
    assert load() == {}
    assert everything() == before


def test_an_object_is_written_again_only_when_its_data_changed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = session.scalar(select(CatalogueVersion.version))
    session.execute(update(Hall).where(Hall.code == "SM").values(address_zh="中山路1号", address_verified=True))
    session.commit()
    changed = [
        {**hall, "short_name": {"zh": "湖里区", "en": "Huli"}} if hall["code"] == "HL" else hall
        for hall in data.halls()
    ]
    monkeypatch.setattr(data, "halls", lambda: changed)

    assert load() == {"hall": 1}

    session.expire_all()
    assert session.get_one(Hall, "HL").short_name_zh == "湖里区"
    assert session.get_one(Hall, "SM").address_zh == "中山路1号"
    assert session.scalar(select(CatalogueVersion.version)) == (version or 0) + 1


def test_a_material_that_left_the_data_leaves_the_item(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [
        {**item, "materials": item["materials"][:1]} if item["slug"] == "passport-first" else item
        for item in data.items()
    ]
    monkeypatch.setattr(data, "items", lambda: changed)

    assert load() == {"item": 1}

    left = session.scalars(select(ItemMaterial.id).where(ItemMaterial.item_slug == "passport-first")).all()
    assert left == ["passport-first.id-card"]


def test_a_year_of_the_calendar_does_not_touch_the_catalogue(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    version = session.scalar(select(CatalogueVersion.version))
    real = data.read

    def read(name: str) -> data.Table:
        content = real(name)
        if name == "calendar.toml":
            content["2027"] = {"source": "通知", "workdays": [], "holidays": {"元旦": [date(2027, 1, 1)]}}
        return content

    monkeypatch.setattr(data, "read", read)
    assert load() == {"calendar": 1}
    assert session.scalar(select(CatalogueVersion.version)) == version
    assert not calendar.is_workday(session, date(2027, 1, 1))


def test_divisions_and_departments(session: Session) -> None:
    assert session.scalar(select(func.count()).select_from(Division)) == 7
    departments = session.scalars(select(Department)).all()
    assert all(codes.is_credit_code(department.credit_code) for department in departments)
    assert all(department.collecting_unit.startswith("TEST-350299-") for department in departments)
    successors = {department.code: department.successor_code for department in departments if department.successor_code}
    assert successors == {
        "land-2018": "natural-resources",
        "planning-2018": "natural-resources",
        "economy-2018": "industry",
    }


def test_only_the_city_hall_has_a_confirmed_address(session: Session) -> None:
    halls = {hall.code: hall for hall in session.scalars(select(Hall))}
    assert list(halls) == ["XM", "SM", "HL", "HC", "JM", "TA", "XA", "XM-CRJ1", "XM-CRJ2"]
    assert [code for code, hall in halls.items() if hall.address_verified] == ["XM"]
    assert halls["XM"].address_zh == "厦门市湖里区云顶北路842号"
    assert {code for code, hall in halls.items() if hall.address_zh is None} == {
        "SM", "HL", "HC", "JM", "TA", "XA", "XM-CRJ2",
    }  # fmt: skip
    assert not any(hall.hours_verified or hall.location_verified for hall in halls.values())


def test_windows_and_categories(session: Session) -> None:
    categories = session.scalars(select(WindowCategory).order_by(WindowCategory.position)).all()
    assert [category.code for category in categories[:7]] == CLAUSE_7
    assert len({category.prefix for category in categories}) == len(categories)
    windows = Counter((row.hall_code, row.category_code) for row in session.scalars(select(ServiceWindow)))
    assert {category.code for category in categories} == {category for _, category in windows}
    assert all(windows["XM", code] == 2 for code in CLAUSE_7)
    for district in ("SM", "HL", "HC", "JM", "TA", "XA"):
        assert sorted(count for (hall, _), count in windows.items() if hall == district) == [2, 2, 2, 2]


def test_every_item_is_complete(session: Session) -> None:
    items = session.scalars(select(Item)).all()
    assert len(items) == 46
    assert all(codes.is_item_code(item.code) for item in items)
    assert not any(item.verified for item in items)
    detailed = [row for row in data.items() if len(row["materials"]) >= 2 and row.get("conditions")]
    assert len(detailed) >= 20
    ranks = sorted(item.popularity for item in items if item.popularity)
    assert ranks == list(range(1, len(ranks) + 1))


def test_every_item_with_a_visit_has_a_hall_and_every_window_an_item(session: Session) -> None:
    halls = {hall["code"]: hall["windows"] for hall in data.halls()}
    for item in data.items():
        taking = [code for code, windows in halls.items() if item["category"] in windows]
        assert taking or item["visits"] == 0, item["slug"]
    served = {category for windows in halls.values() for category in windows} - {"consult", "priority"}
    assert served == {item["category"] for item in data.items()}


def test_opening_leaves_out_walk_in_categories_and_covers_every_other_window() -> None:
    rows = data.opening()
    assert {row.category_code for row in rows}.isdisjoint({"consult", "priority"})
    assert all(row.windows > 0 and not row.verified for row in rows)
    assert {row.capacity_per_half_day for row in rows if row.hall_code == "XM"} == {40}
    assert {row.capacity_per_half_day for row in rows if row.hall_code == "TA"} == {20}
    morning, afternoon = rows[0].hours
    assert (morning.start.hour, morning.end.hour, afternoon.end.hour) == (9, 12, 17)
    assert morning.weekdays == (1, 2, 3, 4, 5)


@pytest.mark.parametrize(("year", "workdays"), [(2018, 250), (2025, 248), (2026, 248)])
def test_the_calendar_has_as_many_working_days_as_the_notice(session: Session, year: int, workdays: int) -> None:
    days = (date.fromordinal(day) for day in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1))
    assert sum(calendar.is_workday(session, day) for day in days) == workdays


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2018-09-27", 5, "2018-10-09"),
        ("2018-09-29", 20, "2018-11-01"),
        ("2025-09-26", 10, "2025-10-16"),
        ("2025-12-31", 3, "2026-01-06"),
        ("2026-02-13", 5, "2026-02-27"),
        ("2026-09-30", 1, "2026-10-08"),
    ],
)
def test_the_vectors_of_working_days(session: Session, start: str, count: int, end: str) -> None:
    assert calendar.add_workdays(session, date.fromisoformat(start), count) == date.fromisoformat(end)


def test_a_year_without_a_notice_is_refused(session: Session) -> None:
    with pytest.raises(calendar.CalendarNotLoaded):
        calendar.is_workday(session, date(2027, 1, 4))


def test_the_lists_are_published_once(session: Session) -> None:
    editions = session.execute(select(ListEdition.tag, ListEdition.version)).all()
    assert len(editions) == 9
    assert {version for _, version in editions} == {1}


def test_two_loads_at_once_are_one(fresh_database: str) -> None:
    engine = create_engine(fresh_database)
    outcomes: list[dict[str, int]] = []

    def attempt() -> None:
        with Session(engine) as session:
            outcomes.append(loader.load(session))
            session.commit()

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        version = session.scalar(select(CatalogueVersion.version))
    engine.dispose()
    assert outcomes[1] == {}
    assert version == 1
