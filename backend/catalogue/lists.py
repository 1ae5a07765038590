"""The nine published lists (circular clause 26 and section 八), each a rule over an item's attributes."""

from collections.abc import Callable, Mapping

from backend.catalogue.values import Item


def _nearby(item: Item) -> bool:
    """More than one place takes it: several halls, a terminal, a bank, a hospital, a post office."""
    return len(item.booking.hall_codes) > 1 or item.self_service or bool(item.partners)


def _city_wide(item: Item) -> bool:
    """Any of several halls takes it, whichever district the applicant belongs to."""
    return item.handle_area == "city" and len(item.booking.hall_codes) > 1


RULES: Mapping[str, Callable[[Item], bool]] = {
    "on-the-spot": lambda item: item.instant,
    "online": lambda item: item.depth >= 3,
    "nearby": _nearby,
    "one-trip": lambda item: item.visits <= 1,
    "city-wide": _city_wide,
    "upfront": lambda item: bool(item.partners),
    "fully-online": lambda item: item.depth == 5 and item.visits == 0,
    "self-service": lambda item: item.self_service,
    "zero-trip": lambda item: item.visits == 0,
}


def tags_of(item: Item, added_by_hand: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The lists an item belongs on now, in the order of the circular; an ended item is on none."""
    if item.ended is not None:
        return ()
    return tuple(tag for tag, rule in RULES.items() if rule(item) or tag in added_by_hand)
