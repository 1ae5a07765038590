"""事项管理: the platform's operators write items, review each other's versions, and publish them."""

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.catalogue import assembly, lint, models, snapshot
from backend.catalogue.lint import Finding
from backend.catalogue.versions import diff, queries, schemas, service
from backend.catalogue.versions.errors import VersionNotFound
from backend.catalogue.versions.models import ItemVersion
from backend.core import clock
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint

blueprint = ApiBlueprint("item-management", __name__, description="Items: versions, review, publication")
blueprints = (blueprint,)

Body = dict[str, Any]
CITY = "350200"


@blueprint.get("/staff/items")
@staff("items.edit")
@blueprint.response(200, schemas.ManagedItemsSchema)
def list_managed() -> Body:
    """Every item with its version in force and its open one."""
    language = request_language()
    with transaction() as session:
        on = clock.today()
        cancelled = lint.cancelled_names(session, on=on)
        shown = snapshot.read_items(session)
        rows = queries.managed(session)
        return {
            "items": [
                _managed(
                    row,
                    language,
                    len(lint.lint_item(shown[row["slug"]], on=on, cancelled=cancelled)) if row["slug"] in shown else 0,
                )
                for row in rows
            ]
        }


@blueprint.post("/staff/items")
@staff("items.edit")
@blueprint.arguments(schemas.NewItemSchema)
@blueprint.response(201, schemas.ItemVersionSchema)
def add_item(body: Body) -> Body:
    """The first draft of a new item."""
    with transaction() as session:
        version = service.begin_new(session, body["slug"], body["content"], actor=current_staff().actor)
        return _version(version, service.faults(session, version))


@blueprint.get("/staff/items/options")
@staff("items.edit")
@blueprint.response(200, schemas.ItemOptionsSchema)
def show_options() -> Body:
    """The codes an item may point at, with their names."""
    language = request_language()
    with transaction() as session:
        known = assembly.lookups(session)
        catalogue = snapshot.current(session)
        today = clock.today()
        departments = session.scalars(select(models.Department).order_by(models.Department.code))
        letters = ((code, snapshot.letter_on(catalogue, code, today)) for code in catalogue.letters)
        return {
            "categories": [_option(one.code, one.name.in_language(language)) for one in known.categories.values()],
            "departments": [
                _option(row.code, known.departments[row.code].in_language(language))
                for row in departments
                if row.valid_to is None or row.valid_to >= today
            ],
            "halls": [_option(one.code, one.short_name.in_language(language)) for one in catalogue.halls.values()],
            "districts": [
                _option(code, name.in_language(language)) for code, name in catalogue.divisions.items() if code != CITY
            ],
            "fees": [_option(code, one.name.in_language(language)) for code, one in known.tariffs.items()],
            "letters": [_option(code, one.title.in_language(language)) for code, one in letters if one],
            "items": [
                _option(one.slug, one.name.in_language(language))
                for one in catalogue.items.values()
                if one.ended is None
            ],
        }


@blueprint.get("/staff/items/<slug>/versions")
@staff("items.edit")
@blueprint.response(200, schemas.ItemHistorySchema)
def show_history(slug: str) -> Body:
    """An item's versions, the newest first."""
    with transaction() as session:
        return {"slug": slug, "versions": [_head(one) for one in queries.history(session, slug)]}


@blueprint.get("/staff/items/<slug>/version")
@staff("items.edit")
@blueprint.arguments(schemas.VersionOnDaySchema, location="query")
@blueprint.response(200, schemas.ItemVersionSchema)
def show_on_day(query: Body, slug: str) -> Body:
    """The version that counted on a day."""
    end: date = query["on"] + timedelta(days=1)
    with transaction() as session:
        at = min(clock.now(), clock.instant(end, time.min) - timedelta(microseconds=1))
        version = service.by_number(session, slug, queries.item_version(session, slug, at).number)
        return _version(version, [])


@blueprint.get("/staff/items/<slug>/comparison")
@staff("items.edit")
@blueprint.arguments(schemas.CompareQuerySchema, location="query")
@blueprint.response(200, schemas.ItemComparisonSchema)
def compare(query: Body, slug: str) -> Body:
    """What differs between two versions, in words."""
    with transaction() as session:
        before, after = (service.by_number(session, slug, query[which]).content for which in ("before", "after"))
        return {"lines": diff.compare(before, after, request_language())}


@blueprint.post("/staff/items/<slug>/draft")
@staff("items.edit")
@blueprint.arguments(schemas.BeginItemSchema)
@blueprint.response(200, schemas.ItemVersionSchema)
def begin(body: Body, slug: str) -> Body:
    """The item's open version, or a new draft of the next one."""
    with transaction() as session:
        version = service.begin(session, slug, actor=current_staff().actor, of=body.get("of"))
        return _version(version, service.faults(session, version))


@blueprint.get("/staff/items/versions/<uuid:version_id>")
@staff("items.edit")
@blueprint.response(200, schemas.ItemVersionSchema)
def show_version(version_id: UUID) -> Body:
    """One version with its words and what is wrong with them today."""
    with transaction() as session:
        version = session.get(ItemVersion, version_id)
        if version is None:
            raise VersionNotFound()
        return _version(version, service.faults(session, version))


@blueprint.put("/staff/items/versions/<uuid:version_id>")
@staff("items.edit")
@blueprint.arguments(schemas.SaveItemSchema)
@blueprint.response(200, schemas.ItemVersionSchema)
def save(body: Body, version_id: UUID) -> Body:
    """Keep what was written, with its faults named; a stale `revision` is refused."""
    with transaction() as session:
        version, found = service.save(
            session, version_id, given=body["content"], revision=body["revision"], actor=current_staff().actor
        )
        return _version(version, found)


@blueprint.post("/staff/items/versions/<uuid:version_id>/submission")
@staff("items.edit")
@blueprint.arguments(schemas.SubmitItemSchema)
@blueprint.response(200, schemas.ItemVersionSchema)
def submit(body: Body, version_id: UUID) -> Body:
    """Send a draft to review; refused while the linter finds a fault."""
    with transaction() as session:
        return _version(service.submit(session, version_id, actor=current_staff().actor, **body), [])


@blueprint.post("/staff/items/versions/<uuid:version_id>/return")
@staff("items.publish")
@blueprint.arguments(schemas.ItemReasonSchema)
@blueprint.response(200, schemas.ItemVersionSchema)
def give_back(body: Body, version_id: UUID) -> Body:
    """Back to its author, with what is to be done."""
    with transaction() as session:
        version = service.give_back(session, version_id, actor=current_staff().actor, **body)
        return _version(version, service.faults(session, version))


@blueprint.post("/staff/items/versions/<uuid:version_id>/publication")
@staff("items.publish")
@blueprint.arguments(schemas.PublishItemSchema)
@blueprint.response(200, schemas.ItemVersionSchema)
def publish(body: Body, version_id: UUID) -> Body:
    """Publish what another person wrote, now or from a later day."""
    with transaction() as session:
        return _version(service.publish(session, version_id, actor=current_staff().actor, **body), [])


@blueprint.post("/staff/items/versions/<uuid:version_id>/discard")
@staff("items.edit")
@blueprint.arguments(schemas.ItemReasonSchema)
@blueprint.response(200, schemas.ItemVersionSchema)
def discard(body: Body, version_id: UUID) -> Body:
    """Give up an open version, or call off one that is not yet in force."""
    with transaction() as session:
        return _version(service.discard(session, version_id, actor=current_staff().actor, **body), [])


def _managed(row: Body, language: str, faults: int) -> Body:
    in_force, opened = row["in_force"], row["open"]
    shown = (in_force or opened).content
    return {
        "slug": row["slug"],
        "name": shown["name"][language],
        "code": shown["code"],
        "category": shown["category"],
        "kind": shown["kind"],
        "ended": shown["ended"] is not None and in_force is not None,
        "faults": faults,
        "in_force": _head(in_force) if in_force else None,
        "open": _head(opened) if opened else None,
    }


def _head(version: ItemVersion) -> Body:
    return {
        "id": version.id,
        "number": version.number,
        "state": version.state.value,
        "note": version.note,
        "answer": version.answer,
        "base_number": version.base_number,
        "editors": [one.removeprefix("staff:") for one in version.editors],
        "reviewed_by": version.reviewed_by and version.reviewed_by.removeprefix("staff:"),
        "effective_on": clock.civil(version.effective_at).date() if version.effective_at else None,
        "saved_at": version.saved_at,
    }


def _version(version: ItemVersion, findings: list[Finding]) -> Body:
    language = request_language()
    return {
        **_head(version),
        "slug": version.item_slug,
        "revision": version.revision,
        "content": version.content,
        "findings": [
            {"code": one.code, "pointer": one.pointer, "text": one.text.in_language(language)} for one in findings
        ],
    }


def _option(code: str, name: str) -> Body:
    return {"code": code, "name": name}
