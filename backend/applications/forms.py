"""Forms 表单: JSON Schema from the pages that people see, what is shown of it, and what is wrong with the answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from backend.core import clock
from backend.core.errors import FieldError, InvalidInput, Text
from backend.identity import idnumber

Answers = dict[str, Any]
Field = Mapping[str, Any]

MOST_BYTES: Final = 64 * 1024
"""Of all answers of one application."""
SHORT, LONG, MOST_ROWS = 60, 500, 50
PROMISE: Final = "agree"
"""Kind of field in which an applicant gives their word."""

CHECKER = FormatChecker(formats=[])


@CHECKER.checks("date")
def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and date.fromisoformat(value).year >= 1900
    except ValueError:
        return False


@CHECKER.checks("phone")
def _is_phone(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 11 and value[0] == "1"


@CHECKER.checks("id_number")
def _is_id_number(value: object) -> bool:
    return isinstance(value, str) and idnumber.is_valid(value, today=clock.today())


@CHECKER.checks("credit_code")
def _is_credit_code(value: object) -> bool:
    return isinstance(value, str) and idnumber.credit_code_is_valid(value)


@dataclass(frozen=True)
class Form:
    """One version of a form, as the database holds it."""

    item_slug: str
    version: int
    schema: dict[str, Any]
    pages: Sequence[Mapping[str, Any]]
    materials: Mapping[str, Mapping[str, Any]]
    fees: Mapping[str, Mapping[str, Any]]

    def fields(self) -> Iterator[Field]:
        """Every field, in the order of the pages."""
        return (field for page in self.pages for field in page["fields"])

    def without_promise(self) -> "Form":
        """The same form where a letter of commitment is signed: nobody gives their word twice."""
        pages = [
            {**page, "fields": [field for field in page["fields"] if field["kind"] != PROMISE]}
            for page in self.pages
            if any(field["kind"] != PROMISE for field in page["fields"]) or not page["fields"]
        ]
        return replace(self, schema=schema_of(pages), pages=pages)


def schema_of(pages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """JSON Schema of these pages; a field with `show_if` is required only while it is shown."""
    fields = [field for page in pages for field in page["fields"]]
    conditional = [field for field in fields if _needed(field) and "show_if" in field]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {field["name"]: _property(field) for field in fields},
        "required": [field["name"] for field in fields if _needed(field) and "show_if" not in field],
    }
    return {**schema, "allOf": [_only_while_shown(field) for field in conditional]} if conditional else schema


def _only_while_shown(field: Field) -> dict[str, Any]:
    cause = field["show_if"]
    asked = {"required": [cause["field"]], "properties": {cause["field"]: {"enum": cause["is"]}}}
    return {"if": asked, "then": {"required": [field["name"]]}}


def _needed(field: Field) -> bool:
    return bool(field.get("required", True))


def _property(field: Field) -> dict[str, Any]:
    kind = field["kind"]
    if kind in {"text", "long"}:
        found = {
            "type": "string",
            "minLength": field.get("min", 1),
            "maxLength": field.get("max", LONG if kind == "long" else SHORT),
        }
        return {**found, "pattern": field["pattern"]} if "pattern" in field else found
    if kind == "number":
        return {"type": "integer", "minimum": field.get("min", 0), "maximum": field.get("max", 10**12)}
    if kind in {"date", "phone", "id_number", "credit_code"}:
        return {"type": "string", "format": kind}
    if kind == "yes_no":
        return {"type": "boolean"}
    if kind == PROMISE:
        return {"const": True}
    values = [option["value"] for option in field.get("options", ())]
    if kind == "choice":
        return {"enum": values}
    if kind == "choices":
        return {"type": "array", "items": {"enum": values}, "uniqueItems": True, "minItems": 1}
    if kind == "list":
        inner = field["fields"]
        row = {
            "type": "object",
            "additionalProperties": False,
            "properties": {one["name"]: _property(one) for one in inner},
            "required": [one["name"] for one in inner if _needed(one)],
        }
        return {"type": "array", "items": row, "minItems": field.get("min", 1), "maxItems": field.get("max", MOST_ROWS)}
    raise ValueError(f"no such kind of field: {kind}")


def is_shown(condition: Mapping[str, Any] | None, answers: Mapping[str, Any]) -> bool:
    """Whether a condition `{"field", "is"}` holds; no condition always does."""
    return condition is None or answers.get(condition["field"]) in condition["is"]


def shown(form: Form, answers: Mapping[str, Any]) -> Answers:
    """The answers to questions that are asked: what is hidden is no part of the application."""
    kept: Answers = {}
    for field in form.fields():
        if field["name"] in answers and is_shown(field.get("show_if"), kept):
            kept[field["name"]] = answers[field["name"]]
    return kept


def problems(form: Form, answers: Mapping[str, Any]) -> list[FieldError]:
    """What is missing or wrong, in the order of the pages; each pointer leads into `/answers`."""
    found: dict[str, Text] = {}
    for error in Draft202012Validator(form.schema, format_checker=CHECKER).iter_errors(dict(answers)):
        for path, words in _said(form, error):
            found.setdefault("/answers" + "".join(f"/{part}" for part in path), words)
    order = {field["name"]: number for number, field in enumerate(form.fields())}
    return [
        FieldError(pointer, found[pointer])
        for pointer in sorted(found, key=lambda one: order.get(one.split("/")[2], 0))
    ]


def accept_changes(form: Form, answers: Mapping[str, Any], changes: Mapping[str, Any]) -> Answers:
    """The answers after a change; None takes one away. What is half typed is kept as it is.

    Raises InvalidInput for a question that is not asked, for one that the profile answers, and for too much text.
    """
    known = {field["name"]: field for field in form.fields()}
    for name in changes:
        if name not in known or str(known[name].get("source", "")).startswith("profile."):
            wrong = Text("没有这一项，或者不用你填", "There is no such question, or it is not yours to answer")
            raise InvalidInput(errors=[FieldError(f"/answers/{name}", wrong)])
    after = {name: value for name, value in {**answers, **changes}.items() if value is not None}
    if len(json.dumps(after, ensure_ascii=False).encode()) > MOST_BYTES:
        raise InvalidInput(errors=[FieldError("/answers", Text("填的内容太多了", "This is too much text"))])
    return after


def _said(form: Form, error: ValidationError) -> Iterator[tuple[list[str], Text]]:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "required":
        needed, there = cast("list[str]", error.validator_value), cast("dict[str, Any]", error.instance)
        missing = [name for name in needed if name not in there]
        yield from (([*path, name], _words(_field(form, [*path, name]), "required", None)) for name in missing)
    else:
        yield path, _words(_field(form, path), str(error.validator), error.validator_value)


def _field(form: Form, path: Sequence[str]) -> Field:
    names = [part for part in path if not part.isdigit()]
    fields: Sequence[Field] = list(form.fields())
    found: Field = {}
    for name in names:
        found = next((field for field in fields if field["name"] == name), found)
        fields = found.get("fields", ())
    return found


FORMATS = {
    "date": Text("日期不对，例如 2026-03-01", "Give a date such as 2026-03-01"),
    "phone": Text("手机号不对，是 11 位数字", "Give a mobile number of 11 digits"),
    "id_number": Text("身份证号不对，请检查", "This id number is not right"),
    "credit_code": Text("统一社会信用代码不对，请检查", "The unified social credit code is not right"),
}


def _words(field: Field, validator: str, value: Any) -> Text:
    label = field.get("label", {"zh": "这一项", "en": "this"})
    if validator == "const" or field.get("kind") == PROMISE:
        return Text("要同意才能继续", "You need to agree to go on")
    if validator == "required" or (validator in {"minLength", "minItems"} and value == 1):
        if field.get("kind") in {"choice", "choices", "yes_no"}:
            return Text(f"请选择{label['zh']}", f"Choose: {label['en']}")
        return Text(f"请填写{label['zh']}", f"Fill in: {label['en']}")
    if "wrong" in field and validator in {"pattern", "minimum", "maximum"}:
        return Text(field["wrong"]["zh"], field["wrong"]["en"])
    if validator == "format":
        return FORMATS[value]
    sentences = {
        "minLength": Text(f"至少 {value} 个字", f"At least {value} characters"),
        "maxLength": Text(f"最多 {value} 个字", f"At most {value} characters"),
        "minItems": Text(f"至少 {value} 个", f"At least {value}"),
        "maxItems": Text(f"最多 {value} 个", f"At most {value}"),
        "minimum": Text(f"不能小于 {value}", f"Not less than {value}"),
        "maximum": Text(f"不能大于 {value}", f"Not more than {value}"),
        "enum": Text("请从列表里选", "Choose from the list"),
        "uniqueItems": Text("有重复的", "One is there twice"),
    }
    return sentences.get(validator, Text(f"{label['zh']}填得不对", f"This is not right: {label['en']}"))
