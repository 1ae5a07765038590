"""What one racing process does: a kiosk, the desk, or a phone gives the same people their numbers; kiosks enrol."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.core import auth, clock, db
from backend.core.config import Settings
from backend.core.errors import ServiceError
from backend.core.problems import BUSY_STATES
from backend.core.signed import Signed, message
from backend.devices import access, kiosk, service
from backend.devices.kiosk import Card
from backend.queueing import tickets
from tests.backend.appointments import racers

QUEUE = "exit-entry"


def give(settings: Settings, source: str, cards: list[str], at: Any) -> Counter[str]:
    """Give each card a number, at a device or at the desk: `card number` of each answer."""
    racers.connect(settings)
    clock.replace(lambda: at)

    def once(card: str) -> str:
        def take(session: Session) -> str:
            if source == "desk":
                taker = tickets.taker_of_card(session, card)
                given = tickets.take(
                    session,
                    hall_code="XM",
                    category_code=QUEUE,
                    slugs=[],
                    taker=taker,
                    source="desk",
                    actor="staff:race",
                )
            else:
                given = kiosk.take_ticket(
                    session,
                    hall_code="XM",
                    category_code=QUEUE,
                    slugs=[],
                    card=Card(card, "张测试"),
                    people=1,
                    actor=f"device:{source}",
                )
            return f"{card} {given.number}"

        return _step(take)

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(once, cards))


def enrol(settings: Settings, code: str, times: int) -> Counter[str]:
    """Several machines try the same code."""
    racers.connect(settings)

    def once(_: int) -> str:
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        proof = key.sign(service.enrolment_proof(code, public))
        return _step(lambda session: service.enrol(session, code=code, public_key=public, proof=proof).state.value)

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(once, range(times)))


def replay(settings: Settings, device_id: UUID, seed: bytes, nonces: list[str]) -> Counter[str]:
    """The same signed requests, sent by everybody at once."""
    racers.connect(settings)

    def once(nonce: str) -> str:
        at = int(clock.now().timestamp())
        text = message(device_id=device_id, method="GET", target="/", body=b"", at=at, nonce=nonce)
        signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text)
        try:
            loaded: auth.Principal = access.load_device(Signed(device_id, clock.now(), nonce, signature, text))
        except ServiceError as refusal:
            return refusal.code
        return loaded.kind

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(once, nonces))


def rotate(settings: Settings, device_id: UUID, seed: bytes, times: int) -> Counter[str]:
    """Next keys registered at once, all signed by the same current key."""
    racers.connect(settings)

    def once(_: int) -> str:
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        text = message(device_id=device_id, method="POST", target="/", body=public, at=0, nonce=uuid4().hex)
        request = Signed(device_id, clock.now(), "n" * 16, Ed25519PrivateKey.from_private_bytes(seed).sign(text), text)
        proof = key.sign(service.rotation_proof(device_id, public))

        def change(session: Session) -> str:
            service.rotate(session, request, public_key=public, proof=proof)
            return "changed"

        return _step(change)

    with ThreadPoolExecutor(racers.THREADS) as threads:
        return Counter(threads.map(once, range(times)))


def _step(action: Callable[[Session], str]) -> str:
    """Like somebody who presses again when the hall is too busy to answer; a refusal is its code."""
    for _ in range(racers.TRIES):
        try:
            with db.transaction() as session:
                return action(session)
        except ServiceError as refusal:
            return refusal.code
        except OperationalError as error:
            if db.sqlstate(error) not in BUSY_STATES | db.RETRYABLE:
                raise
    raise AssertionError("always busy")
