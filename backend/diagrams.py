"""State diagrams of every state table, as one page for people (docs/states.md)."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from enum import StrEnum
from inspect import cleandoc
from pathlib import Path
from types import ModuleType

from backend.core.states import StateTable

PACKAGES = ("backend", "payments", "express", "notify")
TEXTS = Path(__file__).parent.parent / "pwa" / "shared"
SHOWN_AS = {"appointment": "visit"}
"""Table → group of the front end's texts that hold `state_<state>`, what a citizen reads."""

HEAD = """\
# States

Written from the state tables by `make diagrams`; a test compares. Every step that is not drawn is refused with
`invalid_transition`. A harmless repeat is an event that may arrive twice and changes nothing.
"""


def page() -> str:
    """docs/states.md as it should be now."""
    return "\n".join([HEAD, *(section for module in state_modules() for section in _sections(module))])


def state_modules() -> Iterator[ModuleType]:
    """Every feature's module named `states` or `…_states`."""
    for package in PACKAGES:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if found.name.endswith("states") and found.name != "backend.core.states":
                yield importlib.import_module(found.name)


def _sections(module: ModuleType) -> Iterator[str]:
    about = cleandoc(module.__doc__ or "").partition("\n")[0]
    for table in vars(module).values():
        if isinstance(table, StateTable):
            heading = (f"## {table.name}\n", f"{about} (`{module.__name__}`)\n")
            yield "\n".join([*heading, *_diagram(table), *_repeats(table)])


def _diagram(table: StateTable[StrEnum, StrEnum]) -> Iterator[str]:
    left = {state for state, _ in table.steps}
    entered = set(table.steps.values())
    states = [state for state in type(next(iter(left))) if state in left | entered]
    yield from ("```mermaid", "stateDiagram-v2")
    for state in states:
        names = [texts.get(f"state_{state}") for texts in _texts(SHOWN_AS.get(table.name, table.name))]
        if all(names):
            yield f"    {state}: {state}<br>{' · '.join(map(str, names))}"
    yield from (f"    [*] --> {state}" for state in states if state not in entered)
    yield from (f"    {before} --> {after}: {event}" for (before, event), after in table.steps.items())
    yield from (f"    {state} --> [*]" for state in states if state not in left)
    yield "```\n"


def _texts(group: str) -> list[dict[str, str]]:
    """The group's texts, Chinese and English."""
    return [
        {key: text for path in sorted(TEXTS.glob(f"*.{language}.json")) for key, text in _group(path, group).items()}
        for language in ("zh", "en")
    ]


def _group(path: Path, group: str) -> dict[str, str]:
    found = json.loads(path.read_text()).get(group, {})
    return found if isinstance(found, dict) else {}


def _repeats(table: StateTable[StrEnum, StrEnum]) -> list[str]:
    lines = sorted(f"- {state}: {event}" for state, event in table.repeats)
    return ["Harmless repeats:\n", *lines, ""] if lines else []
