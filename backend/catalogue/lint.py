"""Checks on an item before citizens rely on it. Pure: an item in, findings with stable codes and places out."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from backend.catalogue import codes, snapshot
from backend.catalogue.registers import queries as registers
from backend.catalogue.values import Item
from backend.core import clock
from backend.core.errors import Text

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
    """One broken rule. `code` is stable, `where` names the item or material, `pointer` the field of the version."""

    code: str
    where: str
    pointer: str
    text: Text

    def __str__(self) -> str:
        return f"catalogue: {self.where}: {self.code}: {self.text.en}"


@dataclass(frozen=True)
class Known:
    """What the rules must know beside the item: the day, and the proofs nobody may ask for, folded name → name."""

    on: date
    cancelled: Mapping[str, str] = field(default_factory=dict)


def fold(text: str) -> str:
    """A wording without what does not count in it: width, blanks, punctuation, case."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def is_catch_all(text: str) -> bool:
    """Whether a wording leaves open what is asked for: 其他材料, 有关材料 and their spellings (circular clause 19)."""
    return bool(_CATCH_ALL.search(fold(text)) or _CATCH_ALL_ENGLISH.search(unicodedata.normalize("NFKC", text)))


def lint_item(item: Item, *, on: date, cancelled: Mapping[str, str] | None = None) -> list[Finding]:
    """Every rule an item breaks on a day; fees are judged by the standards in force then."""
    known = Known(on, cancelled or {})
    return [
        Finding(code, where, pointer, text)
        for rule in (_wording, _proofs, _visits, _days, _fees, _booking, _identity)
        for code, where, pointer, text in rule(item, known)
    ]


def lint_catalogue(session: Session) -> list[Finding]:
    """Findings of the catalogue as the database has it today."""
    on = clock.today()
    cancelled = cancelled_names(session, on=on)
    return [
        finding
        for item in snapshot.read_items(session).values()
        for finding in lint_item(item, on=on, cancelled=cancelled)
        if item.ended is None
    ]


def cancelled_names(session: Session, *, on: date) -> dict[str, str]:
    """Folded name → name of every proof that is cancelled on a day."""
    return {
        fold(name): proof.name_zh
        for proof in registers.cancelled_proofs(session)
        if proof.cancelled_on <= on
        for name in (proof.name_zh, proof.name_en, *proof.aliases)
    }


Broken = Iterable[tuple[str, str, str, Text]]


def _wording(item: Item, known: Known) -> Broken:
    for at, material in enumerate(item.materials):
        texts = [*material.name, *(material.note or ())]
        vague = [text for text in texts if is_catch_all(text)]
        if vague and not (material.wording_document or "").strip():
            place = "name" if vague[0] in material.name else "note"
            text = Text(
                f"“{vague[0]}”没有说清要什么材料，请写出材料名称；涉及国家安全、公共安全的，填批准文件",
                f"names no definite material: {vague[0]}",
            )
            yield "catch_all_material", material.id, f"/materials/{at}/{place}", text
    for at, condition in enumerate(item.conditions):
        for vague_text in (text for text in condition if is_catch_all(text)):
            text = Text(f"“{vague_text}”没有说清条件", f"names no definite condition: {vague_text}")
            yield "catch_all_condition", item.slug, f"/conditions/{at}", text


def _proofs(item: Item, known: Known) -> Broken:
    for at, material in enumerate(item.materials):
        if material.exempt and material.source == "applicant":
            text = Text(
                "免提交的材料，来源不能是申请人自己准备",
                "an exempt material must come from a library, a proof or nobody",
            )
            yield "exempt_without_source", material.id, f"/materials/{at}/source", text
        gone = [known.cancelled[fold(name)] for name in material.name if fold(name) in known.cancelled]
        if gone and not material.exempt:
            text = Text(
                f"“{gone[0]}”已经取消，不能再要", f"this proof is cancelled and must not be asked for: {gone[0]}"
            )
            yield "cancelled_proof", material.id, f"/materials/{at}/name", text


def _visits(item: Item, known: Known) -> Broken:
    online = item.depth == 5 or item.online_url is not None
    if item.visits == 0 and not (online or item.mail.inward):
        text = Text(
            "写了不用跑，但是没有网上办理，也不能寄材料", "no visit is declared, but there is no online or mail route"
        )
        yield "no_visit_without_route", item.slug, "/visits", text
    if item.visits > 0 and not (item.visits_reason and all(text.strip() for text in item.visits_reason)):
        text = Text("要跑，就用中英文写明为什么", "a visit is declared without a reason in both languages")
        yield "visit_without_reason", item.slug, "/visits_reason", text
    if item.depth == 5 and item.visits > 0:
        text = Text("网办深度 5 是全程网办，不能还要跑", "depth 5 is all online, but a visit is declared")
        yield "fully_online_with_visit", item.slug, "/depth", text
    allowed = item.offline_filing
    excepted = allowed and allowed.committee_document.strip() and allowed.reform_document.strip()
    if item.kind == "filing" and not (item.depth == 5 or item.self_service or excepted):
        text = Text(
            "备案要能全程网办或自助办；确实不能的，要有管委会和审改办两份批准文件",
            "a filing must be online or on a terminal (circular clause 3)",
        )
        yield "filing_not_online", item.slug, "/offline_filing", text


def _days(item: Item, known: Known) -> Broken:
    law = item.law_days
    if law is not None and item.promise_days is not None and item.promise_days > law:
        text = Text(
            f"承诺 {item.promise_days} 天，超过法定的 {law} 天",
            f"promises {item.promise_days} days, the law allows {law}",
        )
        yield "promise_above_law", item.slug, "/promise_days", text
    for at, own in enumerate(item.district_days):
        if law is not None and own.promise_days > law:
            text = Text(
                f"承诺 {own.promise_days} 天，超过法定的 {law} 天",
                f"{own.division_code} promises {own.promise_days} days, the law allows {law}",
            )
            yield "promise_above_law", item.slug, f"/district_days/{at}/promise_days", text
    if item.instant and (item.promise_days is None or item.promise_days > 1):
        text = Text("当场办好，承诺就要写 1 个工作日", "done on the spot means a promise of one working day")
        yield "instant_not_within_a_day", item.slug, "/promise_days", text
    for at, step in enumerate(item.special_steps):
        if not step.basis.strip():
            text = Text("特殊环节要写明依据", "a special step needs its legal basis")
            yield "special_step_without_basis", item.slug, f"/special_steps/{at}/basis", text


def _fees(item: Item, known: Known) -> Broken:
    if item.free and item.fees:
        names = ", ".join(fee.tariff.code for fee in item.fees)
        yield "free_with_fee", item.slug, "/fees", Text("写了免费，又列了收费", f"free, but carries {names}")
    if not item.free and not item.fees:
        yield "fee_unknown", item.slug, "/fees", Text("不是免费，请列出收费项目", "not free, but carries no fee")
    if item.free and item.paid_by_department:
        text = Text("写了免费，就没有费用要部门承担", "free, so there is no fee for the department to bear")
        yield "free_and_borne", item.slug, "/fee_borne_by", text
    for at, fee in enumerate(item.fees):
        standard = fee.tariff.on(known.on)
        if standard and standard.verified and standard.amount_fen == 0:
            text = Text(
                f"“{fee.tariff.name.zh}”现在不收费，请删掉",
                f"{fee.tariff.code} is free of charge and must not be on an item",
            )
            yield "fee_of_nothing", item.slug, f"/fees/{at}/code", text


def _booking(item: Item, known: Known) -> Broken:
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
            text = Text(
                f"要在 {allowed[0]} 到 {allowed[-1]} 之间", f"{name} is {value}, allowed {allowed[0]} to {allowed[-1]}"
            )
            yield "booking_out_of_range", item.slug, f"/booking/{name}", text
    if booking.max_people > 1 and item.object == "legal":
        text = Text("企业事项一次只办一户", "an item of legal persons is booked for one file at a time")
        yield "people_for_legal_person", item.slug, "/booking/max_people", text
    if not booking.family.strip():
        text = Text("请写事项组", "a booking needs an item family")
        yield "family_missing", item.slug, "/booking/family", text
    if item.visits > 0 and not booking.hall_codes:
        text = Text("要跑，但是没有大厅能办", "a visit is declared, but no hall takes it")
        yield "visit_without_hall", item.slug, "/halls", text
    if booking.pre_check and item.visits == 0:
        text = Text("不用跑的事项不能先审后约", "nobody visits for this item, so nothing is checked before a visit")
        yield "pre_check_without_visit", item.slug, "/booking/pre_check", text
    if booking.pre_check and (item.depth == 1 or item.online_url is not None):
        text = Text("先审后约，就要能在这里网上交材料", "papers are checked first only where they are filed here")
        yield "pre_check_without_filing", item.slug, "/booking/pre_check", text


def _identity(item: Item, known: Known) -> Broken:
    if not codes.is_item_code(item.code):
        text = Text("实施编码不对：18 位统一社会信用代码加 13 位数字，校验位要对", f"{item.code} is no item code")
        yield "item_code_invalid", item.slug, "/code", text
    if item.handling_code is not None and not codes.is_handling_code(item.handling_code, item.code):
        text = Text(
            "业务办理项编码不对：31 位实施编码加 2 位数字", f"{item.handling_code} is no handling code of {item.code}"
        )
        yield "handling_code_invalid", item.slug, "/handling_code", text
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item.slug):
        yield (
            "slug_invalid",
            item.slug,
            "/slug",
            Text("网址名只用小写字母、数字和连字符", "a slug is lower-case words with hyphens"),
        )
    for pointer, text in (("/name", item.name), ("/summary", item.summary)):
        if not all(part.strip() for part in text):
            yield "text_missing", item.slug, pointer, Text("中文和英文都要写", "both languages are needed")
