"""/docs/api says everything the API document says, to people."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.api_docs import type_of
from backend.core import problems
from backend.openapi import METHODS, current_document


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return current_document(app)


@pytest.fixture
def html(client: FlaskClient) -> str:
    answer = client.get("/docs/api")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.text


def article(html: str, anchor: str) -> str:
    """The text of one article, without its tags."""
    found = re.search(rf'<article id="{re.escape(anchor)}">(.*?)</article>', html, re.DOTALL)
    assert found, anchor
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[1]))


def test_every_operation_schema_and_problem_is_on_the_page_once(html: str, document: dict[str, Any]) -> None:
    anchors = re.findall(r'\bid="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    operations = [(path, method) for path, item in document["paths"].items() for method in item if method in METHODS]
    assert len(re.findall(r'class="method"', html)) == len(operations) > 40
    for path, method in operations:
        anchor = f"{method}-{re.sub('[{}]', '', path).strip('/').replace('/', '-')}"
        shown = article(html, anchor)
        assert f"{method.upper()} {path}" in shown
        assert document["paths"][path][method].get("summary", "") in shown.replace("&#39;", "'").replace("&#34;", '"')
    for name in document["components"]["schemas"]:
        assert f"schema-{name}" in anchors
    for kind in problems.all_errors():
        assert f"<code>{kind.code}</code>" in html, kind.code


def test_every_link_inside_the_page_leads_somewhere(html: str) -> None:
    anchors = set(re.findall(r'\bid="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= anchors


def test_an_operation_says_who_may_call_it_with_what_and_what_comes_back(html: str) -> None:
    scan = article(html, "post-api-v1-staff-check-ins")
    assert "Who staff with check_in.scan (gate, window_clerk, hall_lead)" in scan
    assert "Body CheckInRequest" in scan
    assert "Answer 200 Arrival" in scan
    assert "unauthenticated, forbidden, csrf_failed" in scan
    hall = article(html, "get-api-v1-halls-code")
    assert "Who anybody" in hall
    assert "code in path" in hall
    assert "lang in query, optional one of zh, en" in hall
    assert "a citizen with a real name" in article(html, "post-api-v1-me-organisations")
    assert "level_required" in article(html, "post-api-v1-me-organisations")
    assert "any member of staff" in article(html, "get-api-v1-staff-halls")
    assert "The person's own data, masked" in article(html, "schema-Me").replace("&#39;", "'")


def test_the_page_needs_no_script_and_obeys_the_policy(client: FlaskClient, html: str) -> None:
    assert not re.search(r"<script|<style|\bstyle=|\bon\w+=", html)
    with client.get("/docs/api.css") as sheet:
        assert (sheet.status_code, sheet.mimetype) == (200, "text/css")
    assert "style-src 'self'" in client.get("/docs/api").headers["Content-Security-Policy"]
    assert client.get("/api/v1/openapi.json").status_code == 200


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Me"}, '<a href="#schema-Me">Me</a>'),
        ({"anyOf": [{"$ref": "#/x/Me"}, {"type": "null"}]}, '<a href="#schema-Me">Me</a> or null'),
        ({"type": ["string", "null"], "format": "date-time"}, "string or null (date-time)"),
        (
            {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
            "list of integer, at most entries: <code>3</code>",
        ),
        ({"type": "string", "pattern": "<b>"}, "string, pattern <code>&lt;b&gt;</code>"),
        ({"enum": ["a", "<"]}, "one of <code>a</code>, <code>&lt;</code>"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        ({}, "any value"),
    ],
)
def test_types_are_told_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_of(schema) == words
