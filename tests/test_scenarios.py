"""docs/scenarios.md names tests that exist, and every played scenario is in it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def _tests(path: Path) -> set[tuple[str, str]]:
    tree = ast.parse(path.read_text())
    return {(path.name, one.name) for one in tree.body if isinstance(one, ast.FunctionDef)}


def test_the_table_of_scenarios_is_true() -> None:
    table = (ROOT / "docs" / "scenarios.md").read_text()
    named = NAMED.findall(table)
    there = set().union(*(_tests(path) for path in (ROOT / "tests" / "e2e").glob("test_*.py")))
    assert set(named) <= there
    played = {(file, name) for file, name in there if name.startswith("test_scenario_")}
    assert played <= set(named)
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == list(range(1, 13))
