"""Providers that stand for the tests of one module."""

from collections.abc import Iterator

import pytest

from tests.conftest import Clock
from tests.payments.gateways.alipay.alipay_site import Site, running_alipay


@pytest.fixture(scope="module")
def alipay_server() -> Iterator[Site]:
    with running_alipay() as running:
        yield running


@pytest.fixture
def site(alipay_server: Site, clock: Clock) -> Site:
    """An empty Alipay on the test's clock."""
    alipay_server.forget()
    return alipay_server
