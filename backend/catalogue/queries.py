"""What other features ask the catalogue. Every answer comes from this process's snapshot."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from backend.catalogue import snapshot
from backend.catalogue.values import BookableItem, Category, Hall, Item, Letter, PublishedList
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


def open_item(session: Session, slug: str) -> Item:
    """An item that may be booked, filed and billed: one that has not ended. Raises ItemNotFound, ItemEnded."""
    found = item(session, slug)
    if found.ended is not None:
        raise ItemEnded(item=slug, successor=found.ended.successor)
    return found


def items_for_booking(session: Session, slugs: Sequence[str]) -> tuple[BookableItem, ...]:
    """What a booking must know of these items, in the same order. Raises ItemNotFound, ItemEnded, ItemNotBookable."""
    found = [open_item(session, slug) for slug in slugs]
    for one in found:
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


def letter_of(session: Session, item: Item, *, on: date) -> Letter | None:
    """The letter of commitment that an applicant of this item signs on a day; a case keeps its code and version."""
    return snapshot.letter_on(snapshot.current(session), item.commitment, on)
