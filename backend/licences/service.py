"""Asking for a licence or proof with consent, and what its answer changes. The call is made by `fetching`."""

import json
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item, Material
from backend.core import audit, clock, crypto, db
from backend.core.auth import Principal
from backend.core.errors import NotFound, Text
from backend.core.states import record_event, transition
from backend.files import subjects
from backend.identity import queries as identity
from backend.licences import errors, identifier, kinds
from backend.licences.models import LicenceFetch, LicenceFetchEvent
from backend.licences.ports import Found, Request
from backend.licences.states import Event, State

WORDING = "licence-1"
"""Version of `CONSENT`."""
CONSENT = Text(
    "我同意为办理“{item}”查询我的“{material}”，只用于这件事。",
    "I agree that my {material} is looked up for {item} only.",
)
ANSWER_BY = timedelta(minutes=2)
MOST_SHOWN = 100


def offers(session: Session, item_slug: str) -> list[tuple[Material, kinds.Kind]]:
    """The materials of an item that can be looked up, with their kinds. Raises ItemNotFound."""
    item = catalogue.item(session, item_slug)
    found = [(material, kinds.of_material(item, material)) for material in item.materials]
    return [(material, kind) for material, kind in found if kind is not None]


def consent(item: Item, material: Material) -> Text:
    """The sentence that its holder agrees to."""
    return Text(
        CONSENT.zh.format(item=item.name.zh, material=material.name.zh),
        CONSENT.en.format(item=item.name.en, material=material.name.en),
    )


def request(
    session: Session, *, asker: Principal, subject: tuple[str, str], item_slug: str, material_id: str, wording: str
) -> LicenceFetch:
    """Write down the consent and the question. Raises LicenceConsentMissing, MaterialNotFetchable, NotFound."""
    if wording != WORDING:
        raise errors.LicenceConsentMissing(wording=WORDING)
    if not subjects.of(subject[0]).writes(session, asker, subject[1]):
        raise NotFound()
    item = catalogue.item(session, item_slug)
    material, kind = _material(session, item_slug, material_id)
    now = clock.now()
    made = LicenceFetch(
        id=db.new_id(),
        state=State.REQUESTED,
        state_at=now,
        person_id=asker.id,
        subject_type=subject[0],
        subject_id=subject[1],
        item_slug=item_slug,
        material=material_id,
        kind=kind.name,
        purpose=consent(item, material).zh,
        wording=wording,
        consented_at=now,
    )
    session.add(made)
    session.flush()
    record_event(session, LicenceFetchEvent, made.id, None, State.REQUESTED, Event.ASK, actor=asker.actor)
    _audit(session, made, "licence.requested", asker.actor)
    return made


def question(session: Session, fetch: LicenceFetch) -> Request:
    """What the office is asked, with the name and number of the holder's document."""
    holder = identity.person(session, fetch.person_id)
    name, number = identity.unseal(holder, "name"), identity.unseal(holder, "id_number")
    if name is None or number is None:
        raise errors.MaterialNotFetchable()
    return Request(
        request_no=fetch.id.hex,
        code=kinds.KINDS[fetch.kind].code,
        holder_name=name,
        holder_number=number,
        item_code=catalogue.item(session, fetch.item_slug).code,
        case_ref=f"{fetch.subject_type}:{fetch.subject_id}",
        purpose=fetch.purpose,
    )


def answered(session: Session, fetch_id: UUID, asked: Request, found: Found | None) -> None:
    """Decide what was found; only the good outcome keeps anything of it."""
    fetch = _requested(session, fetch_id)
    if fetch is None:
        return
    if found is None:
        _end(session, fetch, Event.FIND_NONE)
    elif (found.holder_name, found.holder_number) != (asked.holder_name, asked.holder_number):
        _end(session, fetch, Event.DIFFER)
    elif not _is_what_was_asked(fetch, found):
        _end(session, fetch, Event.FIND_INVALID)
    elif found.valid_until is not None and found.valid_until < clock.today():
        fetch.identifier, fetch.issuer, fetch.valid_until = found.identifier, found.issuer, found.valid_until
        _end(session, fetch, Event.FIND_EXPIRED)
    else:
        fetch.identifier, fetch.issuer, fetch.valid_until = found.identifier, found.issuer, found.valid_until
        fetch.level, fetch.content_sha256 = found.level, found.content_sha256
        shown = json.dumps(found.lines, ensure_ascii=False)
        fetch.view = crypto.seal(shown, table="licence_fetch", column="view", row=fetch.id)
        _end(session, fetch, Event.FIND)


def differed(session: Session, fetch_id: UUID) -> None:
    """The office knows the number under another name."""
    fetch = _requested(session, fetch_id)
    if fetch is not None:
        _end(session, fetch, Event.DIFFER)


def failed(session: Session, fetch_id: UUID, failure: str) -> None:
    """There was no answer that could be believed: the document may be uploaded, or asked for again."""
    fetch = _requested(session, fetch_id)
    if fetch is not None:
        fetch.failure = failure
        _end(session, fetch, Event.FAIL)


def give_up_unanswered(session: Session) -> int:
    """End questions whose process was killed; their number."""
    late = select(LicenceFetch.id).where(
        LicenceFetch.state == State.REQUESTED, LicenceFetch.state_at < clock.now() - ANSWER_BY
    )
    found = session.scalars(late).all()
    for fetch_id in found:
        failed(session, fetch_id, "no_answer")
    return len(found)


def own(session: Session, fetch_id: UUID, person_id: UUID) -> LicenceFetch:
    """One of my questions. Raises NotFound."""
    found = session.get(LicenceFetch, fetch_id, populate_existing=True)
    if found is None or found.person_id != person_id:
        raise NotFound()
    return found


def shown_to_staff(session: Session, fetch_id: UUID, asker: Principal) -> LicenceFetch:
    """What was found for a case that this member of staff may read; the look is written down. Raises NotFound."""
    found = session.get(LicenceFetch, fetch_id, populate_existing=True)
    if found is None or not subjects.of(found.subject_type).reads(session, asker, found.subject_id):
        raise NotFound()
    _audit(session, found, "licence.viewed", asker.actor)
    return found


def usable(session: Session, fetch_id: UUID, person_id: UUID) -> LicenceFetch:
    """A licence that may stand for a material today. Raises LicenceNotUsable, and NotFound for a stranger's."""
    found = own(session, fetch_id, person_id)
    if found.state is not State.FOUND or (found.valid_until is not None and found.valid_until < clock.today()):
        raise errors.LicenceNotUsable()
    return found


def of_subject(session: Session, subject_type: str, subject_id: str) -> list[LicenceFetch]:
    """What was asked for one subject, newest first."""
    mine = (LicenceFetch.subject_type == subject_type) & (LicenceFetch.subject_id == subject_id)
    return list(session.scalars(select(LicenceFetch).where(mine).order_by(LicenceFetch.id.desc())))


def move(session: Session, *, old: tuple[str, str], new: tuple[str, str]) -> None:
    """Questions follow their subject when it becomes another, such as a draft that becomes a case."""
    mine = (LicenceFetch.subject_type == old[0]) & (LicenceFetch.subject_id == old[1])
    session.execute(update(LicenceFetch).where(mine).values(subject_type=new[0], subject_id=new[1]))


def uses(session: Session, person_id: UUID) -> list[LicenceFetch]:
    """For its holder: what was asked about them, when and for what, newest first."""
    mine = select(LicenceFetch).where(LicenceFetch.person_id == person_id)
    return list(session.scalars(mine.order_by(LicenceFetch.consented_at.desc(), LicenceFetch.id).limit(MOST_SHOWN)))


def lines(fetch: LicenceFetch) -> list[tuple[str, str]]:
    """What may be shown of what was found: labels and values."""
    if fetch.view is None:
        return []
    shown: list[tuple[str, str]] = json.loads(
        crypto.unseal(fetch.view, table="licence_fetch", column="view", row=fetch.id)
    )
    return shown


def source_of(fetch: LicenceFetch) -> kinds.Source:
    """Which office is asked."""
    return kinds.KINDS[fetch.kind].source


def _material(session: Session, item_slug: str, material_id: str) -> tuple[Material, kinds.Kind]:
    for material, kind in offers(session, item_slug):
        if material.id == material_id:
            return material, kind
    raise errors.MaterialNotFetchable()


def _is_what_was_asked(fetch: LicenceFetch, found: Found) -> bool:
    """A licence's identifier must carry its right check character and name the kind that was asked for."""
    kind = kinds.KINDS[fetch.kind]
    if kind.source == "eproof":
        return True
    parsed = identifier.parse(found.identifier)
    return parsed is not None and parsed.type_code == kind.code


def _requested(session: Session, fetch_id: UUID) -> LicenceFetch | None:
    query = select(LicenceFetch).where(LicenceFetch.id == fetch_id, LicenceFetch.state == State.REQUESTED)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()


def _end(session: Session, fetch: LicenceFetch, event: Event) -> None:
    session.flush()
    transition(session, fetch, event, actor="system")


def _audit(session: Session, fetch: LicenceFetch, action: str, actor: str) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="licence",
        object_id=fetch.id,
        data={
            "kind": fetch.kind,
            "item": fetch.item_slug,
            "subject": f"{fetch.subject_type}:{fetch.subject_id}",
            "wording": fetch.wording,
        },
    )
