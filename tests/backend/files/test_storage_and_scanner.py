"""The folder of contents, and the scanner's line."""

import os
import random
from pathlib import Path

import pytest

from backend.core import db
from backend.core.config import Settings
from backend.core.crypto import SealBroken
from backend.core.errors import ProviderError, ProviderProtocolError, ProviderUnavailable
from backend.core.http import TransactionOpen
from backend.files import scanner
from backend.files.storage import FRAME, DiskStorage, ObjectMissing, object_key
from backend.sandbox.clamd import EICAR
from tests.backend.files.conftest import Virus
from tests.conftest import MakeSettings

KEYS = {2: b"2" * 32, 1: b"1" * 32}


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 200_001])
def test_a_content_comes_back_as_it_was(tmp_path: Path, size: int) -> None:
    store, key = DiskStorage(tmp_path, KEYS), object_key("a", size)
    content = random.Random(size).randbytes(size)
    store.put(key, (content[at : at + 7000] for at in range(0, size, 7000)))
    assert b"".join(store.get(key)) == content
    stored = (tmp_path / key[:2] / key).read_bytes()
    assert size < 20 or content[:20] not in stored
    assert (tmp_path / key[:2] / key).stat().st_mode & 0o077 == 0


def test_the_folder_opens_with_any_of_the_keys_and_no_other(tmp_path: Path) -> None:
    key = object_key("a")
    DiskStorage(tmp_path, {1: KEYS[1]}).put(key, [b"old"])
    assert b"".join(DiskStorage(tmp_path, KEYS).get(key)) == b"old"
    with pytest.raises(SealBroken):
        list(DiskStorage(tmp_path, {1: b"x" * 32}).get(key))
    with pytest.raises(SealBroken):
        list(DiskStorage(tmp_path, {2: KEYS[2]}).get(key))


def test_an_altered_cut_or_moved_content_does_not_open(tmp_path: Path) -> None:
    store, key, other = DiskStorage(tmp_path, KEYS), object_key("a"), object_key("b")
    store.put(key, [os.urandom(2 * FRAME + 100)])
    path = tmp_path / key[:2] / key
    good = path.read_bytes()
    frame = FRAME + 16
    head = len(good) - 2 * frame - 116
    swapped = good[:head] + good[head + frame : head + 2 * frame] + good[head : head + frame] + good[head + 2 * frame :]
    for bad in (
        good[:-1],
        good[:-116],
        good[: head + frame],
        good[:head],
        good[:3],
        b"",
        good + b"x",
        good[:100] + bytes((good[100] ^ 1,)) + good[101:],
        swapped,
    ):
        path.write_bytes(bad)
        with pytest.raises(SealBroken):
            list(store.get(key))
    (tmp_path / other[:2]).mkdir(exist_ok=True)
    (tmp_path / other[:2] / other).write_bytes(good)
    with pytest.raises(SealBroken):
        list(store.get(other))


def test_what_is_not_there_and_what_is_no_key(tmp_path: Path) -> None:
    store = DiskStorage(tmp_path, KEYS)
    store.delete(object_key("nothing"))
    assert not store.holds(object_key("nothing"))
    with pytest.raises(ObjectMissing):
        list(store.get(object_key("nothing")))
    for bad in ("../../etc/passwd", "a/b", "", "a" * 63, "." * 64):
        with pytest.raises(ValueError, match="not a key"):
            store.delete(bad)


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def broken():
        yield b"a" * FRAME
        raise RuntimeError

    store = DiskStorage(tmp_path, KEYS)
    with pytest.raises(RuntimeError):
        store.put(object_key("a"), broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_scanner_says_clean_or_what_it_found(clamd: Virus) -> None:
    assert clamd.scanner.scan([b"hello", b"", b"world"]).found is None
    assert clamd.scanner.scan([b"x" * 300_000, EICAR[:30], EICAR[30:], b"y"]).found == "Eicar-Test-Signature"


@pytest.mark.parametrize(
    ("mode", "trouble"),
    [
        ("silent", ProviderUnavailable),
        ("garbage", ProviderProtocolError),
        ("error", ProviderProtocolError),
        ("hang_up", ProviderProtocolError),
    ],
)
def test_no_verdict_is_never_clean(clamd: Virus, mode: str, trouble: type[ProviderError]) -> None:
    clamd.mode = mode
    with pytest.raises(trouble):
        clamd.scanner.scan([b"hello"])


def test_a_scanner_that_is_away_and_a_transaction_that_is_open(isolated: None, clamd: Virus) -> None:
    with pytest.raises(ProviderUnavailable):
        scanner.Clamd("127.0.0.1", 1).scan([b"x"])
    with db.transaction(), pytest.raises(TransactionOpen):
        clamd.scanner.scan([b"x"])


def test_the_scanner_is_where_the_settings_say(settings: Settings, settings_for: MakeSettings) -> None:
    assert scanner.from_settings(settings) is None
    made = settings_for(settings.database_url, clamd_address="[::1]:3310")
    found = scanner.from_settings(made)
    assert isinstance(found, scanner.Clamd)
    assert found._address == ("::1", 3310)
