"""The bench itself runs: its figures mean nothing in windows this short, its steps are the real ones."""

import json
from pathlib import Path

import pytest

from tests.bench import booking, callbacks, live, reconcile, report, reports, site, slots

pytestmark = pytest.mark.slow


@pytest.fixture
def in_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """One round of short windows, with results kept apart from those of a real run."""
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    for bench in (booking, callbacks, slots):
        monkeypatch.setattr(bench, "ROUNDS", 1)
        monkeypatch.setattr(bench, "CLIENTS", (2,))
        monkeypatch.setattr(bench, "WINDOW_S", 0.5)
    monkeypatch.setattr(booking, "RESERVE", 2_000)
    monkeypatch.setattr(callbacks, "RESERVE", 400)
    monkeypatch.setattr(booking, "PGBENCH_TRANSACTIONS", 20)
    monkeypatch.setattr(reconcile, "LINES", 5_000)
    for name, few in {"CASES": 5_000, "MODELS": 500, "TIMES": 5}.items():
        monkeypatch.setattr(reports, name, few)
    for name, short in {"SCREENS": 20, "PHONES": 200, "WARM_S": 2.0, "WINDOW_S": 4.0, "CALL_EVERY_S": 0.3}.items():
        monkeypatch.setattr(live, name, short)
    return tmp_path


def test_every_figure_is_taken(in_short: Path) -> None:
    with site.running() as running:
        slots.run(running)
        booking.run(running)
        live.run(running)
        callbacks.run(running)
        assert reconcile.run(running), "a day of 5,000 lines misses the targets of 100,000"
        assert reports.run(running), "5,000 cases miss the target of 100,000"
    names = ("slots", "booking", "live", "callbacks")
    lists, bookings, watched, told = (json.loads((in_short / f"{name}.json").read_text()) for name in names)
    assert lists["ratios"]["to bare"]["median"] > 0
    assert bookings["ratios"]["to (a)"]["median"] > 0
    assert bookings["ratios"]["to pgbench"]["median"] > 0
    assert len(bookings["statements"]) <= 11, "a booking sends more statements than it did"
    assert told["ratios"]["WeChat Pay to bare"]["median"] > 0
    assert len(told["statements"]) <= 7, "a payment notice sends more statements than it did"
    assert watched["cores"]["all"] > 0
    assert set(watched["statuses"]) == {"200", "304"}
    assert watched["screens_behind_s"]["seen"] > 0
