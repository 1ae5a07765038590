"""Where halls send from and receive, and which division bears their postage."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import audit
from express.address_book import checked
from express.carriers.base import Party, Region
from express.errors import NotMailed
from express.models import ExpressOffice


def of_hall(session: Session, hall_code: str) -> ExpressOffice:
    """The hall's office. Raises NotMailed when it has none or no address."""
    office = session.get(ExpressOffice, hall_code)
    if office is None or not office.line:
        raise NotMailed(hall=hall_code)
    return office


def party(office: ExpressOffice) -> Party:
    """What a courier is given of it."""
    return Party(office.name, office.phone, Region(office.province, office.city, office.county), office.line or "")


def set_office(session: Session, *, hall_code: str, division_code: str, actor: str, **given: str) -> ExpressOffice:
    """Write where a hall sends from. Raises InvalidInput."""
    parts = checked(given)
    office = session.merge(ExpressOffice(hall_code=hall_code, division_code=division_code, verified=True, **parts))
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="express_office.set",
        object_type="hall",
        object_id=hall_code,
        data={"division": division_code},
    )
    return office


def listed(session: Session) -> list[dict[str, Any]]:
    """Every office."""
    names = [column.name for column in ExpressOffice.__table__.columns]
    rows = session.scalars(select(ExpressOffice).order_by(ExpressOffice.hall_code))
    return [{name: getattr(row, name) for name in names} for row in rows]
