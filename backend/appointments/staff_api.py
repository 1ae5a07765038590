"""What a hall lead sets: days, hours, places and booking settings. The hall is the one they are signed in to."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeVar
from uuid import UUID

from flask import Response
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from backend.appointments import capacity, closing
from backend.appointments import staff_schemas as schemas
from backend.appointments.errors import NotHere
from backend.appointments.models import POLICY_RANGES, Appointment, BookingPolicy
from backend.appointments.policy import policy_for
from backend.appointments.queries import particulars
from backend.catalogue import queries as catalogue
from backend.core import pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.errors import NotFound
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.identity import queries as identity

blueprint = ApiBlueprint("hall-booking", __name__, description="Days, hours and places of a hall")
blueprints = (blueprint,)

PAGE = 50

T = TypeVar("T")


@blueprint.get("/staff/day-overrides")
@staff("hall.manage")
@blueprint.arguments(schemas.PeriodSchema, location="query")
@blueprint.response(200, schemas.DayOverridesSchema)
def list_days(query: dict[str, Any]) -> dict[str, Any]:
    """Days on which my hall differs from the calendar."""
    with transaction() as session:
        return {"overrides": closing.overrides(session, hall_code=current_staff().hall, **query)}


@blueprint.get("/staff/day-overrides/preview")
@staff("hall.manage")
@blueprint.arguments(schemas.PartOfDaySchema, location="query")
@blueprint.response(200, schemas.AffectedSchema)
def preview_day(query: dict[str, Any]) -> dict[str, int]:
    """How many slots, appointments and holds closing would affect now."""
    with transaction() as session:
        return asdict(closing.preview(session, hall_codes=[current_staff().hall], **query))


@blueprint.get("/staff/day-overrides/affected")
@staff("hall.manage")
@blueprint.arguments(schemas.AffectedQuerySchema, location="query")
@blueprint.response(200, schemas.AffectedVisitsSchema)
def list_affected(query: dict[str, Any]) -> dict[str, Any]:
    """The appointments that closing would cancel now, with masked names."""
    after = pagination.position(query.pop("cursor")) if "cursor" in query else None
    with transaction() as session:
        found = closing.affected(session, hall_code=current_staff().hall, after=after, limit=PAGE + 1, **query)
        shown = [_affected(session, visit) for visit in found[:PAGE]]
    last = found[PAGE - 1] if len(found) > PAGE else None
    return {"appointments": shown, "next_cursor": pagination.encode(last.start.isoformat(), last.id) if last else None}


@blueprint.post("/staff/day-overrides")
@staff("hall.manage")
@blueprint.arguments(schemas.SetDaySchema)
@blueprint.response(201, schemas.DaySetSchema)
def set_day(body: dict[str, Any]) -> Response:
    """Close or open my hall for a day or half a day; people in closed slots are told one by one."""
    hall = current_staff().hall

    def effect(session: Session) -> dict[str, Any]:
        affected = _set_day(session, [hall], body)
        overrides = closing.overrides(session, hall_code=hall, first=body["day"], last=body["day"])
        return {"overrides": overrides, "affected": affected}

    return answer_once("day-overrides", body, effect, schemas.DaySetSchema(), status=201)


@blueprint.post("/staff/day-overrides/remove")
@staff("hall.manage")
@blueprint.arguments(schemas.RemoveDaySchema)
@blueprint.response(200, schemas.DayOverridesSchema)
def remove_day(body: dict[str, Any]) -> Response:
    """Back to the calendar; what was cancelled stays cancelled."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        closing.remove_override(session, hall_code=principal.hall, actor=principal.actor, **body)
        overrides = closing.overrides(session, hall_code=principal.hall, first=body["day"], last=body["day"])
        return {"overrides": overrides}

    return answer_once("day-overrides/remove", body, effect, schemas.DayOverridesSchema())


@blueprint.get("/staff/city-day-overrides")
@staff("platform.manage")
@blueprint.arguments(schemas.PeriodSchema, location="query")
@blueprint.response(200, schemas.CityDayOverridesSchema)
def list_city_days(query: dict[str, Any]) -> dict[str, Any]:
    """Days on which halls differ from the calendar."""
    with transaction() as session:
        found = [
            {"hall": code, **row}
            for code in _every_hall(session)
            for row in closing.overrides(session, hall_code=code, **query)
        ]
    return {"overrides": sorted(found, key=lambda row: (row["day"], row["hall"]))}


@blueprint.get("/staff/city-day-overrides/preview")
@staff("platform.manage")
@blueprint.arguments(schemas.CityPartOfDaySchema, location="query")
@blueprint.response(200, schemas.AffectedSchema)
def preview_city_day(query: dict[str, Any]) -> dict[str, int]:
    """The same over chosen halls or every hall, as for a typhoon."""
    with transaction() as session:
        halls = _chosen(session, query.pop("halls", None))
        return asdict(closing.preview(session, hall_codes=halls, **query))


@blueprint.post("/staff/city-day-overrides")
@staff("platform.manage")
@blueprint.arguments(schemas.CitySetDaySchema)
@blueprint.response(201, schemas.CityDaySetSchema)
def set_city_day(body: dict[str, Any]) -> Response:
    """Close or open chosen halls or every hall; each can be opened again by itself."""

    def effect(session: Session) -> dict[str, Any]:
        halls = _chosen(session, body["halls"])
        return {"halls": halls, "affected": asdict(_set_day(session, halls, body))}

    return answer_once("city-day-overrides", body, effect, schemas.CityDaySetSchema(), status=201)


@blueprint.post("/staff/city-day-overrides/remove")
@staff("platform.manage")
@blueprint.arguments(schemas.CityRemoveDaySchema)
@blueprint.response(200, schemas.CityDayRemovedSchema)
def remove_city_day(body: dict[str, Any]) -> Response:
    """Chosen halls or every hall back to the calendar, those that have an override; refused when none has."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        removed = []
        for code in _chosen(session, body["halls"]):
            with suppress(NotFound):
                closing.remove_override(
                    session, hall_code=code, day=body["day"], part=body["part"], reason=body["reason"], actor=actor
                )
                removed.append(code)
        if not removed:
            raise NotFound()
        return {"halls": removed}

    return answer_once("city-day-overrides/remove", body, effect, schemas.CityDayRemovedSchema())


@blueprint.get("/staff/opening-rules")
@staff("hall.manage")
@blueprint.arguments(schemas.CategoryQuerySchema, location="query")
@blueprint.response(200, schemas.RulesSchema)
def list_rules(query: dict[str, Any]) -> dict[str, Any]:
    """My hall's hours and places of one category, of today and later."""
    with transaction() as session:
        return _rules(session, query["category"])


@blueprint.post("/staff/opening-rules/preview")
@staff("hall.manage")
@blueprint.arguments(schemas.ChangeRulesSchema)
@blueprint.response(200, schemas.ReshapedSchema)
def preview_rules(body: dict[str, Any]) -> capacity.Change:
    """What the change would do; refused as the change itself would be, and nothing is kept."""
    with transaction() as session:
        return _undone(session, lambda: _change_rules(session, body))


@blueprint.post("/staff/opening-rules")
@staff("hall.manage")
@blueprint.arguments(schemas.ChangeRulesSchema)
@blueprint.response(201, schemas.RulesChangedSchema)
def change_rules(body: dict[str, Any]) -> Response:
    """Other hours or places from a day on; slots that exist follow."""

    def effect(session: Session) -> dict[str, Any]:
        change = _change_rules(session, body)
        return {**_rules(session, body["category"]), "made": change.made, "changed": change.changed}

    return answer_once("opening-rules", body, effect, schemas.RulesChangedSchema(), status=201)


@blueprint.post("/staff/opening-rules/<uuid:rule_id>/end/preview")
@staff("hall.manage")
@blueprint.arguments(schemas.EndRuleSchema)
@blueprint.response(200, schemas.ReshapedSchema)
def preview_end(body: dict[str, Any], rule_id: UUID) -> capacity.Change:
    """What ending it would do; refused as ending itself would be, and nothing is kept."""
    with transaction() as session:
        return _undone(session, lambda: _end_rule(session, rule_id, body))


@blueprint.post("/staff/opening-rules/<uuid:rule_id>/end")
@staff("hall.manage")
@blueprint.arguments(schemas.EndRuleSchema)
@blueprint.response(200, schemas.ReshapedSchema)
def end_rule(body: dict[str, Any], rule_id: UUID) -> Response:
    """A half-day of a weekday is not opened any more; its slots without bookings go."""

    def effect(session: Session) -> dict[str, Any]:
        return asdict(_end_rule(session, rule_id, body))

    return answer_once(f"opening-rule-end:{rule_id}", body, effect, schemas.ReshapedSchema())


@blueprint.post("/staff/opening-rules/restore/preview")
@staff("hall.manage")
@blueprint.arguments(schemas.RestoreRulesSchema)
@blueprint.response(200, schemas.ReshapedSchema)
def preview_restore(body: dict[str, Any]) -> capacity.Change:
    """What undoing would do."""
    with transaction() as session:
        return _undone(session, lambda: _restore_rules(session, body)[0])


@blueprint.post("/staff/opening-rules/restore")
@staff("hall.manage")
@blueprint.arguments(schemas.RestoreRulesSchema)
@blueprint.response(200, schemas.RulesChangedSchema)
def restore_rules(body: dict[str, Any]) -> Response:
    """Undo a change of hours and places, from today on."""

    def effect(session: Session) -> dict[str, Any]:
        change, category_code = _restore_rules(session, body)
        return {**_rules(session, category_code), "made": change.made, "changed": change.changed}

    return answer_once("opening-rules-restore", body, effect, schemas.RulesChangedSchema())


@blueprint.get("/staff/slots")
@staff("booking.assist")
@blueprint.arguments(schemas.SlotsOfDayQuerySchema, location="query")
@blueprint.response(200, schemas.StaffSlotsSchema)
def list_slots(query: dict[str, Any]) -> dict[str, Any]:
    """My hall's slots of a day with the places of every channel."""
    with transaction() as session:
        found = capacity.slots_of_day(
            session, hall_code=current_staff().hall, category_code=query["category"], day=query["day"]
        )
    return {"slots": found}


@blueprint.post("/staff/slots/<uuid:slot_id>/capacity/preview")
@staff("hall.manage")
@blueprint.arguments(schemas.ChangeSlotSchema)
@blueprint.response(200, schemas.SlotPlacesSchema)
def preview_slot(body: dict[str, Any], slot_id: UUID) -> dict[str, int]:
    """How the places would be shared; refused as the change itself would be."""
    with transaction() as session:
        return _undone(session, lambda: _change_slot(session, slot_id, body))


@blueprint.post("/staff/slots/<uuid:slot_id>/capacity")
@staff("hall.manage")
@blueprint.arguments(schemas.ChangeSlotSchema)
@blueprint.response(200, schemas.SlotPlacesSchema)
def change_slot(body: dict[str, Any], slot_id: UUID) -> Response:
    """Other places for one slot."""

    def effect(session: Session) -> dict[str, int]:
        return _change_slot(session, slot_id, body)

    return answer_once(f"slot-capacity:{slot_id}", body, effect, schemas.SlotPlacesSchema())


@blueprint.get("/staff/booking-policy")
@staff("hall.manage")
@blueprint.arguments(schemas.CategoryQuerySchema, location="query")
@blueprint.response(200, schemas.PolicySchema)
def show_policy(query: dict[str, Any]) -> dict[str, Any]:
    """My hall's booking settings of one category, with the allowed ranges."""
    with transaction() as session:
        _refuse_elsewhere(session, query["category"])
        return _policy(policy_for(session, current_staff().hall, query["category"]))


@blueprint.put("/staff/booking-policy")
@staff("hall.manage")
@blueprint.arguments(schemas.ChangePolicySchema)
@blueprint.response(200, schemas.PolicySchema)
def change_policy(body: dict[str, Any]) -> dict[str, Any]:
    """Change some settings; slot length and shares count from the first day not yet released."""
    principal = current_staff()
    with transaction() as session:
        _refuse_elsewhere(session, body["category"])
        policy = capacity.change_policy(
            session,
            hall_code=principal.hall,
            category_code=body["category"],
            values=body["values"],
            reason=body["reason"],
            actor=principal.actor,
        )
        return _policy(policy)


def _affected(session: Session, visit: Appointment) -> dict[str, Any]:
    language = request_language()
    category = catalogue.category(session, visit.category_code)
    return {
        "id": visit.id,
        "start": visit.start,
        "category": {"code": category.code, "name": category.name.in_language(language)},
        "items": [
            catalogue.item(session, slug).name.in_language(language) for slug in particulars(session, visit).slugs
        ],
        "name_masked": identity.masked_name(session, visit.person_id),
        "people": visit.people,
    }


def _set_day(session: Session, halls: Sequence[str], body: dict[str, Any]) -> closing.Effect:
    return closing.set_override(
        session,
        hall_codes=halls,
        day=body["day"],
        part=body["part"],
        open_=body["open"],
        reason=body["reason"],
        reason_en=body["reason_en"],
        actor=current_staff().actor,
    )


def _chosen(session: Session, halls: Sequence[str] | None) -> list[str]:
    """These halls, or every hall. Raises HallNotFound."""
    if halls is None:
        return _every_hall(session)
    return [catalogue.hall(session, code).code for code in dict.fromkeys(halls)]


def _every_hall(session: Session) -> list[str]:
    return [hall.code for hall in catalogue.halls(session)]


def _refuse_elsewhere(session: Session, category_code: str) -> None:
    """Raises CategoryNotFound, and NotHere for a category my hall has no bookable windows of."""
    category = catalogue.category(session, category_code)
    if category.walk_in_only or category not in catalogue.hall(session, current_staff().hall).categories:
        raise NotHere()


def _rules(session: Session, category_code: str) -> dict[str, Any]:
    _refuse_elsewhere(session, category_code)
    return {"rules": capacity.rules(session, hall_code=current_staff().hall, category_code=category_code)}


def _change_rules(session: Session, body: dict[str, Any]) -> capacity.Change:
    principal = current_staff()
    _refuse_elsewhere(session, body["category"])
    return capacity.change_rules(
        session,
        hall_code=principal.hall,
        category_code=body["category"],
        valid_from=body["valid_from"],
        weekdays=sorted(set(body["weekdays"])),
        halves=[capacity.HalfDay(**half) for half in (body["morning"], body["afternoon"]) if half],
        reason=body["reason"],
        actor=principal.actor,
    )


def _end_rule(session: Session, rule_id: UUID, body: dict[str, Any]) -> capacity.Change:
    principal = current_staff()
    return capacity.end_rule(session, hall_code=principal.hall, rule_id=rule_id, actor=principal.actor, **body)


def _restore_rules(session: Session, body: dict[str, Any]) -> tuple[capacity.Change, str]:
    principal = current_staff()
    return capacity.restore_rules(session, hall_code=principal.hall, actor=principal.actor, **body)


def _change_slot(session: Session, slot_id: UUID, body: dict[str, Any]) -> dict[str, int]:
    principal = current_staff()
    return capacity.change_slot(session, hall_code=principal.hall, slot_id=slot_id, actor=principal.actor, **body)


def _policy(policy: BookingPolicy) -> dict[str, Any]:
    return {
        "category": policy.category_code,
        "is_default": inspect(policy).transient,
        "values": capacity.policy_values(policy),
        "ranges": [{"name": name, "min": low, "max": high} for name, (low, high) in POLICY_RANGES.items()],
    }


def _undone(session: Session, work: Callable[[], T]) -> T:
    """Do it, look at the result, and take it back."""
    with session.begin_nested() as savepoint:
        result = work()
        savepoint.rollback()
    return result
