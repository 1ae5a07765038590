"""Running a hall: what goes on now, who is planned where, queue settings, the emergency end of a day, figures."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.sheets import sheet
from backend.queueing import closing, figures, hall_now
from backend.queueing import manage_schemas as schemas
from backend.queueing.models import QUEUE_RANGES, QueuePolicy
from backend.queueing.policy import change_policy, policy_for, policy_values

blueprint = ApiBlueprint("hall-management", __name__, description="Running a hall")
blueprints = (blueprint,)

HEADER = {
    "zh": (
        "日期",
        "时",
        "队列",
        "类别",
        "取号",
        "叫到",
        "办结",
        "放弃",
        "平均等候",
        "中位等候",
        "九成等候",
        "最长等候",
    ),
    "en": ("Day", "Hour", "Queue", "Kind", "Taken", "Called", "Served", "Left", "Average", "Median", "90 %", "Longest"),
}
"""Waits are minutes."""


@blueprint.get("/staff/hall-now")
@staff("hall.manage")
@blueprint.response(200, schemas.HallNowSchema)
def show_now() -> dict[str, Any]:
    """Who waits and how long, which windows work, what the day has come to."""
    with transaction() as session:
        return hall_now.picture(session, current_staff().hall, request_language())


@blueprint.get("/staff/window-plan")
@staff("hall.manage")
@blueprint.arguments(schemas.DayQuerySchema, location="query")
@blueprint.response(200, schemas.WindowPlanSchema)
def show_plan(query: dict[str, Any]) -> dict[str, Any]:
    """Windows planned for a day, and those that are open now."""
    with transaction() as session:
        return hall_now.plan(session, current_staff().hall, query["day"], request_language())


@blueprint.get("/staff/queue-policy")
@staff("hall.manage")
@blueprint.response(200, schemas.QueuePolicySchema)
def show_policy() -> dict[str, Any]:
    """My hall's queue settings. Earlier versions are in the audit trail, with `object_type=queue_policy`."""
    with transaction() as session:
        return _policy(policy_for(session, current_staff().hall))


@blueprint.put("/staff/queue-policy")
@staff("hall.manage")
@blueprint.arguments(schemas.ChangeQueuePolicySchema)
@blueprint.response(200, schemas.QueuePolicySchema)
def set_policy(body: dict[str, Any]) -> dict[str, Any]:
    """Change some settings; they count from the next number or call on."""
    principal = current_staff()
    with transaction() as session:
        return _policy(change_policy(session, hall_code=principal.hall, actor=principal.actor, **body))


@blueprint.get("/staff/carry-over/preview")
@staff("hall.manage")
@blueprint.response(200, schemas.BeforeCarryOverSchema)
def preview_carry_over() -> dict[str, Any]:
    """What carrying over would do now."""
    with transaction() as session:
        return closing.before_carrying_over(session, current_staff().hall)


@blueprint.post("/staff/carry-over")
@staff("hall.manage")
@blueprint.arguments(schemas.CarryOverSchema)
@blueprint.response(200, schemas.CarriedOverSchema)
def carry_over(body: dict[str, Any]) -> Response:
    """顺延: an emergency ends the day; open numbers are first on the next opening day. This cannot be undone."""
    principal = current_staff()

    def effect(session: Session) -> dict[str, Any]:
        made = closing.carry_over(session, hall_code=principal.hall, actor=principal.actor, reason=body["reason"])
        return {"tickets": len(made), "day": made[0].day if made else None}

    return answer_once("carry-over", body, effect, schemas.CarriedOverSchema())


@blueprint.get("/staff/figures")
@staff("hall.manage")
@blueprint.arguments(schemas.FiguresQuerySchema, location="query")
@blueprint.response(200, schemas.PeriodFiguresSchema)
def show_figures(query: dict[str, Any]) -> dict[str, Any]:
    """Waits, numbers served, missed appointments and window hours of my hall."""
    with transaction() as session:
        return figures.period(session, current_staff().hall, query["first"], query["last"], request_language())


@blueprint.get("/staff/figures.csv")
@staff("hall.manage")
@blueprint.arguments(schemas.FiguresQuerySchema, location="query")
@blueprint.response(200, content_type="text/csv")
def download_figures(query: dict[str, Any]) -> Response:
    """By day, hour, queue and kind, as a table."""
    with transaction() as session:
        rows = figures.by_day_and_hour(session, current_staff().hall, query["first"], query["last"])
    shown = ([row.day, row.hour, row.category_code, row.kind.value, *row[4:]] for row in rows)
    return sheet("figures", HEADER[request_language()], shown)


def _policy(policy: QueuePolicy) -> dict[str, Any]:
    return {
        "values": policy_values(policy),
        "ranges": [{"name": name, "min": low, "max": high} for name, (low, high) in QUEUE_RANGES.items()],
    }
