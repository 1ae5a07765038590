"""The whole API under generated requests: never a 5xx, never an answer its document does not describe."""

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from sqlalchemy.orm import Session

from backend.core import limits
from tests.backend.appointments.conftest import Citizen

OUTSIDE = ("/auth/", "/wechat/jsapi", "/session")
"""Operations that call a provider, hash a password or end the session; they have tests of their own."""


@pytest.mark.parametrize("logged_in", [False, True])
def test_no_request_breaks_the_api(
    app: Flask, session: Session, citizen: Citizen, monkeypatch: pytest.MonkeyPatch, logged_in: bool
) -> None:
    monkeypatch.setattr(limits, "spend", lambda *_, **__: None)
    headers = citizen()[1] if logged_in else {}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    tried = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if any(part in operation.path for part in OUTSIDE):
            continue

        @settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def call(case: schemathesis.Case) -> None:
            case.headers = {**(case.headers or {}), **headers, "Idempotency-Key": "fuzz"}
            answer = case.call()
            case.validate_response(
                answer, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
            )
            assert answer.status_code != 401 or not logged_in
            if answer.status_code >= 400:
                assert answer.headers["content-type"][0] == "application/problem+json"

        call()
        tried += 1
    assert tried > 25
