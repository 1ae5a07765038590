"""Whose account a statement speaks of."""

import pytest

from payments.attempt_models import Attempt
from payments.proof import is_foreign


@pytest.mark.parametrize(
    ("app_id", "merchant_id", "foreign"),
    [
        ("app", "merchant", False),
        (None, "merchant", False),
        ("app", None, False),
        (None, None, False),
        ("other", "merchant", True),
        ("app", "other", True),
        ("other", None, True),
        (None, "other", True),
        ("merchant", "app", True),
        ("", "merchant", True),
        ("app", "", True),
    ],
)
def test_p10_another_app_or_merchant_is_foreign(app_id: str | None, merchant_id: str | None, foreign: bool) -> None:
    """An answer that does not name one of them says nothing against it."""
    assert is_foreign(Attempt(app_id="app", merchant_id="merchant"), app_id, merchant_id) is foreign
