"""Sites of 厦门e政务 and service points: the nearest by a typed place, and nothing unconfirmed shown as fact."""

from typing import Any

import pytest

from backend.seed import data


def sites(client, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/sites?{query}")
    assert answer.status_code == 200, answer.json
    shown: list[dict[str, Any]] = answer.json["sites"]
    return shown


def test_without_a_place_the_halls_machines_come_first(client) -> None:
    shown = sites(client)
    assert len(shown) == 20
    assert [shown[0]["code"], shown[0]["kind"], shown[0]["distance_km"]] == ["T-XM", "terminal", None]
    assert len(sites(client, "n=100")) == len(data.read("sites.toml")["site"])
    assert {row["kind"] for row in sites(client, "kind=point&n=100")} == {"point"}


def test_the_nearest_to_a_typed_place_come_first(client) -> None:
    answer = client.get("/api/v1/sites?near=灌口&n=5&lat=24.446&lng=118.083").json
    assert answer["place"] == {"name": "灌口镇", "approximate": True}
    distances = [row["distance_km"] for row in answer["sites"]]
    assert distances == sorted(distances)
    assert answer["sites"][0]["name"] == "灌口镇便民服务中心"
    by_position = sites(client, "lat=24.446&lng=118.083&n=5&lang=en")
    measured = [row["distance_km"] for row in by_position]
    assert measured == sorted(measured)
    assert measured[0] < 2
    assert by_position[0]["division"] == {"code": "350203", "name": "Siming District"}


def test_an_unknown_place_is_said_to_be_unknown(client) -> None:
    answer = client.get("/api/v1/sites?near=月球").json
    assert answer["place"] is None
    assert answer["sites"][0]["code"] == "T-XM"


def test_one_site_with_what_its_machine_does(client) -> None:
    machine = client.get("/api/v1/sites/T-XM?lang=en").json
    assert machine["hall"] == {"code": "XM", "name": "Xiamen Administrative Service Center"}
    assert machine["address"] == "842 Yunding North Road, Huli District, Xiamen"
    assert all("self-service" in item["tags"] for item in machine["items"])
    assert len(machine["items"]) > 0
    point = client.get("/api/v1/sites/P-350203-01").json
    assert (point["address"], point["hours"], point["items"], point["hall"]) == (None, [], [], None)
    missing = client.get("/api/v1/sites/nothing")
    assert (missing.status_code, missing.json["code"]) == (404, "site_not_found")


@pytest.mark.parametrize("query", ["n=0", "n=101", "lat=91", "lng=x", "kind=shop", "near=" + "长" * 101, "lang=fr"])
def test_a_wrong_question_is_refused(client, query: str) -> None:
    assert client.get(f"/api/v1/sites?{query}").status_code == 422


def test_nothing_is_confirmed_but_the_city_halls_address() -> None:
    rows = data.read("sites.toml")["site"]
    codes = [row["code"] for row in rows]
    assert len(set(codes)) == len(codes)
    assert not any(row["verified"] or row["location"]["verified"] or row.get("hours_verified") for row in rows)
    assert [row["code"] for row in rows if row.get("address", {}).get("verified")] == ["T-XM"]
    assert not any("address" in row and not row["address"]["verified"] for row in rows)
    assert {row["division"] for row in rows} == {"350203", "350205", "350206", "350211", "350212", "350213"}
    assert all(24.38 < row["location"]["lat"] < 24.92 for row in rows)
    assert all(117.86 < row["location"]["lng"] < 118.45 for row in rows)
