"""What `make run` shows: a shipment of every journey of seed-map C7, made once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core.config import Settings
from backend.seed import demo_shipments
from express import doctor
from express.sandbox.ems import api
from tests.backend.conftest import seeded_settings, seeded_template
from tests.express.carriers.ems_site import Site, running_ems

__all__ = ["seeded_settings", "seeded_template"]

PERSON = {"name": "张测试", "id_number": "350299199001010010", "phone": "13999990001"}


@pytest.fixture(scope="module")
def settings(seeded_settings: Settings) -> Settings:  # noqa: F811
    return seeded_settings


@pytest.fixture
def site() -> Iterator[Site]:
    with running_ems() as running:
        yield running


def test_every_journey_is_there_once(isolated: None, session: Session, settings: Settings, site: Site) -> None:
    assert demo_shipments.load(settings, **PERSON) == 0, "only at a simulator"
    at_site = replace(settings, sandbox_url=site.url, ems_base=site.url + api.PATH)
    assert demo_shipments.load(at_site, **PERSON) == 13
    assert demo_shipments.load(at_site, **PERSON) == 0
    rows = session.scalars(text("SELECT state || ' ' || payer FROM shipment ORDER BY subject_id"))
    assert rows.all() == [
        "closed gov",
        "delivered gov",
        "closed gov",
        "returned gov",
        "closed gov",
        "lost gov",
        "cancelled gov",
        "closed gov",
        "closed gov",
        "ordered gov",
        "unpaid applicant_prepaid",
        "under_way receiver_cod",
        "asked gov",
    ]
    assert doctor.invariants(session) == []
