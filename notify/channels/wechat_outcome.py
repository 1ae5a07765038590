"""What WeChat's answers to a message mean, for both of its channels."""

from backend.core.errors import ProviderError, ProviderUnavailable
from backend.core.wechat import NOT_SENT, TIMEOUT
from notify.channels.base import Outcome

QUOTA_SPENT = "45009"

OUR_FAULT = frozenset({"40013", "40037", "40125", "40164", "41002", "41004", "41030", "48001"})
"""Wrong settings: the message is kept and tried again, since somebody will put them right."""

RECIPIENT_CLOSED = frozenset({"40003", "43004", "43019", "43101"})
"""This person takes nothing there: a stranger to the account, no follower, on its blacklist, or out of grants."""


def outcome_of(trouble: ProviderError) -> Outcome:
    """The outcome of an attempt that WeChat did not answer with a message number."""
    code = trouble.provider_code
    if isinstance(trouble, ProviderUnavailable):
        return Outcome(
            "unknown" if code == TIMEOUT else "again",
            code=code,
            exhausted=code == QUOTA_SPENT,
            unreachable=code == NOT_SENT,
        )
    return Outcome("again" if code in OUR_FAULT else "refused", code=code, recipient_closed=code in RECIPIENT_CLOSED)
