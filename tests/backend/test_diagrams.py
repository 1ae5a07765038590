"""docs/states.md says what the state tables say."""

from pathlib import Path

from backend import diagrams
from backend.appointments.states import APPOINTMENT

ROOT = Path(__file__).parent.parent.parent


def test_the_committed_diagrams_are_current() -> None:
    assert (ROOT / "docs" / "states.md").read_text() == diagrams.page(), "run `make diagrams`"


def test_every_state_table_in_the_code_is_drawn() -> None:
    holding = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in diagrams.PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if ": StateTable[" in path.read_text()
        and (path.parent.name, path.name) != ("core", "states.py")
        and path.name != "diagrams.py"
    }
    assert holding == {module.__name__ for module in diagrams.state_modules()}


def test_a_step_a_beginning_and_an_end_are_drawn() -> None:
    lines = diagrams.page().splitlines()
    for (before, event), after in APPOINTMENT.steps.items():
        assert f"    {before} --> {after}: {event}" in lines
    assert "    [*] --> held" in lines
    assert "    fulfilled --> [*]" in lines
    assert "    booked --> [*]" not in lines
    assert "    no_show: no_show<br>没有到场 · Missed" in lines
