"""The published vectors of the EMS envelope and of its parts (domain sheet §2.1)."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash

from express.carriers import ems_wire
from express.carriers.ems_wire import NotSealed, fen, instant, seal, unseal
from express.sandbox.ems import wire as simulated

KEY = "AAECAwQFBgcICQoLDA0ODw=="
PLAIN = '[{"logisticsOrderNo":"XM20260105000001"}]'
SEALED = (
    "|$4|0CKP5AV0eOskxkAq6q8aJizPt9ob7AhD7Gxi8tXzVFKyogTBuGd59iwQMSFZglwzyfC5GAP970vYh+E37Zw5VOoXhKQ3g4XUb6ItsVk5NTk="
)


def test_sm4_and_sm3_are_the_standards_own() -> None:
    block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encryptor = Cipher(algorithms.SM4(block), modes.ECB()).encryptor()
    assert (encryptor.update(block) + encryptor.finalize()).hex() == "681edf34d206965e86b3e94f536e4246"
    digest = Hash(SM3())
    digest.update(b"abc")
    assert digest.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_a_body_is_sealed_as_the_vector_says() -> None:
    assert seal(PLAIN, KEY) == SEALED
    assert unseal(SEALED, KEY) == PLAIN


def test_the_simulator_seals_with_code_of_its_own_and_to_the_same_text() -> None:
    customer = simulated.Customer("sandbox-ems", "x", KEY)
    value = [{"logisticsOrderNo": "XM20260105000001", "cargoName": "证照/材料"}]
    assert simulated.opened(customer, SEALED) == [{"logisticsOrderNo": "XM20260105000001"}]
    assert unseal(simulated.sealed(customer, value), KEY) == unseal(
        simulated.sealed(customer, value, with_key=False), KEY
    )


@pytest.mark.parametrize(
    "field",
    [
        "",
        "|$4|",
        "|$4|not base64",
        "|$4|AAAA",
        SEALED[:-4] + "AAA=",
        SEALED[:4] + "1" + SEALED[5:],
    ],
)
def test_what_was_not_sealed_with_the_key_is_refused(field: str) -> None:
    with pytest.raises(NotSealed):
        ems_wire.unseal(field, KEY)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(NotSealed):
        unseal(SEALED, "EBESExQVFhcYGRobHB0eHw==")


@pytest.mark.parametrize(
    ("text", "amount"), [("12", 1200), ("12.5", 1250), ("0.01", 1), (12.34, 1234), (" 8.00 ", 800)]
)
def test_yuan_become_fen_exactly(text: object, amount: int) -> None:
    assert fen(text) == amount


@pytest.mark.parametrize("text", ["", "12.345", "-1", "NaN", "Infinity", "十二", None])
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        fen(text)


def test_times_are_beijings_and_become_utc() -> None:
    assert instant("2026-01-05 09:00:00").isoformat() == "2026-01-05T01:00:00+00:00"
    assert instant("2026-01-05 09:00:00.0") == instant(1767574800000)
    for wrong in ("", None, "2026-01-05", "２０２６-01-05 09:00:00", "2026-13-05 09:00:00"):
        with pytest.raises(ValueError, match=r"time|match"):
            instant(wrong)
