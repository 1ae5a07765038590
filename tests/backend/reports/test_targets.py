"""20, 93 and 85 % come out by exact fraction on the circular's own numbers, and nothing is ever rounded up."""

from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.catalogue.models import Department
from backend.catalogue.versions.content import complete
from backend.catalogue.versions.models import ItemVersion
from backend.core import db
from backend.reports.indicators import Figure
from tests.backend import staff
from tests.conftest import Clock

LONG_AGO, LATER = datetime(2000, 1, 3, tzinfo=UTC), datetime(2000, 6, 1, tzinfo=UTC)
PERIOD = "first=2000-01-01&last=2000-03-31"
"""Before the seed's items: only the fixture is in force."""


def publish(session: Session, slug: str, *, at: datetime = LONG_AGO, number: int = 1, **content: Any) -> None:
    given = {"halls": ["XM"], "depth": 5, "law_days": 20, "promise_days": 5, **content}
    session.execute(
        insert(ItemVersion).values(
            id=db.new_id(),
            item_slug=slug,
            number=number,
            state="superseded",
            state_at=at,
            content=complete(slug, given),
            editors=[],
            reviewed_by="staff:x",
            effective_at=at,
            created_at=at,
            saved_at=at,
        )
    )
    session.commit()


def hundred(session: Session) -> None:
    """100 items, visits 0: 20, 1: 73, 2: 7; one department has 21 good ones of 25, one 17 of 20, the third all."""
    for code in ("d25", "d20", "d55"):
        ids = {"credit_code": uuid4().hex, "collecting_unit": uuid4().hex}
        session.add(Department(code=code, name_zh=code, name_en=code, verified=False, **ids))
    visits = [("d25", 2)] * 4 + [("d20", 2)] * 3 + [("d55", 0)] * 20
    visits += [("d25", 1)] * 21 + [("d20", 1)] * 17 + [("d55", 1)] * 35
    assert Counter(number for _, number in visits) == {0: 20, 1: 73, 2: 7}
    for at, (department, number) in enumerate(visits):
        publish(session, f"c5-{at}", department=department, visits=number)


def figures(client: FlaskClient, who: dict[str, str], query: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/staff/reports/figures?{query}", headers=who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def one(shown: list[dict[str, Any]], code: str) -> tuple[int, int, str, bool | None]:
    figure = next(figure for figure in shown if figure["code"] == code)
    return figure["numerator"], figure["denominator"], figure["value"], figure["reached"]


def test_the_circulars_own_numbers(client: FlaskClient, session: Session, clock: Clock) -> None:
    hundred(session)
    who = staff.header(session, "XM", "evaluator")
    found = figures(client, who, f"{PERIOD}&by=department")
    assert one(found["total"], "items_zero") == (20, 100, "20.0", True)
    assert one(found["total"], "items_one") == (93, 100, "93.0", True)
    groups = {group["key"]: group["figures"] for group in found["groups"]}
    assert one(groups["d25"], "items_one") == (21, 25, "84.0", False)
    assert one(groups["d20"], "items_one") == (17, 20, "85.0", True)
    assert one(figures(client, who, f"{PERIOD}&department=d25")["total"], "items_one") == (21, 25, "84.0", False)
    query = f"{PERIOD}&indicator=items_one&department=d25&side=rest"
    behind = client.get(f"/api/v1/staff/reports/items?{query}", headers=who).json["items"]
    assert [item["item"]["code"] for item in behind] == ["c5-0", "c5-1", "c5-2", "c5-3"]


def test_one_item_less_misses_the_target_from_its_month_on(client: FlaskClient, session: Session, clock: Clock) -> None:
    hundred(session)
    publish(session, "c5-99", at=LATER, number=2, department="d55", visits=2, depth=3)
    publish(session, "c5-10", at=LATER, number=2, department="d55", visits=1, ended={"kind": "abolished"})
    who = staff.header(session, "XM", "evaluator")
    by_month = figures(client, who, "first=2000-05-01&last=2000-06-30&by=month")["groups"]
    assert [one(month["figures"], "items_one") for month in by_month] == [
        (93, 100, "93.0", True),
        (91, 99, "91.9", False),
    ]
    assert [one(month["figures"], "items_zero") for month in by_month] == [
        (20, 100, "20.0", True),
        (19, 99, "19.1", False),
    ]


def test_all_online_limits_materials_and_steps_against_a_baseline(
    client: FlaskClient, session: Session, clock: Clock
) -> None:
    paper, step = {"id": "a"}, {"title": {"zh": "", "en": ""}, "text": {"zh": "", "en": ""}}
    publish(session, "a", department="finance", visits=0, materials=[paper] * 4, steps=[step] * 3)
    publish(session, "b", department="finance", visits=0, depth=4, law_days=10, promise_days=10)
    new = {"visits": 0, "materials": [paper], "steps": [step], "promise_days": 2}
    publish(session, "b", at=LATER, number=2, department="finance", **new)
    who = staff.header(session, "XM", "platform_operator")
    query = "first=2000-05-01&last=2000-06-30&baseline=2000-02-01"
    found = client.get(f"/api/v1/staff/reports/progress?{query}", headers=who).json
    assert [month["all_online"] for month in (found["baseline"], *found["months"])] == [1, 1, 2]
    assert [month["cut_percent"] for month in found["months"]] == ["50.0", "82.5"]
    assert [(month["materials"], month["steps"]) for month in found["months"]] == [(4, 3), (5, 4)]
    assert found["all_online"] == {"more": 1, "more_wanted": 50, "wanted": 300, "reached": False}
    assert [(group["key"], group["before"], group["now"]) for group in found["groups"]] == [("finance", 1, 2)]


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 100))
def test_what_is_shown_never_passes_a_target_that_was_missed(numerator: int, denominator: int, percent: int) -> None:
    figure, target = Figure(numerator, denominator), Fraction(percent, 100)
    shown = figure.shown("percent")
    assert shown is not None
    assert figure.reaches(target) == (Fraction(numerator, denominator) >= target) == (Fraction(shown) >= percent)


def test_eighty_four_point_nine_six_is_not_eighty_five() -> None:
    assert not Figure(8496, 10_000).reaches(Fraction(85, 100))
    assert Figure(8496, 10_000).shown("percent") == "84.9"
    assert Figure(0, 0).shown("percent") is None
    assert not Figure(0, 0).reaches(Fraction(0))
    assert Figure(90, 1).shown("minutes") == "1.5"
    assert Figure(-1, 8).shown("percent") == "-12.5"
