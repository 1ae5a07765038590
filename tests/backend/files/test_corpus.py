"""Every file of the corpus gets the verdict it must get, alone in its process as in the product."""

import io
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from tempfile import TemporaryFile

import pytest
from PIL import Image

from backend.core.errors import Text
from backend.files import checking, errors, refusals, service
from backend.files.examination import Limits, Refused, examine
from tests.backend.files import corpus
from tests.backend.files.conftest import Virus
from tests.backend.files.corpus import JPEG, PNG, Sample

LIMITS = Limits(checking.MOST_PIXELS, checking.MOST_PAGES)
SAMPLES = corpus.corpus()
MOST_S = 5.0
MOST_MEMORY_KIB = 400 * 1024


def verdict(sample: Sample, clamd: Virus) -> str:
    """As the product decides: the name, the scanner, the examination."""
    try:
        service.check_name(sample.name, sample.media_type)
        if clamd.scanner.scan([sample.content]).found:
            return "infected"
        examine(io.BytesIO(sample.content), sample.media_type, io.BytesIO(), LIMITS)
    except errors.FileNameRefused:
        return "name"
    except Refused as refused:
        return str(refused)
    return corpus.READY


def test_every_file_gets_its_verdict(clamd: Virus) -> None:
    assert len(SAMPLES) >= 90
    assert sum(sample.verdict == corpus.READY for sample in SAMPLES) >= 20
    wrong = []
    for sample in SAMPLES:
        began = time.thread_time()
        got = verdict(sample, clamd)
        seconds = time.thread_time() - began
        if got != sample.verdict or seconds > MOST_S:
            wrong.append(f"{sample.title}: {got} in {seconds:.1f} s instead of {sample.verdict}")
    assert not wrong, "\n".join(wrong)


HEAVY = ("a bomb of pixels", "a bomb of words", "too many objects", "arrays in arrays", "a large photo", "a photo")


def test_heavy_files_end_in_a_process_of_their_own() -> None:
    """With its limits: the verdict is the same, and no process has grown past 400 MiB.

    Examined from a small process: a child begins with the size of the one that makes it.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as small:
        assert small.submit(_examine_heavy).result() < MOST_MEMORY_KIB


def _examine_heavy() -> int:
    """The most memory, in KiB, that any of the processes had."""
    for sample in [sample for sample in SAMPLES if sample.title in HEAVY]:
        with TemporaryFile() as source, TemporaryFile() as target:
            source.write(sample.content)
            outcome = checking.examine(source, sample.media_type, target)
            assert (outcome.refusal or corpus.READY) == sample.verdict, sample.title
            assert bool(target.read(1)) == (sample.verdict == corpus.READY)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def test_a_process_that_hangs_or_crashes_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    with TemporaryFile() as source, TemporaryFile() as target:
        source.write(corpus.picture())
        monkeypatch.setattr(checking, "MOST_SECONDS", 0.01)
        assert checking.examine(source, JPEG, target).refusal == "too_complex"
        monkeypatch.undo()
        assert checking.examine(source, "image/unknown", target).refusal == "too_complex"


def test_a_picture_is_written_anew_upright_and_without_its_secrets() -> None:
    for content, media_type in ((corpus.with_place(), JPEG), (corpus.with_words(), PNG)):
        assert b"Secret" in content
        target = io.BytesIO()
        seen = examine(io.BytesIO(content), media_type, target, LIMITS)
        assert b"Secret" not in target.getvalue()
        with Image.open(target) as kept:
            assert dict(kept.getexif()) == {}
            assert (kept.width, kept.height) == (seen.width, seen.height)
    photo = io.BytesIO()
    seen = examine(io.BytesIO(corpus.with_place()), JPEG, photo, LIMITS)
    assert (seen.width, seen.height) == (40, 80), "it lay on its side"
    film = io.BytesIO()
    examine(io.BytesIO(corpus.film_behind()), JPEG, film, LIMITS)
    assert b"ftypmp42" not in film.getvalue()


def test_a_clear_picture_stays_clear() -> None:
    target = io.BytesIO()
    drawn = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    examine(io.BytesIO(corpus.saved(drawn, "PNG")), PNG, target, LIMITS)
    with Image.open(target) as kept:
        assert kept.convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 0)


def test_every_verdict_has_words_for_its_owner() -> None:
    used = {sample.verdict for sample in SAMPLES} - {corpus.READY, "name"}
    assert used <= set(refusals.WORDS)
    assert set(refusals.WORDS) - used == {"changed", "empty"}
    assert all(isinstance(words, Text) and words.zh and words.en for words in refusals.WORDS.values())
