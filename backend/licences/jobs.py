"""What the worker does for licences."""

from backend.core.db import transaction
from backend.licences import service


def give_up_unanswered() -> None:
    """Questions whose web process was killed in between end as unavailable: ask again or upload."""
    with transaction() as session:
        service.give_up_unanswered(session)
