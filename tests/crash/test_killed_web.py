"""Web processes die at random while citizens book over HTTP: what was acknowledged is there, once, and nothing else."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from sqlalchemy import select

from backend import doctor
from backend.appointments.models import Appointment, Slot
from backend.appointments.states import State
from backend.core import clock, crypto, db
from backend.core.config import Settings
from backend.identity import sessions
from tests.backend.appointments import racers
from tests.backend.appointments.test_races import set_places
from tests.backend.conftest import CATEGORY, HALL, ITEM, WEDNESDAY
from tests.conftest import ROOT, make_settings
from tests.crash import shifted_clock
from tests.ports import free_port

FULL = int(os.environ.get("RACE_SCALE", "1")) >= 10
CITIZENS = 1500 if FULL else 80
SEED = int(os.environ.get("CRASH_SEED", "1"))
PLACES = 100 if FULL else 6
SLOTS = 10
CLIENTS = 6
LONGEST_WAIT_S = 180
ANSWERS_BETWEEN_KILLS = (15, 45)
PROCESSES = 3 if FULL else 2
BUSY = {429, 500, 502, 503}
"""Answers after which a client sends the same request with the same key again."""


@dataclass
class Web:
    """The running web server."""

    url: str
    master: int
    killed: int = 0
    answered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def children(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.master}/task/{self.master}/children").read_text().split()]

    def kill_at_random(self, stop: threading.Event) -> None:
        """One process every few answers, so that others are in the middle of a request; the pace is the machine's."""
        draw = random.Random(SEED)
        while True:
            for _ in range(draw.randint(*ANSWERS_BETWEEN_KILLS)):
                self.answered.acquire()
            if stop.is_set():
                return
            alive = self.children()
            if alive:
                os.kill(draw.choice(alive), signal.SIGKILL)
                self.killed += 1


@contextmanager
def serving(settings: Settings, folder: Path) -> Iterator[Web]:
    """The product's web server with a few processes, until the block ends."""
    port = free_port()
    values = {item.name.upper(): str(getattr(settings, item.name)) for item in fields(settings)}
    environ = {**os.environ, **values, "PORT": str(port), "WEB_PROCESSES": str(PROCESSES), "WEB_THREADS": "4"}
    command = [sys.executable, "-m", "gunicorn", "-c", "backend/gunicorn.conf.py", "tests.crash.wsgi:app"]
    with (folder / "web.log").open("wb") as log:
        master = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, master)
        yield Web(url, master.pid)
    finally:
        master.terminate()
        try:
            master.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(master.pid, signal.SIGKILL)
            master.wait()


def _wait_until_ready(url: str, master: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < deadline:
        assert master.poll() is None
        try:
            if requests.get(f"{url}/livez", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError("the web server did not start")


@dataclass(frozen=True)
class Acknowledged:
    """A request that was answered with success, and its answer."""

    token: str
    path: str
    key: str
    body: dict[str, Any]
    answer: dict[str, Any]


def send(web: Web, token: str, path: str, key: str, body: dict[str, Any]) -> requests.Response:
    """As a patient phone does: until there is an answer, the same request with the same key."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    deadline = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < deadline:
        try:
            answer = requests.post(f"{web.url}/api/v1{path}", json=body, headers=headers, timeout=10)
        except requests.RequestException:
            time.sleep(0.05)
            continue
        web.answered.release()
        if answer.status_code not in BUSY:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{path}: no answer")


def book(web: Web, token: str, slot: UUID) -> list[Acknowledged] | str:
    """Hold and confirm; the two acknowledged requests, or why not."""
    requests_: list[Acknowledged] = []
    path, body = "/holds", {"slot_id": str(slot), "items": [ITEM]}
    while True:
        key = uuid4().hex
        answer = send(web, token, path, key, body)
        if answer.status_code != 201:
            return str(answer.json()["code"])
        requests_.append(Acknowledged(token, path, key, body, answer.json()))
        if len(requests_) == 2:
            return requests_
        path, body = f"/holds/{answer.json()['id']}/confirm", {}


@pytest.fixture
def city(seeded_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, list[UUID], list[str]]]:
    """Settings, Wednesday's slots with a few places each, and the sessions of as many citizens as come."""
    monkeypatch.setenv("CRASH_BEGAN", str(time.time()))
    settings = make_settings(seeded_database)
    before = db._engine, db._sessions, db._autocommit_sessions
    db._engine = None
    clock.replace(shifted_clock.now)
    crypto.configure(crypto.Keyring.from_settings(settings))
    db.configure(settings)
    with db.reading() as session:
        query = select(Slot.id).where(Slot.hall_code == HALL, Slot.category_code == CATEGORY, Slot.day == WEDNESDAY)
        slots = list(session.scalars(query.order_by(Slot.start)))[:SLOTS]
    for slot in slots:
        set_places(slot, PLACES)
    people = racers.make_people(CITIZENS)
    with db.transaction() as session:
        tokens = [sessions.start(session, person_id=person).token for person in people]
    yield settings, slots, tokens
    db.engine().dispose()
    clock.replace(None)
    db._engine, db._sessions, db._autocommit_sessions = before


def test_every_acknowledged_booking_survives_and_every_repeat_gets_the_same_answer(
    city: tuple[Settings, list[UUID], list[str]], tmp_path: Path
) -> None:
    settings, slots, tokens = city
    stop = threading.Event()
    with serving(settings, tmp_path) as web:
        killer = threading.Thread(target=web.kill_at_random, args=(stop,))
        killer.start()
        try:
            with ThreadPoolExecutor(CLIENTS) as clients:
                wanted = [(token, slots[number % SLOTS]) for number, token in enumerate(tokens)]
                outcomes = list(clients.map(lambda one: book(web, *one), wanted))
        finally:
            stop.set()
            web.answered.release(max(ANSWERS_BETWEEN_KILLS))
            killer.join()
        made = [outcome for outcome in outcomes if not isinstance(outcome, str)]
        with ThreadPoolExecutor(CLIENTS) as clients:
            repeats = list(clients.map(lambda one: _repeat(web, one), [one for pair in made for one in pair]))
    assert web.killed >= len(made) // max(ANSWERS_BETWEEN_KILLS)
    assert Counter(outcome for outcome in outcomes if isinstance(outcome, str)).keys() <= {"slot_full"}
    assert len(made) == min(SLOTS * PLACES, CITIZENS)
    with db.reading() as session:
        rows = session.execute(select(Appointment.id, Appointment.code).where(Appointment.state == State.BOOKED)).all()
    assert {str(row.id): row.code for row in rows} == {pair[1].answer["id"]: pair[1].answer["code"] for pair in made}
    assert repeats == ["same"] * len(repeats)
    assert doctor.examine() == []


def _repeat(web: Web, one: Acknowledged) -> str:
    again = send(web, one.token, one.path, one.key, one.body)
    replayed = again.headers.get("Idempotent-Replayed") == "true"
    return "same" if replayed and again.status_code == 201 and again.json() == one.answer else again.text
