"""An account of one's own for every test, on a clock that tests move."""

from collections.abc import Iterator

import pytest

from tests.conftest import Clock
from tests.payments.gateways.wechat_pay.bank import OLD, Bank, running_bank


@pytest.fixture
def bank(clock: Clock) -> Iterator[Bank]:
    with running_bank(OLD) as bank:
        yield bank
