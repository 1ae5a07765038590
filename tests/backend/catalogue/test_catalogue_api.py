"""The public catalogue at the HTTP edge."""

from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from backend.catalogue import service, snapshot
from backend.core import db
from payments import fees
from tests.conftest import Clock

API = "/api/v1"
SUMMARY = {"slug", "name", "category", "object", "visits", "depth", "free", "tags", "summary", "bookable"}
ITEM = SUMMARY | {
    "code", "department", "conditions", "steps", "materials", "fees", "law_days", "promise_days", "instant",
    "visits_reason", "handle_area", "hall_codes", "mail", "online_url", "booking", "verified", "updated_at",
    "consult_phone", "version", "handling_code", "district_days", "special_steps", "commitment", "ended", "ending",
}  # fmt: skip


def get(client: FlaskClient, path: str, status: int = 200, **headers: str) -> TestResponse:
    answer = client.get(API + path, headers=headers)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer


def test_halls(public: FlaskClient) -> None:
    halls = {hall["code"]: hall for hall in get(public, "/halls").json["halls"]}
    assert list(halls)[0] == "XM"
    city, district = halls["XM"], halls["TA"]
    assert (city["address"], city["address_verified"]) == ("厦门市湖里区云顶北路842号", True)
    assert (district["address"], district["address_verified"]) == (None, False)
    assert district["division"] == {"code": "350212", "name": "同安区"}
    assert city["hours"][0] == {"weekdays": [1, 2, 3, 4, 5], "from": "09:00", "to": "12:00"}
    assert not city["hours_verified"]
    assert {"code": "exit-entry", "name": "出入境业务"} in city["categories"]
    assert get(public, "/halls/XM?lang=en").json["short_name"] == "City hall"


def test_categories(public: FlaskClient) -> None:
    categories = get(public, "/categories?lang=en").json["categories"]
    assert categories[0] == {"code": "construction", "prefix": "A", "name": "Construction projects"}


def test_an_item_has_the_whole_shape(public: FlaskClient) -> None:
    item = get(public, "/items/passport-first").json
    assert set(item) == ITEM
    assert item["category"] == {"code": "exit-entry", "name": "出入境业务"}
    assert len(item["code"]) == 31
    assert item["hall_codes"] == ["XM", "XM-CRJ1", "XM-CRJ2"]
    assert item["mail"] == {"in": False, "out": True, "payer": "applicant"}
    assert item["booking"] == {
        "family": "passport", "minutes": 15, "extra_minutes": 10, "max_items": 3, "max_people": 4, "level": 1,
        "pre_check": False,
    }  # fmt: skip
    assert item["materials"][0] == {
        "id": "passport-first.id-card",
        "name": "居民身份证",
        "source": "licence_library",
        "source_label": "从电子证照库调取",
        "original": 1,
        "copies": 0,
        "exempt": True,
        "note": "系统查得到的不用交，核对身份时出示原件",
    }
    assert item["steps"][0] == {"title": "预约", "text": "选一个出入境窗口和时间"}
    assert item["updated_at"].endswith("Z")
    assert item["verified"] is False


def test_every_item_in_both_languages(public: FlaskClient) -> None:
    slugs = [item["slug"] for item in get(public, "/items?limit=100").json["items"]]
    assert len(slugs) == 46
    for slug in slugs:
        chinese, english = get(public, f"/items/{slug}").json, get(public, f"/items/{slug}?lang=en").json
        assert set(chinese) == set(english) == ITEM
        assert english["name"].isascii(), slug
        for text in (english["summary"], *english["conditions"], *(step["text"] for step in english["steps"])):
            assert text.isascii(), f"{slug}: {text}"
        for material in english["materials"]:
            assert material["name"].isascii(), material


def test_a_confirmed_fee_is_shown_and_another_is_not_shown_as_a_fact(public: FlaskClient) -> None:
    passport, note = get(public, "/items/passport-first").json["fees"]
    assert passport == {
        "name": "普通护照工本费",
        "amount_fen": 12000,
        "unit": "本",
        "basis": "发改价格〔2019〕914号",
        "valid_from": "2019-07-01",
        "verified": True,
        "note": None,
    }
    assert note == {
        "name": "护照加注",
        "amount_fen": None,
        "unit": None,
        "basis": None,
        "valid_from": None,
        "verified": False,
        "note": "要加注时才收；收费标准待核实，以窗口公布的为准",
    }


def test_the_fee_in_force_today_is_shown(public: FlaskClient, clock: Clock) -> None:
    with db.transaction() as session:
        fees.set_standard(
            session, code="passport", valid_from=date(2019, 7, 1), valid_to=date(2026, 11, 30), amount_fen=12000,
            unit="copy", legal_basis="旧文", verified=True,
        )  # fmt: skip
        fees.set_standard(
            session, code="passport", valid_from=date(2026, 12, 1), valid_to=None, amount_fen=11000,
            unit="copy", legal_basis="新文", verified=True,
        )  # fmt: skip
        service.mark_changed(session)
    snapshot.forget()
    before = get(public, "/items/passport-first")
    clock.advance(days=7)
    after = get(public, "/items/passport-first", **{"If-None-Match": before.headers["ETag"]})
    assert (before.json["fees"][0]["amount_fen"], after.json["fees"][0]["amount_fen"]) == (12000, 11000)


def test_items_are_paged_most_popular_first(public: FlaskClient) -> None:
    slugs: list[str] = []
    cursor = ""
    while True:
        page = get(public, f"/items?limit=20{cursor}").json
        slugs += [item["slug"] for item in page["items"]]
        assert all(set(item) == SUMMARY for item in page["items"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(slugs) == len(set(slugs)) == 46
    assert slugs[:3] == ["passport-first", "hk-macao-permit", "marriage-registration"]


@pytest.mark.parametrize(
    ("query", "some"),
    [
        ("category=marriage", "divorce-registration"),
        ("tag=zero-trip", "sole-trader-registration"),
        ("popular=true", "passport-first"),
        ("category=business&tag=fully-online&popular=true", "company-registration"),
    ],
)
def test_items_are_filtered(public: FlaskClient, query: str, some: str) -> None:
    items = get(public, f"/items?limit=100&{query}").json["items"]
    assert some in [item["slug"] for item in items]
    assert len(items) < 46
    for item in items:
        assert "category=" not in query or item["category"]["code"] in query
        assert "zero-trip" not in query or item["visits"] == 0


def test_nothing_in_an_unknown_category(public: FlaskClient) -> None:
    assert get(public, "/items?category=nothing").json == {"items": [], "next_cursor": None}


def test_search(public: FlaskClient) -> None:
    found = get(public, "/items/search?q=hz&limit=2&lang=en").json
    assert found["query"] == "hz"
    assert [item["slug"] for item in found["items"]] == ["passport-first", "passport-renewal"]
    assert found["items"][0]["matched"] == "护照"
    assert found["items"][0]["name"] == "Passport, first application"
    assert set(found["items"][0]) == SUMMARY | {"matched"}
    assert get(public, "/items/search?q=zzzz").json["items"] == []


def test_the_nine_lists(public: FlaskClient) -> None:
    lists = get(public, "/lists").json["lists"]
    assert [row["name"] for row in lists] == [
        "马上办", "网上办", "就近办", "一次办", "全城通办", "靠前联办", "全程网办", "自助快办", "一趟不用跑",
    ]  # fmt: skip
    for row in lists:
        shown = get(public, f"/lists/{row['tag']}").json
        assert shown["version"] == 1
        assert shown["published_on"] == row["published_on"]
        assert len(shown["items"]) == row["count"] > 0


def test_an_old_edition_of_a_list_can_still_be_seen(public: FlaskClient, session: Session) -> None:
    assert get(public, "/lists/zero-trip?version=1").json["version"] == 1
    assert get(public, "/lists/zero-trip?version=2", 404).json["code"] == "list_not_found"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/items/nothing", 404, "item_not_found"),
        ("/halls/nothing", 404, "hall_not_found"),
        ("/lists/nothing", 404, "list_not_found"),
        ("/items?lang=fr", 422, "invalid_input"),
        ("/items?limit=0", 422, "invalid_input"),
        ("/items?tag=nothing", 422, "invalid_input"),
        ("/items?cursor=nothing", 422, "invalid_input"),
        ("/items?cursor=WyJub3RoaW5nIl0", 422, "invalid_input"),
        ("/items/search", 422, "invalid_input"),
        ("/items/search?q=", 422, "invalid_input"),
        ("/items/search?q=" + "a" * 81, 422, "invalid_input"),
        ("/lists/zero-trip?version=0", 422, "invalid_input"),
    ],
)
def test_what_is_refused(public: FlaskClient, path: str, status: int, code: str) -> None:
    answer = get(public, path, status)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == code
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/halls", "/halls/XM", "/categories", "/items", "/items/search?q=hz", "/items/passport-first", "/lists"]
)
def test_answers_are_cached_until_the_catalogue_changes(public: FlaskClient, path: str) -> None:
    first = get(public, path)
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "public, max-age=60"

    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = get(public, path, 304, **{"If-None-Match": known})
        assert same.data == b""
        assert same.headers["ETag"] == etag
    get(public, path, 200, **{"If-None-Match": '"other"'})

    with db.transaction() as session:
        service.mark_changed(session)
    snapshot.forget()
    changed = get(public, path, 200, **{"If-None-Match": etag})
    assert changed.headers["ETag"] != etag


def test_language_and_query_have_their_own_etag(public: FlaskClient) -> None:
    paths = ["/items", "/items?lang=en", "/items?limit=5", "/items/search?q=hz", "/items/search?q=护照", "/halls"]
    assert len({get(public, path).headers["ETag"] for path in paths}) == len(paths)


def test_the_address_alone_decides_the_language(public: FlaskClient) -> None:
    assert get(public, "/categories", **{"Accept-Language": "en"}).json["categories"][0]["name"] == "工程建设项目"
