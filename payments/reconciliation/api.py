"""Reconciliation for finance's staff: days, differences, decisions with a reason, tables for the bureau."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from backend.core import clock, pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.db import transaction
from backend.core.once import answer_once
from backend.core.problems import ApiBlueprint
from backend.core.sheets import XLSX, sheet, workbook
from payments.reconciliation import queries, service
from payments.reconciliation import schemas as schemas

recon = ApiBlueprint("reconciliation", __name__, description="Our books against the channels' and finance's")
blueprints = (recon,)

PAGE = 100
PATH = "/staff/reconciliation"

HEADER = {
    "zh": (
        "日期",
        "差异",
        "状态",
        "天数",
        "缴款码",
        "渠道",
        "订单号",
        "退款单号",
        "渠道流水号",
        "我方（分）",
        "对方（分）",
        "时间",
        "负责人",
        "说明",
    ),
    "en": (
        "Day",
        "Difference",
        "State",
        "Age in days",
        "Pay code",
        "Channel",
        "Order",
        "Refund",
        "Transaction",
        "Ours (fen)",
        "Theirs (fen)",
        "Time",
        "Owner",
        "Reason",
    ),
}
STATES = {
    "zh": {"open": "待处理", "carried": "结转", "closed": "已处理"},
    "en": {"open": "Open", "carried": "Carried", "closed": "Closed"},
}


def grouped(code: str | None) -> str | None:
    """A number of twenty digits in fours, so that a spreadsheet does not round it."""
    return " ".join(code[place : place + 4] for place in range(0, len(code), 4)) if code else None


@recon.get(f"{PATH}/days")
@staff("finance.reconcile")
@recon.arguments(schemas.DaysQuery, location="query")
@recon.response(200, schemas.ReconDaysSchema)
def list_days(query: dict[str, Any]) -> dict[str, Any]:
    """Days, newest first: which books are there, what the comparison came to, what is left to do."""
    with transaction() as session:
        return {"days": queries.days(session, before=query.get("before"), limit=query["limit"])}


@recon.post(f"{PATH}/days/close")
@staff("finance.reconcile")
@recon.arguments(schemas.DayBodySchema)
@recon.response(200, schemas.DayStateSchema)
def close_day(body: dict[str, Any]) -> Response:
    """结账: only when every book was read and each difference is closed or carried with a reason."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        row = service.close_day(session, day=body["day"], actor=actor)
        return {"day": row.day, "state": row.state}

    return answer_once("recon-close", body, effect, schemas.DayStateSchema())


@recon.post(f"{PATH}/days/run-again")
@staff("finance.reconcile")
@recon.arguments(schemas.DayBodySchema)
@recon.response(202, schemas.DayStateSchema)
def run_again(body: dict[str, Any]) -> Response:
    """Read the day's books once more and compare within a minute. What is the same changes nothing."""
    actor = current_staff().actor

    def effect(session: Session) -> dict[str, Any]:
        row = service.run_again(session, day=body["day"], actor=actor)
        return {"day": row.day, "state": row.state}

    return answer_once("recon-run-again", body, effect, schemas.DayStateSchema(), status=202)


@recon.get(f"{PATH}/differences")
@staff("finance.reconcile")
@recon.arguments(schemas.DifferencesQuery, location="query")
@recon.response(200, schemas.DifferencesSchema)
def list_differences(query: dict[str, Any]) -> dict[str, Any]:
    """Differences of a day, or all that are not closed, longest known first."""
    after = pagination.position(query["cursor"]) if "cursor" in query else None
    with transaction() as session:
        found = queries.differences(
            session,
            language=request_language(),
            day=query.get("day"),
            state=query.get("state"),
            after=after,
            limit=PAGE + 1,
        )
    page = found[:PAGE]
    more = pagination.encode(page[-1]["found_at"].isoformat(), page[-1]["id"]) if len(found) > PAGE else None
    return {"differences": page, "next_cursor": more}


@recon.get(f"{PATH}/differences.csv")
@staff("finance.reconcile")
@recon.arguments(schemas.DifferencesQuery, location="query")
@recon.response(200, content_type="text/csv")
def download_differences(query: dict[str, Any]) -> Response:
    """The same as a table, for the finance bureau."""
    return sheet(_name(query), HEADER[request_language()], _rows(query))


@recon.get(f"{PATH}/differences.xlsx")
@staff("finance.reconcile")
@recon.arguments(schemas.DifferencesQuery, location="query")
@recon.response(200, content_type=XLSX)
def download_workbook(query: dict[str, Any]) -> Response:
    """The same table as a workbook."""
    return workbook(_name(query), HEADER[request_language()], _rows(query))


def _name(query: dict[str, Any]) -> str:
    return f"differences-{query.get('day', clock.today())}"


def _rows(query: dict[str, Any]) -> list[tuple[object, ...]]:
    language = request_language()
    with transaction() as session:
        found = queries.differences(
            session,
            language=language,
            day=query.get("day"),
            state=query.get("state"),
            limit=queries.MOST_ROWS,
        )
    return [
        (
            one["day"],
            one["name"],
            STATES[language][one["state"].value],
            one["age_days"],
            grouped(one["pay_code"]),
            one["channel"],
            one["number"],
            one["refund_number"],
            one["transaction_id"],
            one["ours_fen"],
            one["theirs_fen"],
            clock.civil(one["at"]).strftime("%Y-%m-%d %H:%M:%S") if one["at"] else None,
            one["owner"],
            one["reason"],
        )
        for one in found
    ]


@recon.post(f"{PATH}/differences/<uuid:difference_id>/assign")
@staff("finance.reconcile")
@recon.arguments(schemas.AssignSchema)
@recon.response(200, schemas.DifferenceSchema)
def assign_difference(body: dict[str, Any], difference_id: UUID) -> dict[str, Any]:
    """Take a difference on, or give it back."""
    actor = current_staff().actor
    with transaction() as session:
        row = service.assign(session, difference_id=difference_id, owner=actor if body["mine"] else None, actor=actor)
        return queries.shown(row, request_language())


@recon.post(f"{PATH}/differences/<uuid:difference_id>/carry")
@staff("finance.reconcile")
@recon.arguments(schemas.DifferenceReasonSchema)
@recon.response(200, schemas.DifferenceSchema)
def carry_difference(body: dict[str, Any], difference_id: UUID) -> dict[str, Any]:
    """结转: understood, not over; the day may be closed."""
    with transaction() as session:
        row = service.carry(session, difference_id=difference_id, actor=current_staff().actor, reason=body["reason"])
        return queries.shown(row, request_language())


@recon.post(f"{PATH}/differences/<uuid:difference_id>/close")
@staff("finance.reconcile")
@recon.arguments(schemas.DifferenceReasonSchema)
@recon.response(200, schemas.DifferenceSchema)
def close_difference(body: dict[str, Any], difference_id: UUID) -> dict[str, Any]:
    """Over, by a person's decision. Nothing is booked by this: money is decided where refunds and suspense are."""
    with transaction() as session:
        row = service.close(session, difference_id=difference_id, actor=current_staff().actor, reason=body["reason"])
        return queries.shown(row, request_language())


@recon.post(f"{PATH}/differences/<uuid:difference_id>/try-again")
@staff("finance.reconcile")
@recon.response(200, schemas.DifferenceSchema)
def try_difference_again(difference_id: UUID) -> dict[str, Any]:
    """Ask the other side once more within a minute."""
    with transaction() as session:
        row = service.try_again(session, difference_id=difference_id, actor=current_staff().actor)
        return queries.shown(row, request_language())
