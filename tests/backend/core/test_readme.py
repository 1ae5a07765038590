"""The settings table in README.md says what the settings class says."""

from dataclasses import MISSING, fields
from pathlib import Path

from backend.core.config import Settings

README = Path(__file__).parent.parent.parent.parent / "README.md"


def test_the_readme_lists_every_setting() -> None:
    text = README.read_text()
    for item in fields(Settings):
        default = "required" if item.default is MISSING else f"`{item.default}`" if str(item.default) else "empty"
        assert f"| `{item.name.upper()}` | {default} | {item.metadata['help']} |" in text
