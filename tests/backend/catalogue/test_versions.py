"""Versions of items: written by one, published by another, in force on their day, never changed afterwards."""

from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from backend.catalogue import queries, snapshot
from backend.catalogue.item_models import ItemMaterial, ListEdition
from backend.catalogue.versions import jobs, service
from backend.catalogue.versions.errors import (
    DateInThePast,
    FourEyes,
    ItemHasFaults,
    NothingChanged,
    VersionNotFound,
    VersionNotOpen,
)
from backend.catalogue.versions.models import ItemVersion, ItemVersionEvent
from backend.catalogue.versions.queries import item_version
from backend.catalogue.versions.states import ITEM_VERSION, VersionEvent, VersionState
from backend.core import states
from backend.core.audit import AuditEvent
from backend.core.errors import InvalidTransition, PreconditionFailed
from backend.seed import loader
from tests.conftest import Clock

WANG, LI = "staff:wang", "staff:li"
SLUG = "passport-first"
TUESDAY = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("seed", "clock")


def draft(session: Session, slug: str = SLUG, actor: str = WANG, **changes: Any) -> ItemVersion:
    """A saved draft of an item with changed fields."""
    version = service.begin(session, slug, actor=actor)
    given = {**deepcopy(version.content), **changes}
    return service.save(session, version.id, given=given, revision=version.revision, actor=actor)[0]


def reviewed(session: Session, slug: str = SLUG, **changes: Any) -> ItemVersion:
    """A version of Wang's that waits for its review."""
    version = draft(session, slug, **changes)
    return service.submit(session, version.id, note="缩短时限", revision=version.revision, actor=WANG)


def published(session: Session, slug: str = SLUG, on: date | None = None, **changes: Any) -> ItemVersion:
    """A version of Wang's that Li has published."""
    return service.publish(session, reviewed(session, slug, **changes).id, effective_on=on, actor=LI)


def promise(session: Session) -> int | None:
    snapshot.forget()
    return queries.item(session, SLUG).promise_days


def test_the_seed_makes_version_one_of_every_item_and_no_more(session: Session) -> None:
    assert set(session.scalars(select(ItemVersion.number))) == {1}
    assert session.scalar(select(func.count(ItemVersion.id))) == len(queries.items(session)) == 46
    assert loader.load(session) == {}
    assert queries.item(session, SLUG).version == 1


def test_what_the_next_version_says_is_seen_only_when_it_is_published(session: Session) -> None:
    before = promise(session)
    version = reviewed(session, promise_days=3)
    assert promise(session) == before != 3
    service.publish(session, version.id, effective_on=None, actor=LI)
    assert promise(session) == 3
    assert queries.item(session, SLUG).version == 2
    assert [one.state for one in session.scalars(select(ItemVersion).where(ItemVersion.item_slug == SLUG))] == [
        VersionState.SUPERSEDED,
        VersionState.IN_FORCE,
    ]


def test_a_later_day_is_waited_for_and_midnight_brings_it(session: Session, clock: Clock) -> None:
    before = promise(session)
    version = published(session, on=date(2026, 12, 1), promise_days=3)
    session.commit()
    clock.set(datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC))
    jobs.take_effect()
    session.expire_all()
    assert (promise(session), version.state) == (before, VersionState.SCHEDULED)
    clock.set(datetime(2026, 11, 30, 16, 0, tzinfo=UTC))
    counted = snapshot.read_version(session)
    jobs.take_effect()
    jobs.take_effect()
    session.expire_all()
    assert (promise(session), version.state) == (3, VersionState.IN_FORCE)
    assert snapshot.read_version(session)[0] == counted[0] + 1


def test_a_running_case_keeps_its_version(session: Session, clock: Clock) -> None:
    old = item_version(session, SLUG, TUESDAY)
    clock.advance(hours=1)
    published(session, promise_days=3, materials=deepcopy(old.content["materials"])[:1])
    at = clock.now
    clock.advance(hours=1)
    published(session, promise_days=2)
    assert item_version(session, SLUG, TUESDAY) == old
    kept = item_version(session, SLUG, at)
    assert (kept.number, kept.item.promise_days, len(kept.item.materials)) == (2, 3, 1)
    assert item_version(session, SLUG, clock.now).number == 3
    assert item_version(session, SLUG, datetime(2000, 1, 1, tzinfo=UTC)).number == 1
    with pytest.raises(VersionNotFound):
        item_version(session, "nothing", clock.now)


def test_materials_that_left_are_gone_and_halls_follow(session: Session) -> None:
    kept = deepcopy(item_version(session, SLUG, TUESDAY).content["materials"])[1:]
    published(session, materials=kept, halls=["XM"])
    left = session.scalars(select(ItemMaterial.id).where(ItemMaterial.item_slug == SLUG)).all()
    assert left == [f"{SLUG}.{part['id']}" for part in kept]
    assert queries.item(session, SLUG).booking.hall_codes == ("XM",)


def test_nobody_publishes_what_they_wrote(session: Session) -> None:
    version = draft(session, promise_days=3)
    version = service.save(
        session, version.id, given={**version.content, "promise_days": 2}, revision=version.revision, actor=LI
    )[0]
    service.submit(session, version.id, note="缩短时限", revision=version.revision, actor=WANG)
    for author in (WANG, LI):
        with pytest.raises(FourEyes):
            service.publish(session, version.id, effective_on=None, actor=author)
    service.publish(session, version.id, effective_on=None, actor="staff:chen")


def test_the_database_wants_four_eyes_too(session: Session) -> None:
    version = reviewed(session, promise_days=3)
    with pytest.raises(IntegrityError, match="four_eyes"):
        session.execute(update(ItemVersion).where(ItemVersion.id == version.id).values(reviewed_by=WANG))


@pytest.mark.parametrize(
    "values",
    [
        {"content": {}},
        {"number": 9},
        {"editors": ["staff:x"]},
        {"note": "别的"},
        {"effective_at": datetime(2026, 12, 1, tzinfo=UTC)},
        {"reviewed_by": "staff:x"},
    ],
)
def test_a_published_version_does_not_change(session: Session, values: dict[str, Any]) -> None:
    version = published(session, promise_days=3)
    with pytest.raises(DBAPIError, match="does not change"):
        session.execute(update(ItemVersion).where(ItemVersion.id == version.id).values(**values))


def test_no_version_can_be_deleted(session: Session) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(delete(ItemVersion))


def test_a_version_in_review_cannot_be_edited(session: Session) -> None:
    version = reviewed(session, promise_days=3)
    with pytest.raises(VersionNotOpen):
        service.save(session, version.id, given=version.content, revision=version.revision, actor=WANG)
    with pytest.raises(DBAPIError, match="does not change"):
        session.execute(update(ItemVersion).where(ItemVersion.id == version.id).values(content={}))


def test_what_is_given_back_can_be_put_right(session: Session) -> None:
    version = reviewed(session, promise_days=3)
    service.give_back(session, version.id, reason="写 2 天", actor=LI)
    assert (version.state, version.answer) == (VersionState.DRAFT, "写 2 天")
    version = draft(session, promise_days=2)
    service.submit(session, version.id, note="改成 2 天", revision=version.revision, actor=WANG)
    service.publish(session, version.id, effective_on=None, actor=LI)
    assert promise(session) == 2


def test_two_people_do_not_overwrite_each_other(session: Session) -> None:
    version = service.begin(session, SLUG, actor=WANG)
    assert service.begin(session, SLUG, actor=LI).id == version.id
    first = version.revision
    service.save(session, version.id, given={**version.content, "promise_days": 3}, revision=first, actor=WANG)
    for change in (
        lambda: service.save(session, version.id, given=version.content, revision=first, actor=LI),
        lambda: service.submit(session, version.id, note="缩短时限", revision=first, actor=LI),
    ):
        with pytest.raises(PreconditionFailed):
            change()


def test_saving_keeps_faults_and_names_them_but_review_and_publication_refuse_them(
    session: Session, clock: Clock
) -> None:
    version = service.begin(session, SLUG, actor=WANG)
    vague = {"id": "more", "name": {"zh": "其他相关材料", "en": "Other documents"}, "source": "applicant"}
    materials = [*version.content["materials"], vague]
    version, found = service.save(
        session,
        version.id,
        given={**version.content, "materials": materials, "law_days": 20, "promise_days": 21},
        revision=version.revision,
        actor=WANG,
    )
    assert {one.pointer for one in found} == {f"/materials/{len(materials) - 1}/name", "/promise_days"}
    with pytest.raises(ItemHasFaults) as refused:
        service.submit(session, version.id, note="试试", revision=version.revision, actor=WANG)
    assert {one.pointer for one in refused.value.errors} == {f"/content{one.pointer}" for one in found}


def test_a_fault_that_came_after_the_review_stops_publication(session: Session) -> None:
    version = reviewed(session, promise_days=3)
    session.execute(update(ItemVersion).where(ItemVersion.id == version.id).values(state=VersionState.DRAFT))
    session.execute(
        update(ItemVersion).where(ItemVersion.id == version.id).values(content={**version.content, "halls": []})
    )
    session.execute(update(ItemVersion).where(ItemVersion.id == version.id).values(state=VersionState.IN_REVIEW))
    session.expire_all()
    with pytest.raises(ItemHasFaults):
        service.publish(session, version.id, effective_on=None, actor=LI)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"category": "nothing"}, "/category"),
        ({"department": "nothing"}, "/department"),
        ({"halls": ["XM", "nothing"]}, "/halls/1"),
        ({"fees": [{"code": "nothing", "note": None}]}, "/fees/0/code"),
        ({"commitment": "nothing"}, "/commitment"),
        ({"district_days": [{"division": "999999", "promise_days": 1}]}, "/district_days/0/division"),
        ({"district_days": [{"division": "350203", "promise_days": 1}] * 2}, "/district_days/1/division"),
        ({"code": "nothing"}, "/code"),
        ({"handling_code": "1" * 33}, "/handling_code"),
        ({"name": {"zh": "护照", "en": ""}}, "/name"),
        ({"ended": {"kind": "merged", "successor": None, "note": None}}, "/ended/successor"),
        ({"ended": {"kind": "merged", "successor": SLUG, "note": None}}, "/ended/successor"),
        ({"ended": {"kind": "abolished", "successor": "nothing", "note": None}}, "/ended/successor"),
    ],
)
def test_faults_stand_at_their_field(session: Session, changes: dict[str, Any], pointer: str) -> None:
    version = draft(session, **changes)
    assert pointer in {one.pointer for one in service.faults(session, version)}


def test_an_unchanged_draft_is_not_reviewed_and_no_day_is_in_the_past(session: Session) -> None:
    version = service.begin(session, SLUG, actor=WANG)
    with pytest.raises(NothingChanged):
        service.submit(session, version.id, note="没改", revision=version.revision, actor=WANG)
    with pytest.raises(DateInThePast):
        published(session, promise_days=3, on=date(2026, 11, 23))


def test_what_is_scheduled_can_be_called_off(session: Session, clock: Clock) -> None:
    version = published(session, on=date(2026, 12, 1), promise_days=3)
    service.discard(session, version.id, reason="先不改", actor=WANG)
    clock.set(datetime(2026, 12, 2, tzinfo=UTC))
    jobs.take_effect()
    assert promise(session) != 3
    assert service.begin(session, SLUG, actor=WANG).number == 3


def test_an_earlier_version_can_be_the_base(session: Session) -> None:
    published(session, promise_days=3)
    again = service.begin(session, SLUG, actor=WANG, of=1)
    assert again.content == service.by_number(session, SLUG, 1).content
    assert (again.number, again.base_number) == (3, 1)


def test_the_seed_leaves_what_people_wrote_and_otherwise_makes_the_next_version(session: Session) -> None:
    published(session, promise_days=3)
    for slug in (SLUG, "property-query"):
        given = {**service.by_number(session, slug, 1).content, "promise_days": 9, "law_days": None}
        service.plant(session, slug, given, since=date(2018, 8, 1))
    assert promise(session) == 3
    assert queries.item(session, "property-query").version == 2


def test_a_new_item_appears_with_its_first_publication(session: Session) -> None:
    content = {**service.by_number(session, SLUG, 1).content, "booking": {}}
    content["code"] = content["code"][:-4] + "9999"
    version = service.begin_new(session, "passport-express", content, actor=WANG)
    service.submit(session, version.id, note="新事项", revision=version.revision, actor=WANG)
    service.publish(session, version.id, effective_on=None, actor=LI)
    assert queries.item(session, "passport-express").booking.family == "passport-express"


def test_the_lists_follow_and_every_step_leaves_its_trace(session: Session) -> None:
    editions = session.scalar(select(func.count()).select_from(ListEdition))
    version = published(session, "property-query", self_service=False)
    assert session.scalar(select(func.count()).select_from(ListEdition)) == (editions or 0) + 1
    trail = select(AuditEvent.action, AuditEvent.actor).where(AuditEvent.object_id == "property-query/2")
    assert [tuple(row) for row in session.execute(trail.order_by(AuditEvent.id))] == [
        ("items.begun", WANG),
        ("items.saved", WANG),
        ("items.submitted", WANG),
        ("items.published", LI),
        ("items.in_force", LI),
    ]
    steps = select(ItemVersionEvent.event).where(ItemVersionEvent.entity_id == version.id)
    assert session.scalars(steps.order_by(ItemVersionEvent.id)).all() == ["begin", "submit", "publish", "take_effect"]


@pytest.mark.parametrize(("state", "event", "after"), states.matrix(ITEM_VERSION, VersionState, VersionEvent))
def test_every_state_and_event(
    session: Session, state: VersionState, event: VersionEvent, after: VersionState | None
) -> None:
    version = service.begin(session, SLUG, actor=WANG)
    way = {
        VersionState.DRAFT: (),
        VersionState.IN_REVIEW: (VersionEvent.SUBMIT,),
        VersionState.SCHEDULED: (VersionEvent.SUBMIT, VersionEvent.PUBLISH),
        VersionState.IN_FORCE: (VersionEvent.SUBMIT, VersionEvent.PUBLISH, VersionEvent.TAKE_EFFECT),
        VersionState.SUPERSEDED: (
            VersionEvent.SUBMIT,
            VersionEvent.PUBLISH,
            VersionEvent.TAKE_EFFECT,
            VersionEvent.SUPERSEDE,
        ),
        VersionState.DISCARDED: (VersionEvent.DISCARD,),
    }[state]
    version.reviewed_by, version.effective_at = LI, TUESDAY
    session.flush()
    before = service.by_number(session, SLUG, 1)
    states.transition(session, before, VersionEvent.SUPERSEDE, actor=LI)
    for step in way:
        states.transition(session, version, step, actor=LI)
    if after is None:
        with pytest.raises(InvalidTransition):
            states.transition(session, version, event, actor=LI)
        assert version.state == state
    else:
        assert states.transition(session, version, event, actor=LI) is (after != state)
        assert version.state == after
