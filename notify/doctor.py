"""What must always hold about notices, for `make doctor`."""

from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from backend.core import clock
from notify import queries, routing
from notify.models import Delivery, DeliveryState, Dispatch, Notification

OVERDUE = timedelta(hours=1)
MAY_BE_SENDING = (Dispatch.QUEUED, Dispatch.WITHDRAWN)


def invariants(session: Session) -> list[str]:
    """Broken promises, each with the id of its notification; empty when all is well."""
    arrived = exists().where(
        Delivery.notification_id == Notification.id,
        Delivery.state.in_([DeliveryState.SENT, DeliveryState.DELIVERED]),
    )
    open_attempt = exists().where(Delivery.notification_id == Notification.id, Delivery.state == DeliveryState.SENDING)
    rules = (
        ("is sent but no delivery was taken", (Notification.state == Dispatch.SENT) & ~arrived),
        ("is not sent though a delivery was taken", (Notification.state != Dispatch.SENT) & arrived),
        ("is final but has an open attempt", Notification.state.not_in(MAY_BE_SENDING) & open_attempt),
        (
            "has been due for more than an hour",
            (routing.due_since(clock.now()) < clock.now() - OVERDUE) & queries.waiting(clock.now()),
        ),
    )
    return [
        f"notify: notification {notification_id} {words}"
        for words, broken in rules
        for notification_id in session.scalars(select(Notification.id).where(broken))
    ]
