"""Whether anything can be paid at all: not while channels are asked what a lost piece of the database knew (P53)."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from backend.core.errors import ServiceError, Text
from payments.recovery_models import PaymentRecovery


class PaymentsShut(ServiceError):
    """The database was set back; until every channel has been asked, nothing new can be paid."""

    status = 503
    code = "payments_shut"
    title = Text("正在核对已付的款，请过一会儿再付", "Payments are being checked. Please pay a little later")


def demand_open(session: Session) -> None:
    """Raises PaymentsShut while a recovery goes on."""
    if session.scalar(select(exists().where(PaymentRecovery.ended_at.is_(None)))):
        raise PaymentsShut()
