"""What other features ask the catalogue. Every answer comes from this process's snapshot."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from backend.catalogue import snapshot
from backend.catalogue.lint import fold
from backend.catalogue.values import BookableItem, CancelledProof, Category, Hall, Item, Letter, PublishedList
from backend.core import clock
from backend.core.errors import Conflict, InvalidInput, NotFound, Text


class ItemNotFound(NotFound):
    """There is no item with this slug."""

    code = "item_not_found"
    title = Text("没有找到这个事项", "There is no such item")


class HallNotFound(NotFound):
    """There is no hall with this code."""

    code = "hall_not_found"
    title = Text("没有找到这个大厅", "There is no such hall")


class CategoryNotFound(NotFound):
    """There is no window category with this code."""

    code = "category_not_found"
    title = Text("没有找到这个窗口类别", "There is no such window category")


class ListNotFound(NotFound):
    """There is no published list, or no edition of it, with this name."""

    code = "list_not_found"
    title = Text("没有找到这份目录", "There is no such list")


class ItemEnded(Conflict):
    """The item was abolished or merged; `successor` is the item to use instead, or null."""

    code = "item_ended"
    title = Text("这个事项已经取消或并入别的事项，不能再办", "This item has ended or was merged and is no longer done")


class ItemEnds(Conflict):
    """The item is not done any more on that day; `on` is the first such day, `successor` the item to use then."""

    code = "item_ends"
    title = Text(
        "那天起这个事项不再办理，请选早一点的日期", "This item is not done on that day any more. Choose earlier"
    )


class ItemNotBookable(InvalidInput):
    """No hall takes appointments for this item; its guide says how it is done."""

    code = "item_not_bookable"
    title = Text("这个事项不用到大厅预约，请看办事指南", "This item takes no appointments. See its guide")


def item(session: Session, slug: str) -> Item:
    """An item with its guide. Raises ItemNotFound."""
    try:
        return snapshot.current(session).items[slug]
    except KeyError:
        raise ItemNotFound(item=slug) from None


def is_item(session: Session, slug: str) -> bool:
    """Whether there is such an item, done or ended."""
    return slug in snapshot.current(session).items


def open_item(session: Session, slug: str) -> Item:
    """An item that may be booked, filed and billed: one that has not ended. Raises ItemNotFound, ItemEnded."""
    found = item(session, slug)
    demand_open(found)
    return found


def demand_open(item: Item) -> None:
    """Raises ItemEnded for an item that was abolished or merged into another, from the first minute of that day."""
    due = item.ending if not item.done_on(clock.today()) else None
    ended = item.ended or due
    if ended is not None:
        raise ItemEnded(item=item.slug, successor=ended.successor)


def demand_done_on(item: Item, day: date) -> None:
    """Raises ItemEnds for a day from which the item, as published, is done no more."""
    if item.ending is not None and not item.done_on(day):
        raise ItemEnds(no_longer_done(item), item=item.slug, on=item.ending.on, successor=item.ending.successor)


def no_longer_done(item: Item) -> Text:
    """From which day an item with a published ending is not done any more."""
    on = item.ending.on if item.ending else clock.today()
    zh, en = f"{on.month}月{on.day}日", on.isoformat()
    return Text(
        f"“{item.name.zh}”{zh}起不再办理，请选这天以前的日期", f"{item.name.en} is done until {en}. Choose earlier"
    )


def items_for_booking(session: Session, slugs: Sequence[str], on: date | None = None) -> tuple[BookableItem, ...]:
    """What a booking, of a day, must know of these items, in the same order.

    Raises ItemNotFound, ItemEnded, ItemEnds, ItemNotBookable.
    """
    found = [open_item(session, slug) for slug in slugs]
    for one in found:
        if on is not None:
            demand_done_on(one, on)
        if not one.bookable:
            raise ItemNotBookable(item=one.slug)
    return tuple(one.booking for one in found)


def hall(session: Session, code: str) -> Hall:
    """A hall. Raises HallNotFound."""
    try:
        return snapshot.current(session).halls[code]
    except KeyError:
        raise HallNotFound(hall=code) from None


def halls(session: Session) -> tuple[Hall, ...]:
    """Every hall, the city's first."""
    return tuple(snapshot.current(session).halls.values())


def category(session: Session, code: str) -> Category:
    """A window category. Raises CategoryNotFound."""
    try:
        return snapshot.current(session).categories[code]
    except KeyError:
        raise CategoryNotFound(category=code) from None


def categories(session: Session) -> tuple[Category, ...]:
    """Every window category; the seven of the circular first."""
    return tuple(snapshot.current(session).categories.values())


def items(session: Session) -> tuple[Item, ...]:
    """Every item that is done, most popular first."""
    return tuple(one for one in snapshot.current(session).items.values() if one.ended is None)


def published_list(session: Session, tag: str) -> PublishedList:
    """One of the nine lists. Raises ListNotFound."""
    try:
        return snapshot.current(session).lists[tag]
    except KeyError:
        raise ListNotFound(list=tag) from None


def first_to_end(session: Session, slugs: Sequence[str]) -> Item | None:
    """The item among these whose published ending comes first, None when all go on."""
    ending = [one for one in (item(session, slug) for slug in slugs) if one.ending is not None]
    return min(ending, key=lambda one: one.ending.on if one.ending else date.max, default=None)


def ending_items(session: Session) -> tuple[Item, ...]:
    """Items that have ended, or whose ending is published."""
    return tuple(one for one in snapshot.current(session).items.values() if one.ended or one.ending)


def cancelled_proof(session: Session, name: Text, *, on: date) -> CancelledProof | None:
    """The cancelled proof that has this name, if there is one on a day (circular clause 20)."""
    wanted = {fold(one) for one in name}
    return next((one for one in _cancelled(session, on) if wanted & _names(one)), None)


def cancelled_in(session: Session, words: str, *, on: date) -> CancelledProof | None:
    """The cancelled proof that a text names, if it names one on a day."""
    text = fold(words)
    return next((one for one in _cancelled(session, on) if any(name in text for name in _names(one))), None)


def letter(session: Session, code: str, version: int) -> Letter:
    """One version of a letter of commitment, as it was signed."""
    return next(one for one in snapshot.current(session).letters[code] if one.version == version)


def letter_of(session: Session, item: Item, *, on: date) -> Letter | None:
    """The letter of commitment that an applicant of this item signs on a day; a case keeps its code and version."""
    return snapshot.letter_on(snapshot.current(session), item.commitment, on)


def _cancelled(session: Session, on: date) -> list[CancelledProof]:
    return [one for one in snapshot.current(session).cancelled if one.cancelled_on <= on]


def _names(proof: CancelledProof) -> set[str]:
    return {fold(name) for name in (*proof.name, *proof.aliases)}
