"""Checks on an item before citizens rely on it. Pure: an item in, findings with stable codes out."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from backend.catalogue import codes, snapshot
from backend.catalogue.values import Item, Material
from backend.core import clock

_NOISE = re.compile(r"[\W_]+")
_PAPERS = "(材料|资料|資料|文件|证明|證明|证件|證件|手续)"
_CATCH_ALL = re.compile(
    r"(其[他它余餘]|有[关關]|相[关關应應]|必要|必需|所需|规定)"
    r"(的|有关|相关|必要|所需|需要|应当|要求|规定|提交|提供|补充|申请|办理|业务|能够?|可以?|足以)*" + _PAPERS + "|"
    r"等(的|有关|相关|其他|其它)?" + _PAPERS + "|" + _PAPERS + r"等+$"
    r"|(根据|视|按照?)(实际|具体)?(情况|需要)(补充|另行)?(提供|提交|要求)"
    r"|(认为|认定)(有?必要|需要|应当)(提供|提交)?的"
)
_CATCH_ALL_ENGLISH = re.compile(
    r"\b(other|related|relevant|any|necessary|additional|further)\s+(\w+\s+)?(materials?|documents?|papers?|files?)\b"
    r"|\bas required\b|\betc\b",
    re.IGNORECASE,
)

MINUTES = range(5, 241)
EXTRA_MINUTES = range(121)
COUNTS = range(1, 11)
LEVELS = range(1, 4)


@dataclass(frozen=True)
class Finding:
    """One broken rule. `code` is stable; `where` names the item or material."""

    code: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"catalogue: {self.where}: {self.code}: {self.detail}"


def is_catch_all(text: str) -> bool:
    """Whether a wording leaves open what is asked for: 其他材料, 有关材料 and their spellings (circular clause 19)."""
    folded = unicodedata.normalize("NFKC", text)
    return bool(_CATCH_ALL.search(_NOISE.sub("", folded)) or _CATCH_ALL_ENGLISH.search(folded))


def lint_item(item: Item, *, on: date) -> list[Finding]:
    """Every rule an item breaks on a day; fees are judged by the standards in force then."""
    return [
        Finding(code, where, detail)
        for rule in (_wording, _visits, _days, _fees, _booking, _identity)
        for code, where, detail in rule(item, on)
    ]


def lint_items(items: Iterable[Item], *, on: date) -> list[Finding]:
    """Findings of many items, in their order."""
    return [finding for item in items for finding in lint_item(item, on=on)]


def lint_catalogue(session: Session) -> list[Finding]:
    """Findings of the catalogue as the database has it today."""
    return lint_items(snapshot.read_items(session).values(), on=clock.today())


Broken = Iterable[tuple[str, str, str]]


def _wording(item: Item, on: date) -> Broken:
    for material in item.materials:
        texts = [*material.name, *(material.note or ())]
        vague = [text for text in texts if is_catch_all(text)]
        if vague and not (material.wording_document or "").strip():
            yield "catch_all_material", material.id, f"names no definite material: {vague[0]}"
    for text in (text for condition in item.conditions for text in condition):
        if is_catch_all(text):
            yield "catch_all_condition", item.slug, f"names no definite condition: {text}"
    for material in item.materials:
        yield from _exemption(material)


def _exemption(material: Material) -> Broken:
    if material.exempt and material.source == "applicant":
        yield "exempt_without_source", material.id, "an exempt material must come from a library, a proof or nobody"


def _visits(item: Item, on: date) -> Broken:
    online = item.depth == 5 or item.online_url is not None
    if item.visits == 0 and not (online or item.mail.inward):
        yield "no_visit_without_route", item.slug, "no visit is declared, but there is no online or mail route"
    if item.visits > 0 and not (item.visits_reason and all(text.strip() for text in item.visits_reason)):
        yield "visit_without_reason", item.slug, "a visit is declared without a reason in both languages"
    if item.depth == 5 and item.visits > 0:
        yield "fully_online_with_visit", item.slug, "depth 5 is all online, but a visit is declared"
    if item.kind == "filing" and not (item.depth == 5 or item.self_service):
        yield "filing_not_online", item.slug, "a filing must be online or on a terminal (circular clause 3)"


def _days(item: Item, on: date) -> Broken:
    if item.law_days is not None and item.promise_days is not None and item.promise_days > item.law_days:
        yield "promise_above_law", item.slug, f"promises {item.promise_days} days, the law allows {item.law_days}"
    if item.instant and (item.promise_days is None or item.promise_days > 1):
        yield "instant_not_within_a_day", item.slug, "done on the spot means a promise of one working day"


def _fees(item: Item, on: date) -> Broken:
    if item.free and item.fees:
        yield "free_with_fee", item.slug, f"free, but carries {', '.join(fee.tariff.code for fee in item.fees)}"
    if not item.free and not item.fees:
        yield "fee_unknown", item.slug, "not free, but carries no fee"
    for code, fee in ((fee.tariff.code, fee.tariff.on(on)) for fee in item.fees):
        if fee and fee.verified and fee.amount_fen == 0:
            yield "fee_of_nothing", item.slug, f"{code} is free of charge and must not be on an item"


def _booking(item: Item, on: date) -> Broken:
    booking = item.booking
    limits = (
        ("minutes", booking.minutes, MINUTES),
        ("extra_minutes", booking.extra_minutes, EXTRA_MINUTES),
        ("max_items", booking.max_items, COUNTS),
        ("max_people", booking.max_people, COUNTS),
        ("level", booking.level, LEVELS),
    )
    for name, value, allowed in limits:
        if value not in allowed:
            yield "booking_out_of_range", item.slug, f"{name} is {value}, allowed {allowed[0]} to {allowed[-1]}"
    if booking.max_people > 1 and item.object == "legal":
        yield "people_for_legal_person", item.slug, "an item of legal persons is booked for one file at a time"
    if not booking.family.strip():
        yield "family_missing", item.slug, "a booking needs an item family"
    if item.visits > 0 and not item.bookable:
        yield "visit_without_hall", item.slug, "a visit is declared, but no hall takes it"


def _identity(item: Item, on: date) -> Broken:
    if not codes.is_item_code(item.code):
        yield "item_code_invalid", item.slug, f"{item.code} is no item code"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item.slug):
        yield "slug_invalid", item.slug, "a slug is lower-case words with hyphens"
