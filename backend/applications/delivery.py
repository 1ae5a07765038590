"""How the result is to come: chosen with the application or later, until it is on its way."""

from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from backend.applications.errors import DeliveryNotAgreed
from backend.applications.models import Application
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item
from backend.core import clock
from backend.core.errors import Text


def ways(item: Item) -> list[str]:
    """The ways an item's result may come."""
    return ["download", "window", *(["mail"] if item.mail.outward else [])]


def choose(
    session: Session, of: Application | Case, item: Item, *, way: str | None, consent: bool, pickup_hall: str | None
) -> None:
    """Write the choice; a download only with consent to electronic delivery (clause 3.3). None leaves it open.

    Raises DeliveryNotAgreed, HallNotFound.
    """
    if way is not None and way not in ways(item):
        raise DeliveryNotAgreed()
    if way == "download" and not consent:
        raise DeliveryNotAgreed(Text("要先同意电子送达", "Agree to electronic delivery first"))
    if pickup_hall is not None:
        catalogue.hall(session, pickup_hall)
    of.delivery = way
    of.delivery_consent_at = clock.now() if way == "download" else None
    of.pickup_hall = pickup_hall if way == "window" else None
    session.flush()
