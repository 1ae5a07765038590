"""The seed of Xiamen as readable files beside this module, and what other packages read from it."""

import tomllib
from dataclasses import dataclass
from datetime import time
from importlib.resources import files
from typing import Any

Table = dict[str, Any]
"""A TOML table; its keys are described in the file it comes from."""


@dataclass(frozen=True)
class Hours:
    """Xiamen wall-clock times on these weekdays, 1 = Monday."""

    weekdays: tuple[int, ...]
    start: time
    end: time


@dataclass(frozen=True)
class Opening:
    """When a hall's windows of one category take appointments, and how many people a half-day holds."""

    hall_code: str
    category_code: str
    windows: int
    capacity_per_half_day: int
    hours: tuple[Hours, ...]
    verified: bool


def read(name: str) -> Table:
    """One data file, such as `halls.toml`."""
    return tomllib.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))


def items() -> list[Table]:
    """Every item, in the order of the file names."""
    folder = files(__name__).joinpath("items")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return [item for name in names for item in read(f"items/{name}")["item"]]


def forms() -> list[Table]:
    """Every form, in the order of the file names."""
    folder = files(__name__).joinpath("forms")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    found = [form for name in names for form in read(f"forms/{name}")["form"]]
    return [{**form, "key": f"{form['item']}/{form['version']}"} for form in found]


def halls() -> list[Table]:
    """Every hall with the file's defaults filled in."""
    content = read("halls.toml")
    return [{**content["defaults"], **hall} for hall in content["hall"]]


def opening() -> tuple[Opening, ...]:
    """Hours, windows and capacity of every hall and category that can be booked; walk-in categories are left out."""
    walk_in_only = {row["code"] for row in read("places.toml")["category"] if row.get("walk_in_only")}
    return tuple(
        Opening(
            hall_code=hall["code"],
            category_code=category,
            windows=windows,
            capacity_per_half_day=hall["capacity_per_half_day"],
            hours=tuple(_hours(row) for row in hall["hours"]),
            verified=hall["hours_verified"] and hall["windows_verified"],
        )
        for hall in halls()
        for category, windows in hall["windows"].items()
        if category not in walk_in_only
    )


def _hours(row: Table) -> Hours:
    return Hours(tuple(row["weekdays"]), time.fromisoformat(row["from"]), time.fromisoformat(row["to"]))
