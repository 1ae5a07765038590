"""What a channel's statement is worth: its verdict, and whether it speaks of our account at all."""

from enum import StrEnum

from payments.attempt_models import Attempt

CURRENCY = "CNY"


class Verdict(StrEnum):
    """What a statement of a channel came to.

    PENDING and UNMATCHED ones are tried again. REFUSED and CONFLICT ones had no effect and raised an alert.
    """

    APPLIED = "applied"
    REPEAT = "repeat"
    NO_MONEY = "no_money"
    PENDING = "pending"
    SUSPENSE = "suspense"
    REFUSED = "refused"
    UNMATCHED = "unmatched"
    CONFLICT = "conflict"


def is_foreign(attempt: Attempt, app_id: str | None, merchant_id: str | None) -> bool:
    """Whether a message names another app or merchant than the order was made with (P10)."""
    return app_id not in (None, attempt.app_id) or merchant_id not in (None, attempt.merchant_id)
