"""The rules of the house, checked on the code itself."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask

from backend import database, postgres
from backend.core import problems
from backend.core.auth import access_of

ROOT = Path(__file__).parent.parent
PACKAGES = ("backend", "payments", "express", "notify")


def sources() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_only_transaction_commits() -> None:
    allowed = {"backend/core/db.py", "backend/database.py"}
    committing = {name for name, text in sources() if re.search(r"\.commit\(\)", text)} - allowed
    assert committing == set()


def test_only_the_clock_reads_the_time() -> None:
    allowed = ("backend/core/clock.py", "backend/core/logs.py", "backend/sandbox/", "notify/sandbox/")
    pattern = re.compile(r"datetime\.now\(|date\.today\(|datetime\.utcnow\(")
    reading = {name for name, text in sources() if pattern.search(text) and not name.startswith(allowed)}
    assert reading == set()


def test_only_the_state_helper_assigns_a_state() -> None:
    pattern = re.compile(r"^\s*\w+\.state = ", re.MULTILINE)
    assigning = {name for name, text in sources() if pattern.search(text) and "/sandbox/" not in name}
    assert assigning == set()


def test_no_function_is_too_long_and_no_file_either() -> None:
    for name, text in sources():
        if "/migrations/versions/" in name:
            continue
        assert text.count("\n") <= 500, name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 100, f"{name}: {node.name}"


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    unmarked = {rule.rule for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None}
    assert unmarked == set()


def test_unsafe_routes_are_public_only_where_a_login_begins_or_a_ticket_speaks(app: Flask) -> None:
    public = {
        rule.rule
        for rule in app.url_map.iter_rules()
        for access in [access_of(app, rule.endpoint)]
        if access and access.kind == "public" and rule.methods and rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
    }
    # A printed ticket's link is all that an anonymous holder has; WeChat and payment channels sign what they push;
    # steps of booking are counted without anybody.
    allowed = re.compile(
        r"^/wechat/<any\(official, mini\):name>$|^/callbacks/(wechat-pay|alipay|ems)$|"
        r"^/api/v1/(auth/.*|session|staff/session|device/enrolment|booking-steps|tickets/<link>/(cancel|return|rating|rating/supplement))$"
    )
    assert {rule for rule in public if not allowed.match(rule)} == set()


def test_the_routes_of_devices_are_signed(app: Flask) -> None:
    """All of them but the enrolment, which gives a device its key, and no other route counts a device in."""
    signed, other = set[tuple[str, str]](), set[tuple[str, str]]()
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        assert access is not None
        (signed if rule.rule.startswith("/api/v1/device") else other).add((access.kind, rule.rule))
    assert {rule for kind, rule in signed if kind != "device"} == {"/api/v1/device/enrolment"}
    assert {rule for kind, rule in other if kind == "device"} == set()


def test_every_error_has_its_own_code_and_both_languages() -> None:
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if "migrations" not in module.name and "gunicorn" not in module.name and module.name != "backend.wsgi":
                importlib.import_module(module.name)
    codes: dict[str, type] = {}
    for kind in problems.all_errors():
        assert codes.setdefault(kind.code, kind) is kind, f"{kind.__name__} and {codes[kind.code].__name__}"
        assert kind.__doc__, kind.__name__
        assert kind.title.zh, kind.__name__
        assert kind.title.en, kind.__name__


def test_every_problem_page_exists(app: Flask) -> None:
    client = app.test_client()
    for kind in problems.all_errors():
        assert client.get(f"/problems/{kind.code}").status_code == 200, kind.code
    assert client.get("/problems/nothing").status_code == 404


def test_migrations_go_down_and_up_again_and_match_the_models(server: postgres.Embedded) -> None:
    server.create("migrations")
    engine = sa.create_engine(server.url("migrations"))
    try:
        database.upgrade(server.url("migrations"))
        with engine.connect() as connection:
            command.downgrade(database.config(connection), "base")
            connection.commit()
        with engine.connect() as connection:
            left = sa.inspect(connection).get_table_names()
        assert left == ["alembic_version"]
        database.upgrade(server.url("migrations"))
        with engine.connect() as connection:
            command.check(database.config(connection))
    finally:
        engine.dispose()
        server.drop("migrations")


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-dev.lock", "requirements-node.lock", "pwa/package-lock.json"]
)
def test_lock_files_name_no_registry(name: str) -> None:
    path = ROOT / name
    text = path.read_text() if path.exists() else ""
    assert "--index-url" not in text
    assert '"resolved"' not in text
