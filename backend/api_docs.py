"""/docs/api: the OpenAPI document as a page for people, on the server, without a script."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template, send_from_directory
from markupsafe import Markup, escape

from backend.core import problems
from backend.core.auth import public
from backend.core.errors import ServiceError
from backend.identity.roles import PERMISSIONS
from backend.openapi import METHODS, current_document, endpoints

blueprint = Blueprint("api_docs", __name__, template_folder="templates")

GENERAL = "general"
LEVELS = {0: "a citizen who is logged in", 1: "a citizen with a phone number", 2: "a citizen with a real name"}
LIMITS = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least characters:",
    "maxLength": "at most characters:",
    "minItems": "at least entries:",
    "maxItems": "at most entries:",
    "pattern": "pattern",
    "default": "default",
}


@dataclass(frozen=True)
class Operation:
    """One method on one path, ready to be shown."""

    anchor: str
    method: str
    path: str
    summary: str
    about: str
    callers: str
    parameters: list[dict[str, Any]]
    body: Markup | None
    answers: list[tuple[str, str, Markup]]
    problems: list[str]


@dataclass
class Group:
    """The operations of one tag, and the feature that serves them."""

    name: str
    about: str
    operations: list[Operation] = field(default_factory=list)
    feature: str = ""


@blueprint.get("/docs/api")
@public
def page() -> Response:
    """The page; made once a process."""
    made = current_app.extensions.setdefault("api_docs", {})
    if not made:
        document = current_document(current_app)
        groups = _groups(current_app, document)
        made["html"] = render_template(
            "api_docs.html",
            title=document["info"]["title"],
            groups=groups,
            schemas=document["components"]["schemas"],
            problems=_problems_by_feature({group.feature for group in groups}),
            type_of=type_of,
        )
    answer = Response(made["html"], mimetype="text/html")
    answer.headers["Cache-Control"] = "public, max-age=60"
    return answer


@blueprint.get("/docs/api.css")
@public
def style() -> Response:
    """The page's style sheet; the policy allows none inside the page."""
    answer = send_from_directory(Path(__file__).parent / "templates", "api_docs.css", mimetype="text/css")
    answer.headers["Cache-Control"] = "public, max-age=60"
    return answer


def type_of(schema: Mapping[str, Any]) -> Markup:
    """A schema in words; what has a name is a link to it."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return Markup(" or ").join(type_of(option) for option in options)
    if "enum" in schema:
        values = (Markup("<code>{}</code>").format(value) for value in schema["enum"])
        return Markup("one of ") + Markup(", ").join(values)
    kinds = schema.get("type", "any value")
    words = Markup(" or ").join([kinds] if isinstance(kinds, str) else kinds)
    if "items" in schema:
        words = Markup("list of ") + type_of(schema["items"])
    elif isinstance(schema.get("additionalProperties"), Mapping):
        words = Markup("object of ") + type_of(schema["additionalProperties"])
    if schema.get("format"):
        words += Markup(" ({})").format(schema["format"])
    limits = [Markup("{} <code>{}</code>").format(LIMITS[key], schema[key]) for key in LIMITS if key in schema]
    return Markup(", ").join([words, *limits])


def _groups(app: Flask, document: dict[str, Any]) -> list[Group]:
    groups = {tag["name"]: Group(tag["name"], tag.get("description", "")) for tag in document["tags"]}
    names = endpoints(app)
    for path, item in document["paths"].items():
        for method in (method for method in item if method in METHODS):
            tag = item[method]["tags"][0]
            groups[tag].operations.append(_operation(method, path, item))
            groups[tag].feature = _feature(app.view_functions[names[path, method]].__module__)
    return [group for group in groups.values() if group.operations]


def _operation(method: str, path: str, item: dict[str, Any]) -> Operation:
    told = item[method]
    body = told.get("requestBody", {}).get("content", {})
    parameters = [*item.get("parameters", []), *told.get("parameters", [])]
    return Operation(
        anchor=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        summary=told.get("summary", ""),
        about=told.get("description", ""),
        callers=_callers(told.get("x-access")),
        parameters=parameters,
        body=next((type_of(kind["schema"]) for kind in body.values()), None),
        answers=[*_answers(told)],
        problems=_general_problems(told, has_input=bool(body or parameters)),
    )


def _callers(access: dict[str, Any] | None) -> str:
    if access is None:
        return "anybody"
    if access["kind"] == "citizen":
        return LEVELS[access["level"]]
    if access["kind"] == "device":
        return "an enrolled device, by its signature"
    if not access["permission"]:
        return "any member of staff"
    roles = [role for role, permissions in PERMISSIONS.items() if access["permission"] in permissions]
    return f"staff with {access['permission']} ({', '.join(roles)})"


def _answers(told: dict[str, Any]) -> Iterator[tuple[str, str, Markup]]:
    for status, answer in told["responses"].items():
        if status < "4":
            types = [type_of(kind["schema"]) for kind in answer.get("content", {}).values()]
            yield status, answer.get("description", ""), Markup(", ").join(types)


def _general_problems(told: dict[str, Any], *, has_input: bool) -> list[str]:
    access = told.get("x-access")
    codes = ["malformed_request", "invalid_input"] if has_input else []
    if access:
        codes += ["unauthenticated", "forbidden", "csrf_failed"]
        codes += ["level_required"] if access["level"] else []
    return [*codes, "too_many_requests", "busy"]


def _problems_by_feature(features: set[str]) -> dict[str, list[type[ServiceError]]]:
    """Every error, by the feature that raises it; those of the core and of features without routes are general."""
    found: dict[str, list[type[ServiceError]]] = {GENERAL: []}
    for kind in sorted(set(problems.all_errors()), key=lambda kind: (kind.status, kind.code)):
        feature = _feature(kind.__module__)
        found.setdefault(feature if feature in features else GENERAL, []).append(kind)
    return found


def _feature(module: str) -> str:
    """`backend.appointments.api` → `appointments`, `notify.api` → `notify`."""
    return module.removeprefix("backend.").partition(".")[0]
