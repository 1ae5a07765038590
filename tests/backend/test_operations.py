"""Health, metrics, headers, front-end files and the API document."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.core.config import Settings
from backend.openapi import current_document
from backend.web import content_security_policy

ROOT = Path(__file__).parent.parent.parent


def test_a_node_with_a_database_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["checks"]["migrations"] == "ok"


def test_livez_and_metrics_answer(client: FlaskClient) -> None:
    assert client.get("/livez").json == {"status": "ok"}
    assert b"http_request_seconds" in client.get("/metrics").data


def test_every_answer_carries_the_request_id(client: FlaskClient) -> None:
    assert client.get("/livez", headers={"X-Request-Id": "abcdefgh-1"}).headers["X-Request-Id"] == "abcdefgh-1"
    forged = client.get("/livez", headers={"X-Request-Id": "a b"}).headers["X-Request-Id"]
    assert forged != "a b"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("POST", "/livez", 405, "method_not_allowed"),
    ],
)
def test_refusals_are_problems(client: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == code
    assert answer.json["instance"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/tickets/%00", "/items/%00"])
def test_a_name_that_cannot_be_stored_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1{path}").status_code == 404


@pytest.mark.parametrize("text", ["\\u0000", "\\ud920"])
def test_text_that_cannot_be_stored_is_refused_by_its_field(client: FlaskClient, text: str) -> None:
    body = f'{{"username": "gate.xm", "password": "a{text}", "totp": "000000"}}'
    answer = client.post("/api/v1/staff/session", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/password"]


def test_a_search_for_what_cannot_be_stored_is_refused(client: FlaskClient) -> None:
    answer = client.get("/api/v1/items?q=%00&q=a")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/q"]


def test_problems_speak_the_language_asked_for(client: FlaskClient) -> None:
    chinese = client.get("/api/v1/nothing").json
    english = client.get("/api/v1/nothing", headers={"Accept-Language": "en"}).json
    assert chinese["title"] == "没有找到"
    assert english["title"] == "Not found"


def test_the_policy_allows_only_our_own_scripts(settings: Settings) -> None:
    policy = content_security_policy(settings)
    assert "unsafe" not in policy
    assert "object-src 'none'" in policy


def test_each_app_gets_its_pages_and_only_those_with_a_camera_run_webassembly(
    client: FlaskClient, tmp_path: Path, app: Flask
) -> None:
    before = app.extensions["settings"]
    (tmp_path / "hall").mkdir()
    for name in ("index.html", "hall/hall.html"):
        (tmp_path / name).write_text(name)
    app.extensions["settings"] = replace(before, pwa_dir=tmp_path)
    try:
        policies = {}
        pages = {}
        for path in ("/", "/staff/", "/staff/login", "/staff/scan", "/staff/collect", "/screen/350200-A", "/staffing"):
            with client.get(path) as answer:
                policies[path] = answer.headers["Content-Security-Policy"]
                assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                pages[path] = answer.get_data(as_text=True)
    finally:
        app.extensions["settings"] = before
    framing = {path for path, policy in policies.items() if policy.endswith("; frame-src blob:")}
    assert framing == {"/staff/", "/staff/login", "/staff/scan", "/staff/collect"}
    assert {path for path, policy in policies.items() if "'wasm-unsafe-eval'" in policy} == {
        "/staff/scan",
        "/staff/collect",
    }
    assert [path for path, text in pages.items() if text == "index.html"] == ["/", "/staffing"]


def test_the_committed_api_document_is_current(app: Flask) -> None:
    committed = json.loads((ROOT / "pwa" / "openapi.json").read_text())
    assert committed == json.loads(json.dumps(current_document(app))), "run `make openapi`"
