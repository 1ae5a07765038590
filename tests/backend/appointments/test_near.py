"""`near` understands how people in Xiamen say where they are."""

import pytest

from backend.catalogue import places
from backend.core import db
from backend.seed import data
from tests.backend.appointments.test_booking import ITEM


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("曾厝垵", "曾厝垵"),
        ("曾厝", "曾厝垵"),
        ("zengcuoan", "曾厝垵"),
        ("zca", "曾厝垵"),
        ("厦大", "厦门大学"),
        ("湖里区云顶北路842号", "云顶北路"),
        ("厦门市湖里区云顶北路８４２号 一楼", "云顶北路"),
        ("思明区前埔中路", "前埔"),
        ("湖里区某某路1号", "湖里区"),
        ("灌口", "灌口镇"),
        ("SM广场", "SM城市广场"),
        ("Gulangyu", "鼓浪屿"),
        ("  杏林湾 ", "杏林湾"),
        ("北京天安门", None),
        ("月球", None),
        ("厦", None),
        ("xyzzy", None),
        ("!!!", None),
        ("", None),
    ],
)
def test_a_place_is_understood_or_said_to_be_unknown(slots, session, said: str, place: str | None) -> None:
    with db.transaction() as inner:
        found = places.find(inner, said)
    assert (found.name.zh if found else None) == place


def test_halls_near_the_place_come_first(client, slots) -> None:
    answer = client.get(f"/api/v1/items/{ITEM}/halls?near=中山路&lat=24.527&lng=118.178").json
    assert answer["place"] == {"name": "中山路", "approximate": True}
    distances = [hall["distance_km"] for hall in answer["halls"]]
    assert distances == sorted(distances)
    assert answer["halls"][0]["hall"]["code"] == "XM-CRJ1"
    english = client.get(f"/api/v1/slots/earliest?items={ITEM}&near=wuyuanwan&lang=en").json
    assert english["place"] == {"name": "Wuyuan Bay", "approximate": True}
    assert english["slots"][0]["hall"]["code"] == "XM-CRJ2"


def test_an_unknown_place_leaves_the_order_alone(client, slots) -> None:
    plain = client.get(f"/api/v1/items/{ITEM}/halls").json
    answer = client.get(f"/api/v1/items/{ITEM}/halls?near=月球").json
    assert (plain["place"], answer["place"]) == (None, None)
    assert [row["hall"]["code"] for row in answer["halls"]] == [row["hall"]["code"] for row in plain["halls"]]


def test_the_gazetteer_is_rough_unverified_and_inside_the_city() -> None:
    rows = data.read("neighbourhoods.toml")["place"]
    names = [row["name"]["zh"] for row in rows]
    assert 80 <= len(rows) <= 120
    assert len(set(names)) == len(names)
    assert len({row["division"] for row in rows}) == 6
    assert not any(row["verified"] for row in rows)
    assert all(24.38 < row["lat"] < 24.92 and 117.86 < row["lng"] < 118.45 for row in rows)
    terms = [term for row in rows for term in (row["name"]["zh"], *row.get("aliases", []))]
    assert len(set(terms)) == len(terms)
