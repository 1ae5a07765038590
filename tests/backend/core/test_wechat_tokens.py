"""The shared token store: one fetch for everybody."""

import os
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from backend.core import crypto, db
from backend.core.config import Settings
from backend.core.errors import ProviderUnavailable
from backend.core.wechat import Issued, official_account
from backend.core.wechat_tokens import connect, jsapi_ticket, shared
from tests.conftest import Clock, make_settings
from tests.processes import processes
from tests.sandbox_server import RunningSandbox, running_sandbox

PROCESSES = 8
ROUNDS = 50 if int(os.environ.get("RACE_SCALE", "1")) > 1 else 10


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(make_settings("postgresql://nobody@127.0.0.1/none")) as running:
        yield running


class Provider:
    """Hands out numbered tokens and counts."""

    def __init__(self) -> None:
        self.fetched = 0
        self.fails = False

    def __call__(self) -> Issued:
        if self.fails:
            raise ProviderUnavailable("wechat", "-1")
        self.fetched += 1
        return Issued(f"token-{self.fetched}", 7200)


def test_a_stored_token_is_used_until_its_last_minutes(settings: Settings, isolated: None, clock: Clock) -> None:
    provider = Provider()
    assert [shared("t", provider), shared("t", provider)] == ["token-1", "token-1"]
    clock.advance(seconds=7200 - 241)
    assert shared("t", provider) == "token-1"
    clock.advance(seconds=2)
    assert shared("t", provider) == "token-2"
    assert provider.fetched == 2


def test_only_the_refused_token_is_replaced(settings: Settings, isolated: None, clock: Clock) -> None:
    provider = Provider()
    first = shared("t", provider)
    second = shared("t", provider, stale=first)
    assert second == "token-2"
    assert shared("t", provider, stale=first) == "token-2"
    assert provider.fetched == 2


def test_a_token_handed_out_again_is_not_asked_for_in_a_loop(settings: Settings, isolated: None, clock: Clock) -> None:
    fetched = []

    def same() -> Issued:
        fetched.append(1)
        return Issued("same", 7200)

    assert shared("t", same) == "same"
    for _ in range(5):
        assert shared("t", same, stale="same") == "same"
    assert len(fetched) == 2
    clock.advance(seconds=6)
    shared("t", same, stale="same")
    assert len(fetched) == 3


def test_a_failed_fetch_gives_the_lease_back(settings: Settings, isolated: None, clock: Clock) -> None:
    provider = Provider()
    provider.fails = True
    with pytest.raises(ProviderUnavailable):
        shared("t", provider)
    provider.fails = False
    assert shared("t", provider) == "token-1"


def test_a_dead_holder_s_lease_runs_out(settings: Settings, session: Session, clock: Clock) -> None:
    session.execute(
        text("INSERT INTO provider_token (name, lease_owner, lease_until, fetches) VALUES ('t', :owner, :until, 0)"),
        {"owner": db.new_id(), "until": clock.now + timedelta(seconds=15)},
    )
    session.commit()
    clock.advance(seconds=16)
    assert shared("t", Provider()) == "token-1"


def test_the_token_is_stored_encrypted(settings: Settings, session: Session, clock: Clock) -> None:
    shared("t", Provider())
    stored = session.execute(text("SELECT value FROM provider_token WHERE name = 't'")).scalar_one()
    assert b"token-1" not in bytes(stored)


def _work(settings: Settings, barrier: Barrier, results: Any) -> None:
    crypto.configure(crypto.Keyring.from_settings(settings))
    engine = db.configure(settings)
    client = connect(official_account(settings))
    for _ in range(ROUNDS):
        barrier.wait()
        results.put(client.jsapi_ticket().value)
        barrier.wait()
    engine.dispose()


def test_eight_processes_fetch_once_for_each_expiry(sandbox: RunningSandbox, fresh_database: str) -> None:
    settings = sandbox.settings(make_settings(fresh_database))
    context = processes()
    barrier, results = context.Barrier(PROCESSES + 1), context.Queue()
    workers = [context.Process(target=_work, args=(settings, barrier, results)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for number in range(ROUNDS):
        sandbox.spoil_tokens("superseded" if number % 2 else "expired")
        barrier.wait(60)
        barrier.wait(60)
        assert sandbox.state()["stable_tokens_issued"] == number + 1
    assert len([results.get(timeout=10) for _ in range(PROCESSES * ROUNDS)]) == PROCESSES * ROUNDS
    for worker in workers:
        worker.join(20)
        assert worker.exitcode == 0
    assert sandbox.calls("/cgi-bin/stable_token") == ROUNDS
    engine = create_engine(fresh_database)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT fetches FROM provider_token")).scalar_one() == ROUNDS
    engine.dispose()


def test_the_ticket_is_shared_too(sandbox: RunningSandbox, settings: Settings, isolated: None) -> None:
    account = official_account(sandbox.settings(settings))
    assert jsapi_ticket(account) == jsapi_ticket(account)
    assert sandbox.calls("/cgi-bin/ticket/getticket") == 1
