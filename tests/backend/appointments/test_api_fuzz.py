"""The whole API under generated requests: never a 5xx, never an answer its document does not describe."""

from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from sqlalchemy.orm import Session

from backend.core import limits
from tests.backend.appointments.conftest import Citizen, StaffMaker

pytestmark = pytest.mark.slow

OUTSIDE = ("/auth/", "/wechat/jsapi", "/session", "/hotline")
"""Operations that call a provider, hash a password or end the session; they have tests of their own."""


@pytest.mark.parametrize("who", ["nobody", "citizen", "hall_lead"])
def test_no_request_breaks_the_api(
    app: Flask, session: Session, citizen: Citizen, staff: StaffMaker, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setattr(limits, "spend", lambda *_, **__: None)
    headers = {"nobody": dict, "citizen": lambda: citizen()[1], "hall_lead": staff}[who]()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    tried = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        # That staff routes refuse everybody else unread is the role matrix's to show.
        if any(part in operation.path for part in OUTSIDE) or (who == "hall_lead") != ("/staff/" in operation.path):
            continue

        @settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def call(case: schemathesis.Case[Any]) -> None:
            case.headers.update({**headers, "Idempotency-Key": uuid4().hex})
            answer = case.call()
            case.validate_response(
                answer, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
            )
            # A session is no signature, which is what devices are asked for.
            assert answer.status_code != 401 or who == "nobody" or "/device" in case.path
            if answer.status_code >= 400:
                assert answer.headers["content-type"][0] == "application/problem+json"

        call()
        tried += 1
    assert tried > (15 if who == "hall_lead" else 25)
