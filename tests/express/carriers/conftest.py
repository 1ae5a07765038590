"""Providers that stand for the tests of one module."""

from collections.abc import Iterator

import pytest

from tests.express.carriers.ems_site import Site, running_ems


@pytest.fixture(scope="module")
def ems_server() -> Iterator[Site]:
    with running_ems() as running:
        yield running


@pytest.fixture
def site(ems_server: Site) -> Site:
    """An empty EMS on a good day."""
    ems_server.forget()
    return ems_server
