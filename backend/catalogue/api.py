"""The public catalogue: halls, categories, items, search and the nine lists. Cacheable, with ETag."""

import hashlib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from flask import Response, request

from backend.catalogue import bodies, queries, schemas, snapshot
from backend.catalogue.bodies import Body
from backend.catalogue.values import Edition, Item, PublishedList
from backend.core import clock, db, pagination
from backend.core.auth import public
from backend.core.errors import FieldError, InvalidInput, Text
from backend.core.problems import ApiBlueprint
from backend.core.sheets import sheet, workbook

blueprint = ApiBlueprint("catalogue", __name__, description="Halls, items and how to do things")
blueprints = [blueprint]

CACHE_CONTROL = "public, max-age=60"
RELEASE = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()
"""Part of every ETag: a new release of this code answers anew."""

TABLES = {"csv": sheet, "xlsx": workbook}
LIST_HEADER = {
    "zh": ("实施编码", "业务办理项编码", "事项", "部门", "清单", "版本", "发布日期", "手工加入的原因"),
    "en": (
        "Item code",
        "Handling code",
        "Item",
        "Department",
        "List",
        "Version",
        "Published",
        "Reason if added by hand",
    ),
}

Query = dict[str, Any]
View = Callable[..., Body]


def cacheable(view: View) -> Callable[..., Response | tuple[Body, int, dict[str, str]]]:
    """Hand the view this process's `catalogue`; answer 304 when the client has that state of it already.

    The ETag stands for the catalogue's version, the civil day (fees change at midnight) and the address with its query.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response | tuple[Body, int, dict[str, str]]:
        with db.reading() as session:
            catalogue = snapshot.current(session)
        key = f"{RELEASE}|{catalogue.version}|{clock.today()}|{request.full_path}"
        etag = hashlib.sha256(key.encode()).hexdigest()[:32]
        headers = {"ETag": f'"{etag}"', "Cache-Control": CACHE_CONTROL}
        if request.if_none_match.contains_weak(etag):
            return Response(status=304, headers=headers)
        return view(*args, catalogue=catalogue, **kwargs), 200, headers

    return wrapper


@blueprint.route("/halls")
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.Halls)
@public
@cacheable
def list_halls(query: Query, *, catalogue: snapshot.Snapshot) -> Body:
    """Every hall, the city's first."""
    return {"halls": [bodies.hall_body(hall, query["lang"]) for hall in catalogue.halls.values()]}


@blueprint.route("/halls/<code>")
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.Hall)
@public
@cacheable
def show_hall(query: Query, code: str, *, catalogue: snapshot.Snapshot) -> Body:
    """One hall."""
    if code not in catalogue.halls:
        raise queries.HallNotFound()
    return bodies.hall_body(catalogue.halls[code], query["lang"])


@blueprint.route("/categories")
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.Categories)
@public
@cacheable
def list_categories(query: Query, *, catalogue: snapshot.Snapshot) -> Body:
    """Window categories, the seven of the circular first."""
    return {
        "categories": [
            {**bodies.category_body(category, query["lang"]), "prefix": category.prefix}
            for category in catalogue.categories.values()
        ]
    }


@blueprint.route("/items")
@blueprint.arguments(schemas.ItemsQuery, location="query")
@blueprint.response(200, schemas.Items)
@public
@cacheable
def list_items(query: Query, *, catalogue: snapshot.Snapshot) -> Body:
    """Items, most popular first."""
    wanted = [item for item in _after(catalogue, query.get("cursor")) if _matches(item, query)]
    page = wanted[: query["limit"]]
    more = len(wanted) > len(page)
    return {
        "items": [bodies.summary_body(item, query["lang"]) for item in page],
        "next_cursor": pagination.encode(page[-1].slug) if more else None,
    }


@blueprint.route("/items/search")
@blueprint.arguments(schemas.SearchQuery, location="query")
@blueprint.response(200, schemas.SearchResult)
@public
@cacheable
def search_items(query: Query, *, catalogue: snapshot.Snapshot) -> Body:
    """Items for what a person typed, best first."""
    hits = catalogue.search.search(query["q"], query["limit"])
    return {
        "items": [
            {**bodies.summary_body(catalogue.items[hit.key], query["lang"]), "matched": hit.matched} for hit in hits
        ],
        "query": query["q"],
    }


@blueprint.route("/items/<slug>")
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.Item)
@public
@cacheable
def show_item(query: Query, slug: str, *, catalogue: snapshot.Snapshot) -> Body:
    """An item with its guide and the fees in force today."""
    if slug not in catalogue.items:
        raise queries.ItemNotFound()
    return bodies.guide_body(catalogue, catalogue.items[slug], query["lang"], on=clock.today())


@blueprint.route("/lists")
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.Lists)
@public
@cacheable
def list_lists(query: Query, *, catalogue: snapshot.Snapshot) -> Body:
    """The nine published lists."""
    return {"lists": [bodies.list_head(published, query["lang"]) for published in catalogue.lists.values()]}


@blueprint.route("/lists/<tag>")
@blueprint.arguments(schemas.ListQuery, location="query")
@blueprint.response(200, schemas.PublishedList)
@public
@cacheable
def show_list(query: Query, tag: str, *, catalogue: snapshot.Snapshot) -> Body:
    """An edition of a list with its items; the newest unless a version is asked for."""
    if tag not in catalogue.lists:
        raise queries.ListNotFound()
    published = catalogue.lists[tag]
    edition = _edition(published, query.get("version"))
    reasons = {entry.item_slug: entry.reason for entry in edition.entries}
    return {
        "tag": tag,
        "name": published.name.in_language(query["lang"]),
        "published_on": edition.published_on,
        "version": edition.version,
        "items": [
            {**bodies.summary_body(item, query["lang"]), "reason": reasons[item.slug]}
            for item in catalogue.items.values()
            if item.slug in reasons
        ],
        "editions": [
            {"version": one.version, "published_on": one.published_on, "count": len(one.entries)}
            for one in published.editions
        ],
    }


@blueprint.route("/lists/<tag>/table")
@blueprint.arguments(schemas.TableQuery, location="query")
@blueprint.response(200, content_type="text/csv")
@public
def download_list(query: Query, tag: str) -> Response:
    """An edition of a list for a spreadsheet."""
    with db.reading() as session:
        catalogue = snapshot.current(session)
    if tag not in catalogue.lists:
        raise queries.ListNotFound()
    published, language = catalogue.lists[tag], query["lang"]
    edition = _edition(published, query.get("version"))
    rows = [
        (
            item.code,
            item.handling_code,
            item.name.in_language(language),
            item.department.in_language(language),
            published.name.in_language(language),
            edition.version,
            edition.published_on.isoformat(),
            entry.reason,
        )
        for entry in edition.entries
        for item in [catalogue.items[entry.item_slug]]
    ]
    return TABLES[query["format"]](f"list-{tag}-{edition.version}", LIST_HEADER[language], rows)


@blueprint.route("/special-steps")
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.SpecialSteps)
@public
@cacheable
def list_special_steps(query: Query, *, catalogue: snapshot.Snapshot) -> Body:
    """特殊环节: every step whose time is not counted, by item."""
    items = [item for item in catalogue.items.values() if item.special_steps and item.ended is None]
    return {
        "items": [
            {
                "slug": item.slug,
                "name": item.name.in_language(query["lang"]),
                "steps": [bodies.special_step_body(step, query["lang"]) for step in item.special_steps],
            }
            for item in items
        ],
        "count": sum(len(item.special_steps) for item in items),
    }


@blueprint.route("/cancelled-proofs")
@blueprint.arguments(schemas.LanguageQuery, location="query")
@blueprint.response(200, schemas.CancelledProofs)
@public
@cacheable
def list_cancelled_proofs(query: Query, *, catalogue: snapshot.Snapshot) -> Body:
    """Proofs that nobody may ask for any more (circular clause 20)."""
    today = clock.today()
    cancelled = [proof for proof in catalogue.cancelled if proof.cancelled_on <= today]
    return {"proofs": [bodies.cancelled_body(proof, query["lang"]) for proof in cancelled]}


def _edition(published: PublishedList, version: int | None) -> Edition:
    for edition in published.editions:
        if version in (None, edition.version):
            return edition
    raise queries.ListNotFound()


def _matches(item: Item, query: Query) -> bool:
    return (
        item.ended is None
        and query.get("category", item.category.code) == item.category.code
        and ("tag" not in query or query["tag"] in item.tags)
        and (item.popularity > 0 or not query["popular"])
    )


def _after(catalogue: snapshot.Snapshot, cursor: str | None) -> list[Item]:
    items = list(catalogue.items.values())
    if cursor is None:
        return items
    (slug,) = pagination.decode(cursor, 1)
    if slug not in catalogue.items:
        raise InvalidInput(
            errors=[FieldError("/cursor", Text("翻页标记不对，请从第一页重新看", "The cursor is not valid"))]
        )
    return items[items.index(catalogue.items[slug]) + 1 :]
