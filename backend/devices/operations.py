"""What the command line does with devices: also with those outside the halls, which have no lead."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.catalogue.models import Hall
from backend.core.errors import NotFound, Text
from backend.devices import service
from backend.devices.models import Device
from backend.sites.models import ServiceSite

ACTOR = "system"


def add(session: Session, place: str, name: str) -> str:
    """A new device at this hall or site; returns its enrolment code. Raises NotFound."""
    hall, site = session.get(Hall, place), session.get(ServiceSite, place)
    if hall is None and site is None:
        raise NotFound(Text("没有这个大厅或服务点", "There is no such hall or site"))
    found = service.add(
        session, name=name, hall_code=place if hall else None, site_code=None if hall else place, actor=ACTOR
    )
    return service.new_code(session, found, actor=ACTOR)[0]


def revoke(session: Session, device_id: str) -> None:
    """Switch a device off. Raises NotFound."""
    try:
        found = session.get(Device, UUID(device_id), with_for_update=True)
    except ValueError:
        found = None
    if found is None:
        raise NotFound(Text("没有这台设备", "There is no such device"))
    service.revoke(session, found, reason="command line", actor=ACTOR)


def listed(session: Session) -> list[str]:
    """One line a device: id, place, state, name."""
    place = func.coalesce(Device.hall_code, Device.site_code)
    rows = session.execute(select(Device.id, place, Device.state, Device.name).order_by(place, Device.name, Device.id))
    return [f"{device_id}  {where}  {state.value}  {name}" for device_id, where, state, name in rows]
