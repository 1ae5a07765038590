"""The gate code: signature, freshness, key rotation, and that nothing altered is accepted."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from backend.appointments.passes import Kind, PassKeys, issue, public_key, read, rotating, sign, verify

NOW = datetime(2026, 12, 1, 1, 30, 10, tzinfo=UTC)
ID = UUID("0193a5b0-0000-7000-8000-000000000001")
OLD, NEW = {1: bytes(range(32))}, {2: bytes(range(32, 64))}


def text(keys: dict[int, bytes], at: datetime = NOW) -> str:
    made = issue(PassKeys(keys), appointment_id=ID, hall_code="XM", not_before=NOW, not_after=NOW + timedelta(hours=1))
    return f"WZW1.{made.static}.{rotating(made.secret, at)}"


def test_a_fresh_pass_names_its_appointment() -> None:
    reading = read(PassKeys(NEW), text(NEW), NOW)
    assert (reading.kind, reading.appointment_id, reading.hall_code) == (Kind.FRESH, ID, "XM")
    assert reading.not_after == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [(-2, Kind.STALE), (-1, Kind.FRESH), (0, Kind.FRESH), (1, Kind.FRESH), (2, Kind.STALE)],
)
def test_one_step_of_skew_is_allowed(steps: int, kind: Kind) -> None:
    assert read(PassKeys(NEW), text(NEW, NOW + timedelta(seconds=30 * steps)), NOW).kind is kind


def test_a_print_without_rotating_part_is_stale() -> None:
    assert read(PassKeys(NEW), text(NEW).rpartition(".")[0], NOW).kind is Kind.STALE


def test_the_former_key_is_accepted_until_it_is_removed() -> None:
    assert read(PassKeys(NEW | OLD), text(OLD), NOW).kind is Kind.FRESH
    assert read(PassKeys(NEW), text(OLD), NOW).kind is Kind.FORGED


def test_ten_thousand_mutations_are_refused() -> None:
    draw = random.Random(20261124)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.中"
    genuine = text(NEW)
    start, end = len("WZW1."), genuine.rindex(".")
    keys = PassKeys(NEW)
    for _ in range(10_000):
        place, letter = draw.randrange(start, end), draw.choice(alphabet)
        altered = draw.choice(
            (
                genuine[:place] + letter + genuine[place + 1 :],
                genuine[:place] + letter + genuine[place:],
                genuine[:place] + genuine[place + 1 :],
            )
        )
        if altered.split(".")[1] != genuine.split(".")[1]:
            assert read(keys, altered, NOW).kind is Kind.FORGED


@pytest.mark.parametrize("typed", ["12345678", "1234 5678", " 1234  5678\n"])
def test_eight_digits_are_a_typed_code(typed: str) -> None:
    assert read(PassKeys(NEW), typed, NOW).code == "12345678"


@pytest.mark.parametrize("rubbish", ["", "1234567", "１２３４５６７８", "https://example.cn", "WZW2.a.b", "x" * 5000])
def test_rubbish_is_unknown(rubbish: str) -> None:
    assert read(PassKeys(NEW), rubbish, NOW).kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_rfc_8032_vectors(seed: str, public: str, message: str, signature: str) -> None:
    assert public_key(bytes.fromhex(seed)).hex() == public
    assert sign(bytes.fromhex(seed), bytes.fromhex(message)).hex() == signature
    assert verify(bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message))
    assert not verify(bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message) + b"x")
