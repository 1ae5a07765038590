"""Looking a document up: consent first, every outcome, and what is kept of it."""

import time
from collections.abc import Mapping
from datetime import date
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.core import db
from backend.core.audit import AuditEvent
from backend.core.auth import Principal
from backend.core.config import ConfigError, Settings, parse_keys
from backend.core.errors import NotFound, ProviderRejected, ProviderUnavailable
from backend.core.http import TransactionOpen
from backend.core.office import Office as Line
from backend.files import subjects
from backend.files.subjects import SubjectType
from backend.licences import errors, fetching, handlers, jobs, kinds, offices_http, service
from backend.licences.identifier import parse
from backend.licences.kinds import Source
from backend.licences.models import LicenceFetch
from backend.licences.ports import HolderMismatch, Office, Request
from tests.backend import staff
from tests.backend.licences.conftest import ID_CARD, ID_NUMBER, ITEM, MATERIAL, NAME, Desk, Holder
from tests.conftest import Clock, MakeSettings
from tests.sandbox_server import RunningSandbox


def asked(**changes: str) -> Request:
    values = {
        "request_no": uuid4().hex,
        "code": ID_CARD,
        "holder_name": NAME,
        "holder_number": ID_NUMBER,
        "item_code": "1" * 31,
        "case_ref": "draft:1",
        "purpose": "办理护照",
    }
    return Request(**{**values, **changes})


def row(session: Session, licence_id: str) -> LicenceFetch:
    session.expire_all()
    return session.get_one(LicenceFetch, UUID(licence_id))


def test_what_can_be_looked_up_is_told_with_its_consent(client: FlaskClient, holder: Holder) -> None:
    offers = client.get(f"/api/v1/licences/offers?item={ITEM}").json["offers"]
    first = next(one for one in offers if one["material"] == MATERIAL)
    assert first["consent"] == "我同意为办理“普通护照首次申请”查询我的“居民身份证”，只用于这件事。"
    assert (first["source"], first["exempt"], first["available"]) == ("licence_library", True, True)
    assert client.get("/api/v1/licences/offers?item=nothing").json["code"] == "item_not_found"


def test_every_material_of_the_catalogue_that_can_be_looked_up_has_its_kind(session: Session) -> None:
    found = 0
    for item in catalogue.items(session):
        for material in item.materials:
            kind = kinds.of_material(item, material)
            assert (kind is None) == (material.source not in ("licence_library", "eproof")), material.id
            found += kind is not None
    assert found > 30
    codes = [kind.code for kind in kinds.KINDS.values()]
    assert len(codes) == len(set(codes))


def test_a_licence_is_found_shown_and_not_copied(session: Session, holder: Holder, desk: Desk) -> None:
    shown = holder.ask().json
    assert (shown["state"], shown["upload_instead"], shown["level"]) == ("found", False, "A")
    assert {"label": "持证人", "value": NAME} in shown["lines"]
    parsed = parse(shown["identifier"])
    assert parsed is not None
    assert parsed.type_code == ID_CARD
    kept = row(session, shown["id"])
    assert (kept.wording, kept.item_slug, kept.kind) == ("licence-1", ITEM, "resident-id")
    stored = str(session.execute(text("SELECT l::text FROM licence_fetch l")).all())
    assert NAME not in stored
    assert ID_NUMBER not in stored
    used = desk.uses()[-1]
    assert (used["case_ref"], used["purpose"]) == (f"person:{holder.id}", kept.purpose)
    assert holder.get(f"/licences/{shown['id']}").json == shown
    assert [one["id"] for one in holder.get("/me/licences").json["licences"]] == [shown["id"]]
    assert session.scalars(select(AuditEvent.action).where(AuditEvent.object_id == shown["id"])).all() == [
        "licence.requested"
    ]
    assert service.usable(session, kept.id, holder.id).id == kept.id


def test_a_proof_is_found(holder: Holder, desk: Desk) -> None:
    shown = holder.ask("passport-first.guardian").json
    assert (shown["state"], shown["kind"], shown["level"]) == ("found", "guardian", None)
    assert shown["identifier"].startswith("EZM")


@pytest.mark.parametrize(
    ("having", "state"),
    [
        ("none", "not_found"),
        ("other_name", "mismatch"),
        ("other_holder", "mismatch"),
        ("expired", "expired"),
        ("bad_check", "invalid"),
        ("other_kind", "invalid"),
    ],
)
def test_every_other_outcome_leads_to_an_upload(
    session: Session, holder: Holder, desk: Desk, having: str, state: str
) -> None:
    desk.give(having)
    shown = holder.ask().json
    assert (shown["state"], shown["upload_instead"], shown["lines"]) == (state, True, [])
    kept = row(session, shown["id"])
    assert (kept.content_sha256, kept.view) == (None, None)
    with pytest.raises(errors.LicenceNotUsable):
        service.usable(session, kept.id, holder.id)


@pytest.mark.parametrize("fault", ["busy", "outage", "drop", "forged"])
def test_an_office_that_is_away_leads_to_an_upload_and_may_be_asked_again(
    provider: RunningSandbox, holder: Holder, desk: Desk, fault: str
) -> None:
    provider.faults(licence=fault)
    shown = holder.ask().json
    assert (shown["state"], shown["upload_instead"]) == ("unavailable", True)
    provider.faults(licence="normal")
    assert holder.ask().json["state"] == "found"


def test_an_office_that_is_too_slow_is_away(provider: RunningSandbox, settings: Settings, desk: Desk) -> None:
    provider.faults(eproof="slow")
    made = provider.settings(settings)
    line = Line("e", made.eproof_base, made.eproof_app, parse_keys("", made.eproof_keys), timeout_s=(1.0, 0.2))
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable):
        offices_http.HttpProofs(line).fetch(asked(code="tax"))
    assert time.monotonic() - began < 6


def test_without_consent_nothing_is_asked(session: Session, holder: Holder, desk: Desk) -> None:
    refused = holder.ask(wording="licence-0")
    assert (refused.status_code, refused.json["code"], refused.json["wording"]) == (
        422,
        "licence_consent_missing",
        "licence-1",
    )
    assert desk.uses() == []
    assert session.scalar(select(LicenceFetch.id)) is None


def test_what_cannot_be_looked_up_is_said(holder: Holder, app, desk: Desk) -> None:
    assert holder.ask("passport-first.photo").json["code"] == "material_not_fetchable"
    assert holder.ask(subject_id="somebody").status_code == 404
    app.extensions["licence_offices"] = {}
    assert holder.ask().json["code"] == "material_not_fetchable"
    assert desk.uses() == []


def test_a_second_click_asks_once(session: Session, holder: Holder, desk: Desk) -> None:
    first, second = holder.ask(key="one"), holder.ask(key="one")
    assert first.json == second.json
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(desk.uses()) == 1


def test_a_question_whose_process_died_ends_as_unavailable(
    session: Session, holder: Holder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(fetching, "fetch", lambda *_: None)
        waiting = holder.ask().json
    assert (waiting["state"], waiting["upload_instead"]) == ("requested", False)
    jobs.give_up_unanswered()
    assert row(session, waiting["id"]).state == "requested"
    clock.advance(minutes=3)
    jobs.give_up_unanswered()
    assert row(session, waiting["id"]).state == "unavailable"
    service.answered(session, UUID(waiting["id"]), asked(), None)
    assert row(session, waiting["id"]).state == "unavailable", "too late"


def test_a_licence_that_expires_later_is_refused_then(session: Session, holder: Holder, clock: Clock) -> None:
    found = row(session, holder.ask().json["id"])
    found.valid_until = date(2026, 11, 24)
    session.commit()
    assert service.usable(session, found.id, holder.id)
    clock.advance(days=1)
    with pytest.raises(errors.LicenceNotUsable):
        service.usable(session, found.id, holder.id)
    with pytest.raises(NotFound):
        service.usable(session, found.id, uuid4())


def test_staff_see_what_belongs_to_their_cases_and_it_is_written_down(
    session: Session, client: FlaskClient, holder: Holder, clock: Clock
) -> None:
    def of_hall(_: Session, asker: Principal, hall: str) -> bool:
        return asker.kind == "citizen" or asker.hall_code == hall

    subjects.register(SubjectType("test-case", reads=of_hall, writes=of_hall))
    shown = holder.ask(subject_type="test-case", subject_id="XM").json
    mine, other = (staff.header(session, hall, "window_clerk") for hall in ("XM", "SM"))
    address = f"/api/v1/staff/licences/{shown['id']}"
    assert client.get(address, headers=mine).json["lines"] == shown["lines"]
    assert client.get(address, headers=other).status_code == 404
    looks = session.scalars(select(AuditEvent.actor).where(AuditEvent.action == "licence.viewed")).all()
    assert [actor[:6] for actor in looks] == ["staff:"]
    service.move(session, old=("test-case", "XM"), new=("person", "x"))
    assert [str(one.id) for one in service.of_subject(session, "person", "x")] == [shown["id"]]


def test_looked_up_licences_follow_the_person(session: Session, holder: Holder) -> None:
    shown, other = holder.ask().json, uuid4()
    session.execute(
        text("INSERT INTO person (id, level, language, elder_mode, created_at) VALUES (:id, 0, 'zh', false, now())"),
        {"id": other},
    )
    session.commit()
    handlers.on_person_merged(str(other), str(holder.id))
    assert row(session, shown["id"]).person_id == other


def test_the_wire_refuses_what_is_not_signed_fresh_or_about_a_case(
    provider: RunningSandbox, settings: Settings, offices: Mapping[Source, Office], desk: Desk
) -> None:
    library, made = offices["licence_library"], provider.settings(settings)
    with pytest.raises(ProviderRejected, match=".") as refused:
        library.fetch(asked(case_ref=""))
    assert refused.value.provider_code == "PURPOSE_MISSING"
    with pytest.raises(HolderMismatch):
        library.fetch(asked(holder_name="李测试"))
    assert library.fetch(asked(holder_number="350299195506150099")) is None
    for keys in ({9: b"x" * 32}, {1: parse_keys("", made.licence_keys)[1]}):
        stranger = offices_http.HttpLibrary(Line("x", made.licence_base, made.licence_app, keys))
        with pytest.raises(ProviderUnavailable):
            stranger.fetch(asked())
    with db.transaction(), pytest.raises(TransactionOpen):
        library.fetch(asked())


def test_the_settings_of_offices_are_checked(settings: Settings, settings_for: MakeSettings) -> None:
    assert offices_http.from_settings(settings) == {}
    for changes, said in (
        ({"licence_base": "http://x", "licence_app": ""}, "LICENCE_APP must be set together with LICENCE_BASE"),
        ({"eproof_base": "http://x", "eproof_keys": "1:abc"}, "EPROOF_KEYS"),
        ({"clamd_address": "nowhere"}, "CLAMD_ADDRESS must look like host:port"),
    ):
        with pytest.raises(ConfigError, match=said):
            settings_for(settings.database_url, **changes)
