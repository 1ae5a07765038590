"""Filling in an application: begun, saved on every field, resumed on any device for thirty days."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications import delivery, form_queries, forms, profile
from backend.applications.errors import AnotherDevice, ApplicantNotAllowed, ApplicationClosed, ApplicationNotFound
from backend.applications.forms import Answers, Form
from backend.applications.materials import APPLICATION
from backend.applications.models import Application, ApplicationEventRow, CommitmentSignature
from backend.applications.states import EDITABLE, ApplicationEvent, ApplicationState
from backend.appointments import matters
from backend.catalogue import queries as catalogue
from backend.catalogue.values import Item
from backend.core import audit, clock, db, holds
from backend.core.errors import FieldError, Text
from backend.core.states import record_event, transition
from backend.files import service as files
from backend.identity import queries as identity
from backend.identity.models import OrganisationAgent
from backend.licences import personal as licences

KEPT: Final = timedelta(days=30)
EXPIRE_BATCH: Final = 200


def start(
    session: Session,
    *,
    filer_id: UUID,
    item_slug: str,
    person_id: UUID | None = None,
    organisation_id: UUID | None = None,
    wanted_hall: str | None = None,
) -> Application:
    """Begin, or go on with what was begun: one open application of a filer for one item and applicant.

    Raises ItemNotFound, NotFiledOnline, ApplicantNotAllowed.
    """
    item, filing = form_queries.item_of(session, item_slug)
    form_queries.demand_online(item, filing)
    whose = person_id or filer_id
    demand_applicant(session, item, filer_id=filer_id, person_id=whose, organisation_id=organisation_id)
    made = _new(session, item, filer_id=filer_id, person_id=whose, channel="online", actor=f"person:{filer_id}")
    made["organisation_id"] = organisation_id
    made["wanted_hall"] = demand_hall(session, item, wanted_hall)
    return write(session, made)


def start_at_counter(
    session: Session, *, item_slug: str, person_id: UUID, channel: str, hall_code: str, actor: str
) -> Application:
    """Staff fill it in for a citizen who stands there: at a window, or at a partner point for somebody who confirms.

    Raises ItemNotFound, ItemEnded.
    """
    item, _ = form_queries.item_of(session, item_slug)
    catalogue.demand_open(item)
    made = _new(session, item, filer_id=person_id, person_id=person_id, channel=channel, actor=actor)
    made["hall_code"] = hall_code
    application = write(session, made)
    audit.record(
        session,
        actor=actor,
        action="application.started",
        object_type="application",
        object_id=application.id,
        hall_code=hall_code,
    )
    return application


def demand_applicant(
    session: Session, item: Item, *, filer_id: UUID, person_id: UUID, organisation_id: UUID | None
) -> None:
    """Raises ApplicantNotAllowed unless the filer may act for this person or body and the item is for such a one."""
    if not identity.may_act_for(session, filer_id, person_id):
        raise _not_allowed("/person_id", Text("你还不能替这个人办", "You may not act for this person yet"))
    if organisation_id is None:
        if item.object == "legal":
            raise _not_allowed("/organisation_id", Text("这个事项要用单位申请", "An organisation must file this"))
        return
    acts = session.get(OrganisationAgent, (organisation_id, filer_id))
    if acts is None or item.object == "person" or person_id != filer_id:
        raise _not_allowed("/organisation_id", Text("你不能用这个单位申请", "You cannot file for this organisation"))


def demand_hall(session: Session, item: Item, hall_code: str | None) -> str | None:
    """The hall chosen for an item that is not city-wide. Raises ApplicantNotAllowed for one that does not take it."""
    if item.handle_area == "city" or hall_code is None:
        return None
    catalogue.hall(session, hall_code)
    if item.bookable and hall_code not in item.booking.hall_codes:
        raise _not_allowed("/hall", Text("这个大厅不办这个事项", "This hall does not handle the item"))
    return hall_code


def write(session: Session, values: Mapping[str, Any]) -> Application:
    """The new row, or the open one that is there already: the unique index decides."""
    made = session.scalars(
        insert(Application).values(**values).on_conflict_do_nothing().returning(Application)
    ).one_or_none()
    if made is None:
        same = [getattr(Application, name).is_not_distinct_from(values.get(name)) for name in ONE_OPEN]
        return session.scalars(select(Application).where(*same, Application.state == ApplicationState.OPEN)).one()
    record_event(
        session,
        ApplicationEventRow,
        made.id,
        None,
        ApplicationState.OPEN,
        ApplicationEvent.START,
        actor=values["started_by"],
    )
    return made


ONE_OPEN: Final = ("filer_id", "person_id", "organisation_id", "item_slug", "channel")


def save(
    session: Session,
    application: Application,
    *,
    revision: int,
    changes: Mapping[str, Any],
    way: Mapping[str, Any] | None = None,
) -> Application:
    """Save what was typed, and with `way` how the result is to come.

    Raises AnotherDevice when `revision` is not the newest, ApplicationClosed, InvalidInput, DeliveryNotAgreed.
    """
    if application.state not in EDITABLE:
        raise ApplicationClosed()
    form = form_queries.version_of(session, application.form_item, application.form_version)
    after = forms.accept_changes(form, profile.opened(application), changes)
    values = {
        "answers": profile.sealed(application, after),
        "revision": revision + 1,
        "saved_at": clock.now(),
        "expires_at": clock.now() + KEPT,
        "from_earlier": [name for name in application.from_earlier if name not in changes],
    }
    saved = session.execute(
        update(Application)
        .where(Application.id == application.id, Application.revision == revision, Application.state.in_(EDITABLE))
        .values(**values)
        .returning(Application.id)
        .execution_options(synchronize_session=False)
    ).first()
    session.refresh(application)
    if saved is None:
        raise AnotherDevice(revision=application.revision, answers=profile.masked(form, profile.opened(application)))
    if way is not None:
        delivery.choose(session, application, catalogue.item(session, application.item_slug), **way)
    return application


def mine(session: Session, filer_id: UUID) -> list[Application]:
    """Applications this filer may still change, newest first."""
    query = (
        select(Application)
        .where(Application.filer_id == filer_id, Application.state.in_(EDITABLE), Application.channel == "online")
        .order_by(Application.created_at.desc())
        .limit(50)
    )
    return list(session.scalars(query))


def own(session: Session, application_id: UUID, filer_id: UUID, *, lock: bool = False) -> Application:
    """One of the filer's applications. Raises ApplicationNotFound for any other, and once an agent lost the power."""
    query = select(Application).where(Application.id == application_id, Application.filer_id == filer_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalars(query).one_or_none()
    if found is None or not still_acts(session, found):
        raise ApplicationNotFound()
    return found


def still_acts(session: Session, application: Application) -> bool:
    """Whether the filer may act for the applicant today: an agent that was removed sees nothing from then on."""
    if application.organisation_id is not None:
        return session.get(OrganisationAgent, (application.organisation_id, application.filer_id)) is not None
    return identity.may_act_for(session, application.filer_id, application.person_id)


def discard(session: Session, application: Application, *, actor: str) -> None:
    """Throw it away: the answers are gone at once. Raises InvalidTransition for a submitted one."""
    if transition(session, application, ApplicationEvent.DISCARD, actor=actor):
        forget(session, application)


def expire(session: Session) -> list[UUID]:
    """Applications nobody touched for thirty days lose their answers, at most 200 a run."""
    over = session.scalars(
        select(Application)
        .where(Application.state == ApplicationState.OPEN, Application.expires_at <= clock.now())
        .where(holds.spares(holds.PERSON, Application.person_id, Application.filer_id))
        .order_by(Application.expires_at)
        .limit(EXPIRE_BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for application in over:
        transition(session, application, ApplicationEvent.EXPIRE, actor="system")
        forget(session, application)
    return [application.id for application in over]


def forget(session: Session, application: Application) -> None:
    """The personal data and files of an application that never became a case."""
    files.remove_all(session, APPLICATION, str(application.id))
    licences.forget(session, APPLICATION, str(application.id))
    session.execute(delete(CommitmentSignature).where(CommitmentSignature.application_id == application.id))
    matters.close(session, application.id)
    application.answers = profile.sealed(application, {})
    application.from_earlier = []
    session.flush()


def _new(session: Session, item: Item, *, filer_id: UUID, person_id: UUID, channel: str, actor: str) -> dict[str, Any]:
    form: Form = form_queries.form_of(session, item.slug)
    earlier: Answers = profile.from_earlier(session, filer_id=filer_id, person_id=person_id, form=form)
    now = clock.now()
    application = Application(id=db.new_id())
    return {
        "id": application.id,
        "state": ApplicationState.OPEN,
        "state_at": now,
        "item_slug": item.slug,
        "form_item": form.item_slug,
        "form_version": form.version,
        "person_id": person_id,
        "filer_id": filer_id,
        "organisation_id": None,
        "channel": channel,
        "started_by": actor,
        "answers": profile.sealed(application, earlier),
        "from_earlier": sorted(earlier),
        "revision": 1,
        "created_at": now,
        "saved_at": now,
        "expires_at": now + KEPT,
    }


def _not_allowed(pointer: str, words: Text) -> ApplicantNotAllowed:
    return ApplicantNotAllowed(errors=[FieldError(pointer, words)])
