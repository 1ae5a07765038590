"""Errors → application/problem+json (RFC 9457), and the Api and Blueprint that every feature uses."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import flask_smorest
from flask import Flask, Response, jsonify, request
from marshmallow import INCLUDE, Schema, fields
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException, UnsupportedMediaType

from backend.core import auth, clock, context, db
from backend.core.errors import Busy, FieldError, InvalidInput, NotFound, ServiceError, Text

log = logging.getLogger(__name__)

fields.DateTime.SERIALIZATION_FUNCS["iso"] = clock.rfc3339

PROBLEM_JSON = "application/problem+json"
BUSY_STATES = {"55P03", "57014", "53300"}
"""lock_timeout, statement_timeout, too many connections."""
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_NOT_STORABLE = Text("这里有不能保存的字符，请删掉再试", "This has characters that cannot be stored; remove them")


class ErrorSchema(Schema):
    """One refused field."""

    pointer = fields.String(required=True, metadata={"description": "RFC 6901 pointer into the request"})
    detail = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457 body. `code` is stable; texts follow Accept-Language; some problems carry more members."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String()
    instance = fields.String(required=True, metadata={"description": "Request id, to quote when asking for help"})
    errors = fields.List(fields.Nested(ErrorSchema))


class StrictParser(FlaskParser):
    """JSON bodies must say they are JSON (415), text must be storable, and unknown query parameters are ignored."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": "exclude"}

    def load_json(self, req: Any, schema: Any) -> Any:
        if not req.is_json and req.data:
            raise UnsupportedMediaType()
        return _storable(super().load_json(req, schema))

    def load_querystring(self, req: Any, schema: Any) -> Any:
        _storable({name: "".join(texts) for name, texts in req.args.lists()})
        return super().load_querystring(req, schema)


def _storable(values: Any) -> Any:
    """The same values. Raises InvalidInput where a text holds what PostgreSQL and UTF-8 cannot: NUL, half a pair."""
    if refused := list(_not_storable("", values)):
        raise InvalidInput(errors=[FieldError(pointer, _NOT_STORABLE) for pointer in refused])
    return values


def _not_storable(pointer: str, node: Any) -> Iterator[str]:
    if isinstance(node, str):
        if _UNSTORABLE.search(node):
            yield pointer
    elif isinstance(node, Mapping):
        for key, child in node.items():
            if _UNSTORABLE.search(key):
                yield pointer
            else:
                yield from _not_storable(pointer + _step(key), child)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _not_storable(f"{pointer}/{index}", child)


class ApiBlueprint(flask_smorest.Blueprint):
    """A blueprint whose routes survive being chosen as a deadlock victim."""

    ARGUMENTS_PARSER = StrictParser()

    def add_url_rule(self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any) -> None:
        if view_func is not None and not hasattr(view_func, "as_view"):
            view_func = db.retrying(view_func)
        super().add_url_rule(rule, endpoint, view_func, **options)


class Api(flask_smorest.Api):
    """flask-smorest with our error body, and a document that is made when somebody asks for it."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        self._undescribed: list[tuple[flask_smorest.Blueprint, str]] = []
        super().__init__(app)

    def register_blueprint(self, blueprint: flask_smorest.Blueprint, **options: Any) -> None:
        """Serve its routes. Describing them waits for `describe`: it costs every start two seconds of a processor."""
        name = options.get("name", blueprint.name)
        self._app.extensions["flask-smorest"]["blp_name_to_api"][name] = self
        self._app.register_blueprint(blueprint, **options)
        self._undescribed.append((blueprint, name))

    def describe(self) -> dict[str, Any]:
        """flask-smorest's OpenAPI document of everything that is registered. Not safe in two threads at once."""
        for blueprint, name in self._undescribed:
            blueprint.register_views_in_doc(self, self._app, self.spec, name=name, parameters=None)
            self.spec.tag({"name": name, "description": blueprint.description})
        self._undescribed.clear()
        described: dict[str, Any] = self.spec.to_dict()
        return described

    def _register_error_handlers(self) -> None:
        app = self._app
        app.register_error_handler(ServiceError, problem)
        app.register_error_handler(HTTPException, _http_problem)
        app.register_error_handler(PoolTimeout, lambda _: problem(Busy()))
        app.register_error_handler(OperationalError, _database_problem)
        app.register_error_handler(Exception, _crash)


def problem(error: ServiceError) -> Response:
    """The one place where an error becomes an answer."""
    language = auth.request_language()
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title.in_language(language),
        "status": error.status,
        "code": error.code,
        "instance": context.request_id.get(),
        **error.extension,
    }
    if error.detail:
        body["detail"] = error.detail.in_language(language)
    if error.errors:
        body["errors"] = [
            {"pointer": item.pointer, "detail": item.detail.in_language(language)} for item in error.errors
        ]
    answer = jsonify(body)
    answer.status_code = error.status
    answer.content_type = PROBLEM_JSON
    answer.headers.update(error.headers)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _http_problem(error: HTTPException) -> Response:
    messages = getattr(error, "data", {}).get("messages") if isinstance(getattr(error, "data", None), dict) else None
    if messages is not None:
        if set(messages) <= {"path", "view_args"}:
            return problem(NotFound())
        refused: ServiceError = InvalidInput(errors=list(_field_errors(messages)))
        return problem(refused)
    status = error.code or 500
    kind = _HTTP_KINDS.get(status)
    if kind is None:
        kind = type("HttpError", (ServiceError,), {"status": status, "code": f"http_{status}", "title": _HTTP_TITLE})
    answer = problem(kind())
    for name, value in error.get_headers():
        if name in {"Allow", "WWW-Authenticate", "Retry-After"}:
            answer.headers[name] = value
    return answer


def _database_problem(error: OperationalError) -> Response:
    state = db.sqlstate(error)
    if state in BUSY_STATES | db.RETRYABLE or error.connection_invalidated or not state:
        log.warning("database_busy", extra={"sqlstate": state})
        return problem(Busy())
    return _crash(error)


def _crash(error: Exception) -> Response:
    log.error("unexpected_error", extra={"route": str(request.url_rule), "kind": type(error).__name__})
    return problem(ServiceError())


class MethodNotAllowed(ServiceError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    title = Text("不支持这样的请求", "This method is not supported here")


class BodyTooLarge(ServiceError):
    """More than 1 MiB (uploads have their own limit)."""

    status = 413
    code = "body_too_large"
    title = Text("提交的内容太大了", "The request is too large")


class WrongMediaType(ServiceError):
    """The body is not application/json."""

    status = 415
    code = "wrong_media_type"
    title = Text("请用 JSON 提交", "Send JSON with Content-Type: application/json")


class Malformed(ServiceError):
    """The request cannot be parsed."""

    status = 400
    code = "malformed_request"
    title = Text("请求的格式不对", "The request is malformed")


class NotAcceptable(ServiceError):
    """No acceptable form of the answer."""

    status = 406
    code = "not_acceptable"
    title = Text("没有你要的格式", "No acceptable format")


_HTTP_TITLE = Text("请求没有成功", "The request did not succeed")
_HTTP_KINDS: dict[int, type[ServiceError]] = {
    400: Malformed,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    413: BodyTooLarge,
    415: WrongMediaType,
    500: ServiceError,
}

_MESSAGES = [
    (re.compile(r"Missing data for required field"), "请填写这一项"),
    (re.compile(r"Field may not be null"), "请填写这一项"),
    (re.compile(r"Unknown field"), "不认识的内容"),
    (re.compile(r"Shorter than minimum length (\d+)"), r"至少 \1 个字"),
    (re.compile(r"Longer than maximum length (\d+)"), r"最多 \1 个字"),
    (re.compile(r"Length must be between (\d+) and (\d+)"), r"长度要在 \1 到 \2 之间"),
    (
        re.compile(r"Must be greater than or equal to ([\d.]*\d) and less than or equal to ([\d.]*\d)"),
        r"要在 \1 到 \2 之间",
    ),
    (re.compile(r"Must be greater than or equal to ([\d.]*\d)"), r"不能小于 \1"),
    (re.compile(r"Must be less than or equal to ([\d.]*\d)"), r"不能大于 \1"),
    (re.compile(r"Not a valid (date|time|datetime)"), "日期或时间不对"),
    (re.compile(r"Not a valid integer|Not a valid number"), "请填写数字"),
    (re.compile(r"Must be one of"), "请从列出的选项里选"),
]


def _translated(message: str) -> Text:
    for pattern, chinese in _MESSAGES:
        found = pattern.search(message)
        if found:
            return Text(found.expand(chinese), message)
    return Text("填写的内容不对", message)


def _field_errors(messages: Mapping[str, Any]) -> Iterator[FieldError]:
    """webargs nests by location (json, query, …): flatten to RFC 6901 pointers."""
    for location in messages.values():
        yield from _walk("", location)


def _walk(pointer: str, node: Any) -> Iterator[FieldError]:
    if isinstance(node, Mapping):
        for key, child in node.items():
            yield from _walk(pointer + ("" if key == "_schema" else _step(str(key))), child)
    elif isinstance(node, list):
        for message in node:
            yield FieldError(pointer, _translated(str(message)))
    else:
        yield FieldError(pointer, _translated(str(node)))


def _step(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def all_errors(kind: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """Every error class, for the pages under /problems and their test."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ != __name__ or child.__name__ != "HttpError":
            yield from all_errors(child)


def create_api(app: Flask) -> Api:
    """The OpenAPI 3.1 document's root."""
    app.config.update(
        API_TITLE="微政务 API",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
    )
    return Api(app)
