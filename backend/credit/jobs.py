"""What the worker asks the credit platform."""

from uuid import UUID

from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.errors import ProviderError, ProviderRejected
from backend.credit import platform, service
from backend.credit.platform import Platform, Question

BATCH = 20
NOT_JOINED = "not_joined"


def ask_due(settings: Settings) -> None:
    """Ask what is due; while the platform is not joined, cases go on with a note at once."""
    ask(platform.from_settings(settings))


def ask(found: Platform | None) -> int:
    """As `ask_due`; the number of questions tried."""
    with transaction() as session:
        claimed = service.claim_due(session, BATCH)
    for check_id, question in claimed:
        _ask_one(found, check_id, question)
    return len(claimed)


def _ask_one(found: Platform | None, check_id: UUID, question: Question | None) -> None:
    if found is None or question is None:
        with transaction() as session:
            service.failed(session, check_id, service.NOBODY if found else NOT_JOINED, final=True)
        return
    try:
        records = found.query(question)
    except ProviderError as trouble:
        with transaction() as session:
            service.failed(session, check_id, trouble.provider_code, final=isinstance(trouble, ProviderRejected))
    else:
        with transaction() as session:
            service.answered(session, check_id, records)
