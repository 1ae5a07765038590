"""A sandbox with a clock that tests move."""

from collections.abc import Iterator

import pytest

from backend.core.config import Settings
from tests.conftest import make_settings
from tests.sandbox_server import RunningSandbox, running_sandbox


@pytest.fixture(scope="session")
def plain_settings() -> Settings:
    """Settings of tests that need no database."""
    return make_settings("postgresql://nobody@127.0.0.1/none")


@pytest.fixture(scope="session")
def served(plain_settings: Settings) -> Iterator[RunningSandbox]:
    with running_sandbox(plain_settings) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: RunningSandbox) -> RunningSandbox:
    """The sandbox, on a good day and with empty phones."""
    served.reset()
    return served
