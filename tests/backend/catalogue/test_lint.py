"""The item linter: every rule refuses what it must and lets the seed pass."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from backend.catalogue import doctor
from backend.catalogue.item_models import Item as ItemRow
from backend.catalogue.item_models import ItemHall
from backend.catalogue.lint import is_catch_all, lint_catalogue, lint_item
from backend.catalogue.values import Item, ItemFee, Mail, Material
from backend.core.errors import Text
from payments.queries import Fee, Tariff

TODAY = date(2026, 11, 24)
MakeItem = Callable[..., Item]
MakeMaterial = Callable[..., Material]


def tariff(amount_fen: int | None, *, verified: bool = True) -> ItemFee:
    fees = () if amount_fen is None else (Fee("x", amount_fen, "copy", "某号文", verified, date(2020, 1, 1), None),)
    return ItemFee(Tariff("x", "non_tax", "TEST-350299-001", Text("费", "Fee"), fees), None)


def codes(item: Item) -> list[str]:
    return [finding.code for finding in lint_item(item, on=TODAY)]


def test_an_item_without_fault(make_item: MakeItem) -> None:
    assert codes(make_item()) == []


@pytest.mark.parametrize(
    "name",
    [
        "其他材料",
        "其它材料",
        "其他相关材料",
        "有关材料",
        "等相关材料",
        "身份证等相关材料",
        "相关资料",
        "其 他 材 料",
        "其他　材料",
        "【其他】材料",
        "其他\u200b材料",
        "其他、材料",
        "有关证明材料",
        "其他需要提交的材料",
        "法律法规规定的其他材料",
        "其他能够证明身份的材料",
        "所需材料",
        "必要的文件",
        "户口簿、身份证等材料",
        "相关证件",
        "證明其他資料",
        "申请材料等",
        "根据实际情况提供",
        "审批部门认为有必要提供的",
        "Other documents",
        "any related materials",
        "Identity card, etc.",
    ],
)
def test_catch_all_wordings_are_refused(name: str, make_item: MakeItem, make_material: MakeMaterial) -> None:
    assert is_catch_all(name)
    material = make_material(name=Text(name, name))
    assert codes(make_item(materials=(material,))) == ["catch_all_material"]


@pytest.mark.parametrize(
    "name",
    [
        "居民身份证",
        "土地权属来源材料",
        "竣工验收材料",
        "申请材料清单",
        "离婚证或者法院调解书、判决书",
        "其他股东的身份证",
        "有关部门的批准文件编号",
        "经营场所使用证明",
        "二等功证书",
        "Court document (if divorced)",
        "For other buildings",
    ],
)
def test_definite_wordings_pass(name: str) -> None:
    assert not is_catch_all(name)


def test_a_catch_all_wording_needs_a_document(make_item: MakeItem, make_material: MakeMaterial) -> None:
    vague = {"name": Text("其他材料", "Other documents")}
    assert codes(make_item(materials=(make_material(**vague, wording_document=" "),))) == ["catch_all_material"]
    assert codes(make_item(materials=(make_material(**vague, wording_document="某办〔2018〕1号"),))) == []


def test_notes_and_conditions_are_read_too(make_item: MakeItem, make_material: MakeMaterial) -> None:
    note = make_material(note=Text("按要求另附有关材料", "As listed"))
    assert codes(make_item(materials=(note,))) == ["catch_all_material"]
    assert codes(make_item(conditions=(Text("备齐相关资料", "Bring the papers"),))) == ["catch_all_condition"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"visits": 0}, "no_visit_without_route"),
        ({"visits_reason": None}, "visit_without_reason"),
        ({"visits_reason": Text("要到场", " ")}, "visit_without_reason"),
        ({"depth": 5}, "fully_online_with_visit"),
        ({"kind": "filing"}, "filing_not_online"),
        ({"promise_days": 21}, "promise_above_law"),
        ({"instant": True}, "instant_not_within_a_day"),
        ({"instant": True, "promise_days": None}, "instant_not_within_a_day"),
        ({"fees": (tariff(100),)}, "free_with_fee"),
        ({"free": False}, "fee_unknown"),
        ({"free": False, "fees": (tariff(0),)}, "fee_of_nothing"),
        ({"booking": {"minutes": 4}}, "booking_out_of_range"),
        ({"booking": {"minutes": 241}}, "booking_out_of_range"),
        ({"booking": {"extra_minutes": -1}}, "booking_out_of_range"),
        ({"booking": {"max_items": 0}}, "booking_out_of_range"),
        ({"booking": {"max_people": 11}}, "booking_out_of_range"),
        ({"booking": {"level": 4}}, "booking_out_of_range"),
        ({"booking": {"family": " "}}, "family_missing"),
        ({"booking": {"hall_codes": ()}}, "visit_without_hall"),
        ({"object": "legal"}, "people_for_legal_person"),
        ({"booking": {"pre_check": True}, "depth": 1}, "pre_check_without_filing"),
        ({"booking": {"pre_check": True}, "visits": 0, "mail": Mail(True, False, "none")}, "pre_check_without_visit"),
        ({"code": "113502990000000198" + "0" * 13}, "item_code_invalid"),
        ({"slug": "Passport first"}, "slug_invalid"),
    ],
)
def test_each_rule(changes: dict[str, Any], code: str, make_item: MakeItem) -> None:
    assert codes(make_item(**changes)) == [code]


@pytest.mark.parametrize(
    "changes",
    [
        {"visits": 0, "visits_reason": None, "depth": 5},
        {"visits": 0, "visits_reason": None, "online_url": "https://example.cn/passport"},
        {"visits": 0, "visits_reason": None, "mail": Mail(inward=True, outward=True, payer="applicant")},
        {"promise_days": 20},
        {"law_days": None, "promise_days": 90},
        {"instant": True, "promise_days": 1},
        {"free": False, "fees": (tariff(100),)},
        {"free": False, "fees": (tariff(None),)},
        {"free": False, "fees": (tariff(0, verified=False),)},
        {"kind": "filing", "self_service": True},
    ],
)
def test_what_is_allowed(changes: dict[str, Any], make_item: MakeItem) -> None:
    assert codes(make_item(**changes)) == []


def test_an_exempt_material_comes_from_somewhere(make_item: MakeItem, make_material: MakeMaterial) -> None:
    assert codes(make_item(materials=(make_material(exempt=True),))) == ["exempt_without_source"]
    assert codes(make_item(materials=(make_material(exempt=True, source="eproof"),))) == []


def test_the_seed_has_no_finding(seed: None, session: Session) -> None:
    assert [str(finding) for finding in lint_catalogue(session)] == []
    assert doctor.invariants(session) == []


def test_the_doctor_names_what_is_broken(seed: None, session: Session) -> None:
    session.execute(update(ItemRow).where(ItemRow.slug == "passport-first").values(visits_reason_zh=None))
    session.add(ItemHall(item_slug="passport-first", hall_code="TA"))
    session.flush()
    assert doctor.invariants(session) == [
        "catalogue: passport-first: visit_without_reason: a visit is declared without a reason in both languages",
        "catalogue: passport-first is offered at TA, which has no such window",
    ]
