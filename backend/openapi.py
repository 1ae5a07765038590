"""The OpenAPI 3.1 document: flask-smorest's own, plus what each route demands and how it refuses."""

from inspect import cleandoc
from threading import Lock
from typing import Any

from flask import Flask

from backend.core.auth import access_of
from backend.core.problems import PROBLEM_JSON, Api
from backend.core.signed import SCHEME

_describing = Lock()
METHODS = {"get", "post", "put", "patch", "delete"}


def document(app: Flask, api: Api) -> dict[str, Any]:
    """The document, computed once a process, when it is first asked for."""
    with _describing:
        if "openapi" not in app.extensions:
            app.extensions["openapi"] = _make(app, api)
    document_: dict[str, Any] = app.extensions["openapi"]
    return document_


def _make(app: Flask, api: Api) -> dict[str, Any]:
    spec = api.describe()
    spec.setdefault("components", {})["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-sid"},
        "device": {"type": "http", "scheme": SCHEME},
    }
    names = endpoints(app)
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                _describe(operation, access_of(app, names[path, method]))
    for answer in spec["components"].get("responses", {}).values():
        _say_problem_json(answer)
    _describe_schemas(api, spec)
    _name_instants(spec)
    return spec


def endpoints(app: Flask) -> dict[tuple[str, str], str]:
    """Path as in the document and method in small letters → endpoint."""
    return {
        (_openapi_path(rule.rule), method.lower()): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }


def _openapi_path(rule: str) -> str:
    parts = []
    for part in rule.split("/"):
        inner = part[1:-1].rsplit(":", 1)[-1] if part.startswith("<") and part.endswith(">") else None
        parts.append(f"{{{inner}}}" if inner else part)
    return "/".join(parts)


def _describe(operation: dict[str, Any], access: Any) -> None:
    if access is not None and access.kind != "public":
        operation["security"] = [{"device": []}] if access.kind == "device" else [{"bearer": []}, {"cookie": []}]
        operation["x-access"] = {"kind": access.kind, "level": access.level, "permission": access.permission}
    else:
        operation["security"] = []
    for status, answer in operation.get("responses", {}).items():
        if status == "default" or status >= "400":
            _say_problem_json(answer)


def _describe_schemas(api: Api, spec: dict[str, Any]) -> None:
    """A schema's docstring is its description."""
    for (kind, *_), name in api.ma_plugin.converter.refs.items():
        if kind.__doc__ and name in spec["components"]["schemas"]:
            spec["components"]["schemas"][name]["description"] = cleandoc(kind.__doc__)


def _name_instants(node: Any) -> None:
    """Instants with a strftime pattern come out of apispec without a format."""
    if isinstance(node, dict):
        if node.get("format", "") is None:
            node["format"] = "date-time"
            node.pop("pattern", None)
        for child in node.values():
            _name_instants(child)
    elif isinstance(node, list):
        for child in node:
            _name_instants(child)


def _say_problem_json(answer: dict[str, Any]) -> None:
    content = answer.get("content", {})
    if "application/json" in content:
        content[PROBLEM_JSON] = content.pop("application/json")


def current_document(app: Flask) -> dict[str, Any]:
    """The document of an application that has been created."""
    api: Api = app.extensions["api"]
    return document(app, api)
