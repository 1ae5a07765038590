"""What the courier part must know of an item: the ways it is mailed, and whether it is a certificate."""

from typing import Any

from sqlalchemy.orm import Session

from backend.catalogue import queries
from backend.catalogue.values import Item
from express.errors import SubjectNotFound
from express.models import Direction
from express.subjects import Asking, Subject

CERTIFICATES = ("licence", "registration")


def subject_of(item: Item, hall_code: str, **known: Any) -> Subject:
    """An item at a hall as something to mail; `known` is what its case or appointment adds."""
    directions = {Direction.MATERIAL_IN} if item.mail.inward else set()
    if item.mail.outward:
        directions |= {Direction.RESULT_OUT, Direction.ORIGINAL_BACK}
    return Subject(
        item_slug=item.slug,
        category_code=item.category.code,
        title=item.name,
        hall_code=hall_code,
        applicant_type="organisation" if item.object == "legal" else "person",
        directions=frozenset(directions),
        certificate=item.kind in CERTIFICATES,
        **known,
    )


def case_number(session: Session, asking: Asking) -> Subject:
    """A case of another system, by its number alone: item and hall are what the applicant says.

    Nobody can check whose it is, so the hall releases what goes out. Raises SubjectNotFound.
    """
    if not asking.item or not asking.hall:
        raise SubjectNotFound()
    item, hall = queries.item(session, asking.item), queries.hall(session, asking.hall)
    if hall.code not in item.booking.hall_codes and item.bookable:
        raise SubjectNotFound()
    return subject_of(item, hall.code, person_id=asking.person_id)
