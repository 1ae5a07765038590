"""What the worker does for the hotline."""

from uuid import UUID

from backend.core.config import Settings
from backend.core.db import transaction
from backend.core.errors import ProviderError, ProviderRejected
from backend.hotline import office, service
from backend.hotline.office import Hotline, Order

BATCH = 20


def send_due(settings: Settings) -> None:
    """Hand over the questions whose turn it is."""
    hotline = office.from_settings(settings)
    if hotline is not None:
        send(hotline)


def send(hotline: Hotline) -> int:
    """As `send_due`; their number."""
    with transaction() as session:
        claimed = service.claim_due(session, BATCH)
    for ticket_id, order in claimed:
        _send_one(hotline, ticket_id, order)
    return len(claimed)


def _send_one(hotline: Hotline, ticket_id: UUID, order: Order) -> None:
    try:
        answer = hotline.create(order)
    except ProviderRejected as refusal:
        with transaction() as session:
            service.refused(session, ticket_id, refusal.provider_code)
    except ProviderError as trouble:
        with transaction() as session:
            service.try_again(session, ticket_id, trouble.provider_code)
    else:
        with transaction() as session:
            service.taken(session, ticket_id, answer)
