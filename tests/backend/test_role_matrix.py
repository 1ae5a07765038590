"""Every route × every role × own and other hall, from the route table: who may do what is what the route declares."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.core.auth import Access, access_of
from backend.core.config import Settings
from backend.identity import sessions
from backend.identity.roles import PERMISSIONS
from backend.queueing import windows
from tests.backend import staff
from tests.backend.roles import hall, money, papers
from tests.backend.roles.people import OTHER, OWN, Who, citizen, everybody, machine, send
from tests.backend.roles.world import Thing, World
from tests.conftest import Clock

pytestmark = pytest.mark.slow

PARTS: tuple[Callable[[World], None], ...] = (
    hall.bookings,
    hall.day,
    hall.accounts_and_rules,
    hall.machines,
    papers.notice,
    money.difference,
    papers.items,
    hall.relatives,
    money.paying,
    money.collecting,
    papers.uploads,
    papers.applications,
    papers.looked_up_licences,
    papers.questions,
    papers.mail,
    papers.own_data,
    papers.report_exports,
)
"""In this order: a later part uses what an earlier one made."""
Route = tuple[str, str, Access]
COUNTING = {"rate_bucket", "device_nonce", "device"}
NOT_OF_A_HALL = {
    (
        "POST",
        "/api/v1/staff/ratings/<uuid:rating_id>/set-aside",
    ): "the platform's reviewer sets aside ratings of all halls",
    (
        "POST",
        "/api/v1/staff/notices/<uuid:notice_id>/resend",
    ): "the platform's operator resends notices of all halls",
    **{
        ("POST", f"/api/v1/staff/reconciliation/differences/<uuid:difference_id>/{change}"): "finance is the city's"
        for change in ("assign", "carry", "close", "try-again")
    },
    **{
        ("POST", f"/api/v1/staff/legal-holds/<uuid:hold_id>/{rule}"): "what an authority asks for concerns all halls"
        for rule in ("lift", "lift/answer")
    },
    ("POST", "/api/v1/staff/postage-policies/<uuid:policy_id>/end"): "who pays is set for all halls",
    **{
        (method, f"/api/v1/staff/items/versions/<uuid:version_id>{rule}"): "items are the city's, not a hall's"
        for method, rule in (
            ("GET", ""),
            ("PUT", ""),
            ("POST", "/submission"),
            ("POST", "/return"),
            ("POST", "/publication"),
            ("POST", "/discard"),
        )
    },
    ("PUT", "/api/v1/staff/cancelled-proofs/<uuid:proof_id>"): "the list of cancelled proofs is the city's",
    **{
        ("POST", f"/api/v1/staff/{rule}"): "finance decides for all halls"
        for rule in (
            "bills/<uuid:bill_id>/deferral",
            "finance/refunds/<uuid:refund_id>/approval",
            "finance/refunds/<uuid:refund_id>/rejection",
            "finance/refunds/<uuid:refund_id>/send-again",
            "finance/refunds/<uuid:refund_id>/by-hand",
            "finance/refunds/<uuid:refund_id>/by-hand/confirmation",
            "finance/suspense/<uuid:attempt_id>/proposal",
            "finance/suspense/<uuid:attempt_id>/confirmation",
        )
    },
}
"""Routes with an object that no hall owns, and why."""


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return seeded_settings


@pytest.fixture(scope="session")
def app(seeded_settings: Settings) -> Flask:
    return create_app(seeded_settings, connect=False)


@pytest.fixture
def world(session: Session, client: FlaskClient, clock: Clock, slots: list[UUID]) -> Iterator[World]:
    made = World(session, client, clock, slots)
    for part in PARTS:
        part(made)
    yield made
    client.application.extensions.pop("payment_gateways")
    client.application.extensions.pop("couriers")


def routes(app: Flask) -> list[Route]:
    """Method, rule and declaration of every route."""
    found = []
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        assert access, rule
        assert rule.methods, rule
        found += [(method, rule.rule, access) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return sorted(found, key=lambda route: route[:2])


def filled(rule: str, values: dict[str, Any]) -> str:
    """The rule as an address; what `values` does not name is somebody unknown."""
    parts = []
    for part in rule.split("/"):
        name = part.strip("<>").split(":")[-1]
        unknown = uuid4() if part.startswith("<uuid:") else "nothing"
        parts.append(str(values.get(name, unknown)) if part.startswith("<") else part)
    return "/".join(parts)


@contextmanager
def taken_back(session: Session) -> Iterator[None]:
    """Whatever happens inside leaves no trace."""
    connection = session.get_bind()
    assert isinstance(connection, Connection)
    session.commit()
    savepoint = connection.begin_nested()
    yield
    session.rollback()
    savepoint.rollback()
    session.expire_all()


def test_every_route_asks_for_what_it_declares(app: Flask, client: FlaskClient, session: Session, clock: Clock) -> None:
    asked, table, wrong = everybody(session, client), routes(app), []
    before = written(session)
    for method, rule, access in table:
        for who in asked:
            with taken_back(session):
                answer = send(client, method, filled(rule, {}), who, None)
                answer.close()
                after = written(session)
            touched, before = after - before, after
            refused = answer.status_code in (401, 403)
            stranger_to_it = who.kind == "anonymous" or (who.kind == "device") != (access.kind == "device")
            expected = 401 if stranger_to_it else 403
            # A genuine signature is used up, whatever was asked with it.
            touched = 0 if who.kind == "device" else touched
            if answer.status_code >= 500:
                wrong.append(f"{method} {rule} breaks for {who.name}: {answer.status_code}")
            elif who.may(access) == refused:
                wrong.append(f"{method} {rule} answers {who.name} {answer.status_code}, declared {access}")
            elif refused and (answer.status_code != expected or touched):
                wrong.append(f"{method} {rule}: {who.name} gets {answer.status_code} and {touched} rows are written")
    assert not wrong, "\n".join(wrong)
    assert len(asked) == 6 + 2 * len(PERMISSIONS)
    assert len(table) > 140


def written(session: Session) -> int:
    """Rows this transaction has touched so far, those taken back included."""
    kinds = " + ".join(f"pg_stat_get_xact_tuples_{kind}(oid)" for kind in ("inserted", "updated", "deleted"))
    counted = f"SELECT sum({kinds}) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    return int(session.scalar(text(counted)) or 0)


def digest(session: Session) -> dict[str, str]:
    """The content of every table but those that count what is refused: rate limits, and signatures used up."""
    names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    own = sorted(name for name in names if name not in COUNTING and not name.startswith("catalogue"))
    pairs = ", ".join(
        f"'{name}', (SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{name}\" t)" for name in own
    )
    found: dict[str, str] = session.scalar(text(f"SELECT jsonb_object(ARRAY[{pairs}]::text[])"))
    return found


def test_an_object_of_another_hall_or_citizen_is_refused_and_stays_as_it_is(
    app: Flask, client: FlaskClient, session: Session, world: World
) -> None:
    named = {(method, rule): access for method, rule, access in routes(app) if "<uuid:" in rule}
    assert set(world.things) == set(named), "a new route with an object needs one in World"
    strangers: dict[str, Callable[[Thing], Who]] = {
        "citizen": lambda _: Who("stranger", "citizen", OWN, citizen(session, 1)[1], 1),
        "device": lambda _: machine(session, client, hall_code=OTHER),
        "staff": lambda thing: Who(thing.owner.name, "staff", OTHER, staff.header(session, OTHER, thing.owner.name)),
    }
    wrong = []
    for (method, rule), thing in world.things.items():
        path = filled(rule, thing.path) + thing.query
        stranger = strangers[thing.owner.kind](thing)
        if thing.owner.kind == "staff" and "tickets/" in rule:
            seat(session, stranger)
        if (method, rule) not in NOT_OF_A_HALL:
            before = digest(session)
            answer = send(client, method, path, stranger, thing.body)
            changed = [name for name, content in digest(session).items() if content != before[name]]
            if answer.status_code not in (403, 404) or changed:
                wrong.append(f"{method} {rule}: a stranger gets {answer.status_code}, changed: {changed}")
        with taken_back(session):
            own = send(client, method, path, thing.owner, thing.body)
        if own.status_code >= 300:
            wrong.append(f"{method} {rule}: its owner gets {own.status_code} {own.text}")
    assert not wrong, "\n".join(wrong)


def seat(session: Session, who: Who) -> None:
    """A window of their own hall, so that nothing but the hall can be the reason of a refusal."""
    principal = sessions.load_principal(who.header["Authorization"].split()[1])
    assert principal
    windows.open_window(
        session, hall_code=OTHER, staff_id=principal.id, window=1, categories=["business"], take_over=True
    )
    session.commit()
