"""Forms: what is asked under which condition, and what is said about wrong answers, in both languages."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backend.applications import forms
from backend.applications.forms import Form
from backend.core.errors import InvalidInput
from backend.seed import data
from tests.backend.applications.people import id_number

LABEL = {"zh": "名称", "en": "Name"}


def form(*fields: dict[str, Any]) -> Form:
    pages = [{"key": "one", "title": LABEL, "fields": [{"label": LABEL, **field} for field in fields]}]
    return Form("x", 1, forms.schema_of(pages), pages, {}, {})


def seeded(item: str) -> Form:
    [row] = [row for row in data.forms() if row["item"] == item]
    return Form(item, 1, forms.schema_of(row["page"]), row["page"], row.get("materials", {}), row.get("fees", {}))


def said(found: Form, answers: dict[str, Any]) -> dict[str, str]:
    return {problem.pointer: problem.detail.zh for problem in forms.problems(found, answers)}


@pytest.mark.parametrize("row", data.forms(), ids=lambda row: row["key"])
def test_every_seeded_form_is_a_valid_schema_in_both_languages(row: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(forms.schema_of(row["page"]))
    names = [field["name"] for page in row["page"] for field in page["fields"]]
    assert len(names) == len(set(names))
    for page in row["page"]:
        for field in page["fields"]:
            assert all(field["label"][language] for language in ("zh", "en"))
            condition = field.get("show_if")
            if condition:
                assert condition["field"] in names[: names.index(field["name"])], "a cause stands before its question"
    items = {item["slug"]: item for item in data.items()}
    if row["item"] != "*":
        item = items[row["item"]]
        assert set(row.get("materials", {})) <= {material["id"] for material in item["materials"]}
        assert set(row.get("fees", {})) <= {fee["code"] for fee in item.get("fees", [])}


def test_a_question_is_asked_only_under_its_condition() -> None:
    renewal = seeded("passport-renewal")
    stolen = said(renewal, {"why": "stolen", "note": False})
    full = said(renewal, {"why": "full", "note": False})
    assert "/answers/lost_when" in stolen
    assert "/answers/lost_when" not in full
    hidden = forms.shown(renewal, {"why": "full", "lost_when": "2026-01-01", "lost_where": "车站"})
    assert hidden == {"why": "full"}


def test_a_question_behind_a_hidden_one_is_hidden_too() -> None:
    cause = {"name": "a", "kind": "yes_no"}
    middle = {"name": "b", "kind": "yes_no", "show_if": {"field": "a", "is": [True]}}
    last = {"name": "c", "kind": "text", "show_if": {"field": "b", "is": [True]}}
    found = form(cause, middle, last)
    assert forms.shown(found, {"a": False, "b": True, "c": "x"}) == {"a": False}
    assert said(found, {"a": False}) == {}
    assert set(said(found, {"a": True, "b": True})) == {"/answers/c"}


def test_errors_are_plain_words_in_both_languages_in_the_order_of_the_pages() -> None:
    company = seeded("company-registration")
    answers = {
        "company_name": "厦门",
        "company_type": "pirate",
        "capital_wan": 0,
        "shareholders": [{"name": "张测试", "id_number": "350299199001010011", "share_percent": 101}],
        "email": "nobody",
        "representative_phone": "12",
    }
    problems = forms.problems(company, answers)
    found = {problem.pointer: problem.detail for problem in problems}
    assert found["/answers/company_name"].zh == "至少 5 个字"
    assert found["/answers/company_type"].en == "Choose from the list"
    assert found["/answers/capital_wan"].zh == "不能小于 1"
    assert found["/answers/shareholders/0/id_number"].zh == "身份证号不对，请检查"
    assert found["/answers/shareholders/0/share_percent"].en == "Not more than 100"
    assert found["/answers/email"].zh.startswith("邮箱不对")
    assert found["/answers/scope"].zh == "请填写经营范围"
    assert found["/answers/premises_kind"].en == "Choose: How you have the premises"
    assert found["/answers/truthful"].zh == "要同意才能继续"
    names = [field["name"] for field in company.fields()]
    order = [names.index(problem.pointer.split("/")[2]) for problem in problems]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", "一", ""),
        ("number", 3, 3.5),
        ("number", 0, -1),
        ("date", "2026-02-28", "2026-02-30"),
        ("date", "2026-02-28", "20260228"),
        ("phone", "13900001111", "1390000111"),
        ("id_number", id_number(), "350299199001010011"),
        ("credit_code", "91350299MA0000015P", "91350299MA0000015Q"),
        ("yes_no", False, "false"),
        ("agree", True, False),
    ],
)
def test_each_kind_of_answer_takes_the_good_and_refuses_the_bad(kind: str, good: object, bad: object) -> None:
    one = form({"name": "x", "kind": kind})
    assert said(one, {"x": good}) == {}
    assert set(said(one, {"x": bad})) == {"/answers/x"}
    assert all(problem.detail.zh and problem.detail.en for problem in forms.problems(one, {"x": bad}))


def test_what_is_half_typed_is_kept_and_what_is_not_asked_is_refused() -> None:
    one = form({"name": "x", "kind": "date"}, {"name": "id", "kind": "text", "source": "profile.id_number"})
    assert forms.accept_changes(one, {}, {"x": "2026-"}) == {"x": "2026-"}
    assert forms.accept_changes(one, {"x": "2026-"}, {"x": None}) == {}
    for name, value in (("y", "1"), ("id", "350299199001010010"), ("x", "长" * forms.MOST_BYTES)):
        with pytest.raises(InvalidInput):
            forms.accept_changes(one, {}, {name: value})


def test_an_unknown_answer_never_reaches_a_case() -> None:
    assert forms.shown(form({"name": "x", "kind": "text"}), {"x": "一", "role": "admin"}) == {"x": "一"}
    with pytest.raises(ValueError, match="no such kind"):
        forms.schema_of([{"key": "one", "title": LABEL, "fields": [{"name": "x", "kind": "script", "label": LABEL}]}])
