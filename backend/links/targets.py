"""Which page of ours a link from another app opens (docs/links.md). What a link says becomes no address by itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue

SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CODE: Final = re.compile(r"[A-Za-z0-9-]{1,40}")
UUID_: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SOURCES: Final = ("ixiamen", "mzt", "wechat", "alipay", "sms", "poster")
"""i厦门, 闽政通, WeChat, Alipay, a text message, a poster with a code."""
OTHER, UNKNOWN = "other", "unknown"


def _any(session: Session, name: str) -> bool:
    """The page itself says when there is no such thing, or when it is another's."""
    return True


def _is_item(session: Session, slug: str) -> bool:
    return catalogue.is_item(session, slug)


@dataclass(frozen=True)
class Target:
    """A page: what its link may name, whether there is such a thing, and its address."""

    shape: re.Pattern[str]
    address: str
    exists: Callable[[Session, str], bool] = _any


TARGETS: Final[Mapping[str, Target]] = {
    "item": Target(SLUG, "/items/{}", _is_item),
    "file": Target(SLUG, "/items/{}/file", _is_item),
    "book": Target(SLUG, "/book/{}/hall", _is_item),
    "hall": Target(CODE, "/halls/{}"),
    "list": Target(SLUG, "/lists/{}"),
    "case": Target(UUID_, "/cases/{}"),
    "application": Target(UUID_, "/applications/{}"),
    "bill": Target(UUID_, "/bills/{}"),
    "appointment": Target(UUID_, "/appointments/{}"),
    "shipment": Target(UUID_, "/shipments/{}"),
}


def address_of(session: Session, kind: str, name: str) -> str | None:
    """The page, None for a kind, a name or an item that there is not."""
    target = TARGETS.get(kind)
    if target is None or len(name) > 64 or not target.shape.fullmatch(name) or not target.exists(session, name):
        return None
    return target.address.format(name)
