"""The nine published lists: each equals its rule, is dated, and old editions stay."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.catalogue import lists, service, snapshot
from backend.catalogue.item_models import Item as ItemRow
from backend.catalogue.item_models import ListAddition
from backend.catalogue.schemas import TAGS
from backend.catalogue.values import Item

LATER = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("changes", "tag", "on_it"),
    [
        ({"instant": True}, "on-the-spot", True),
        ({"instant": False}, "on-the-spot", False),
        ({"depth": 3}, "online", True),
        ({"depth": 2}, "online", False),
        ({"booking": {"hall_codes": ("XM", "TA")}}, "nearby", True),
        ({"self_service": True}, "nearby", True),
        ({"partners": ("bank",)}, "nearby", True),
        ({}, "nearby", False),
        ({"visits": 1}, "one-trip", True),
        ({"visits": 2}, "one-trip", False),
        ({"booking": {"hall_codes": ("XM", "TA")}}, "city-wide", True),
        ({"booking": {"hall_codes": ("XM", "TA")}, "handle_area": "division"}, "city-wide", False),
        ({}, "city-wide", False),
        ({"partners": ("hospital",)}, "upfront", True),
        ({}, "upfront", False),
        ({"depth": 5, "visits": 0}, "fully-online", True),
        ({"depth": 4, "visits": 0}, "fully-online", False),
        ({"self_service": True}, "self-service", True),
        ({"visits": 0}, "zero-trip", True),
        ({"visits": 1}, "zero-trip", False),
    ],
)
def test_each_rule(changes: dict[str, Any], tag: str, on_it: bool, make_item: Callable[..., Item]) -> None:
    assert (tag in lists.tags_of(make_item(**changes))) is on_it


def test_the_api_knows_the_same_nine_lists(catalogue: snapshot.Snapshot) -> None:
    assert tuple(lists.RULES) == TAGS == tuple(catalogue.lists)


def test_each_published_list_equals_its_rule(catalogue: snapshot.Snapshot) -> None:
    for tag, rule in lists.RULES.items():
        (edition,) = catalogue.lists[tag].editions
        by_rule = {item.slug for item in catalogue.items.values() if rule(item)}
        assert {entry.item_slug for entry in edition.entries} == by_rule
        assert by_rule, tag


def test_a_changed_item_makes_a_new_edition_and_the_old_one_stays(seed: None, session: Session) -> None:
    session.execute(update(ItemRow).where(ItemRow.slug == "property-query").values(self_service=False))
    assert service.publish_lists(session, on=LATER) == ["self-service"]
    assert service.publish_lists(session, on=LATER) == []

    newest, first = snapshot.build(session, (2, None)).lists["self-service"].editions
    assert (newest.version, newest.published_on, first.version) == (2, LATER, 1)
    assert "property-query" in {entry.item_slug for entry in first.entries}
    assert "property-query" not in {entry.item_slug for entry in newest.entries}


def test_an_item_added_by_hand_carries_its_reason(seed: None, session: Session) -> None:
    session.add(ListAddition(tag="upfront", item_slug="fund-leaving", reason="银行网点试点"))
    assert service.publish_lists(session, on=LATER) == ["upfront"]

    built = snapshot.build(session, (2, None))
    entries = {entry.item_slug: entry.reason for entry in built.lists["upfront"].editions[0].entries}
    assert entries["fund-leaving"] == "银行网点试点"
    assert entries["social-card-apply"] is None
    assert "upfront" in built.items["fund-leaving"].tags


def test_an_addition_without_a_reason_is_refused(seed: None, session: Session) -> None:
    session.add(ListAddition(tag="upfront", item_slug="fund-leaving", reason="  "))
    with pytest.raises(IntegrityError):
        session.flush()
