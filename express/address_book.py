"""地址簿: a person's addresses, sealed, one of them the default, checked before they are kept."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from backend.core import clock, crypto, db
from backend.core.errors import FieldError, InvalidInput, Text
from express.carriers.base import Party, Region
from express.divisions import is_division
from express.errors import AddressBookFull, AddressNotFound
from express.models import Address

MOST = 20
FIELDS = ("name", "phone", "province", "city", "county", "line")
LENGTHS = {"name": (2, 30), "phone": (7, 20), "province": (2, 30), "city": (2, 30), "county": (2, 30), "line": (2, 100)}
_PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}(-\d{1,5})?")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:owner, 6))")


def checked(given: Mapping[str, str]) -> dict[str, str]:
    """The parts cleaned, full-width letters as plain ones. Raises InvalidInput with a pointer for each wrong part."""
    parts = {name: " ".join(unicodedata.normalize("NFKC", given.get(name, "")).split()) for name in FIELDS}
    parts["phone"] = re.sub(r"^(\+?86|0086)(?=1)", "", re.sub(r"\s", "", parts["phone"]))
    wrong = []
    for name, (least, most) in LENGTHS.items():
        if not least <= len(parts[name]) <= most:
            wrong.append(FieldError(f"/{name}", Text("请填写，不要太长", "Fill this in, not too long")))
        elif re.search(r"[\x00-\x1f<>]", parts[name]):
            wrong.append(FieldError(f"/{name}", Text("有不能用的字符", "Contains characters that cannot be used")))
    if parts["phone"] and not _PHONE.fullmatch(parts["phone"]):
        wrong.append(FieldError("/phone", Text("电话不对，请核对", "This is not a phone number")))
    if not wrong and not is_division(parts["province"], parts["city"], parts["county"]):
        wrong.append(FieldError("/county", Text("省、市、区县对不上，请核对", "These names do not belong together")))
    if wrong:
        raise InvalidInput(errors=wrong)
    return parts


def add(session: Session, *, person_id: UUID, given: Mapping[str, str], default: bool) -> Address:
    """Keep an address; the first one is the default. Raises InvalidInput, AddressBookFull."""
    parts = checked(given)
    session.execute(_LOCK, {"owner": str(person_id)})
    count = session.scalar(select(func.count()).where(Address.person_id == person_id)) or 0
    if count >= MOST:
        raise AddressBookFull()
    address_id = db.new_id()
    address = Address(
        id=address_id,
        person_id=person_id,
        content=_sealed(address_id, parts),
        is_default=False,
        created_at=clock.now(),
    )
    session.add(address)
    session.flush()
    if default or count == 0:
        _make_default(session, address)
    return address


def change(session: Session, *, person_id: UUID, address_id: UUID, given: Mapping[str, str]) -> Address:
    """Write an address anew. Raises AddressNotFound, InvalidInput."""
    address = of(session, person_id=person_id, address_id=address_id)
    address.content = _sealed(address_id, checked(given))
    session.flush()
    return address


def set_default(session: Session, *, person_id: UUID, address_id: UUID) -> Address:
    """The address that is offered first. Raises AddressNotFound."""
    session.execute(_LOCK, {"owner": str(person_id)})
    address = of(session, person_id=person_id, address_id=address_id)
    _make_default(session, address)
    return address


def remove(session: Session, *, person_id: UUID, address_id: UUID) -> None:
    """Delete it; shipments keep their own copy until their time is over. Another one becomes the default."""
    session.execute(_LOCK, {"owner": str(person_id)})
    address = of(session, person_id=person_id, address_id=address_id)
    session.execute(delete(Address).where(Address.id == address_id))
    if address.is_default:
        newest = select(Address).where(Address.person_id == person_id).order_by(Address.created_at.desc()).limit(1)
        left = session.scalars(newest).one_or_none()
        if left is not None:
            _make_default(session, left)


def of(session: Session, *, person_id: UUID, address_id: UUID) -> Address:
    """One address of this person. Raises AddressNotFound."""
    query = select(Address).where(Address.id == address_id, Address.person_id == person_id)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise AddressNotFound()
    return found


def listed(session: Session, person_id: UUID) -> list[Address]:
    """All of them, the default first, then the one used last."""
    query = select(Address).where(Address.person_id == person_id)
    order = (Address.is_default.desc(), Address.used_at.desc().nulls_last(), Address.created_at.desc())
    return list(session.scalars(query.order_by(*order)))


def shown(address: Address) -> dict[str, Any]:
    """An address as its owner sees it."""
    return {"id": address.id, "is_default": address.is_default, **opened(address)}


def opened(address: Address) -> dict[str, str]:
    """The parts in clear."""
    parts: dict[str, str] = json.loads(
        crypto.unseal(address.content, table="address", column="content", row=address.id)
    )
    return parts


def party(parts: Mapping[str, str]) -> Party:
    """What a courier is given of it."""
    place = Region(parts["province"], parts["city"], parts["county"])
    return Party(parts["name"], parts["phone"], place, parts["line"])


def adopt(session: Session, *, person_id: UUID, former_id: UUID) -> None:
    """Two records were one person: the addresses follow, the default of the one that remains stays."""
    has = select(func.count()).where(Address.person_id == person_id, Address.is_default)
    if session.scalar(has):
        session.execute(update(Address).where(Address.person_id == former_id).values(is_default=False))
    session.execute(update(Address).where(Address.person_id == former_id).values(person_id=person_id))


def _make_default(session: Session, address: Address) -> None:
    session.execute(update(Address).where(Address.person_id == address.person_id).values(is_default=False))
    session.execute(update(Address).where(Address.id == address.id).values(is_default=True))
    session.refresh(address)


def _sealed(address_id: UUID, parts: Mapping[str, str]) -> bytes:
    return crypto.seal(json.dumps(parts, ensure_ascii=False), table="address", column="content", row=address_id)
