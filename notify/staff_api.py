"""How notices fare, for the platform's operators: figures, dead letters, resending, a preview of every notice."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from backend.core import audit, clock, db, pagination
from backend.core.auth import current_staff, request_language, staff
from backend.core.problems import ApiBlueprint
from notify import service, staff_queries, templates
from notify.registry import TEMPLATES
from notify.schemas import UTC_SECONDS

notices = ApiBlueprint("staff_notices", __name__, description="How notices fare")
blueprints = [notices]


class DayFigure(Schema):
    """Attempts of one channel on one day in Xiamen that ended in one state."""

    day = fields.Date(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)
    count = fields.Integer(required=True)


class Failure(Schema):
    """Attempts that a provider answered with the same code, and what that means."""

    channel = fields.String(required=True)
    code = fields.String(required=True)
    reason = fields.String(required=True)
    count = fields.Integer(required=True)
    last_at = fields.DateTime(format=UTC_SECONDS, required=True, allow_none=True)


class ChannelUse(Schema):
    """Messages of a channel today. `short`: 80 % of its limit is used, so ordinary notices wait for tomorrow."""

    channel = fields.String(required=True)
    used = fields.Integer(required=True)
    daily_limit = fields.Integer(required=True, allow_none=True)
    short = fields.Boolean(required=True)
    paused_until = fields.DateTime(format=UTC_SECONDS, required=True, allow_none=True)


class NoticeFigures(Schema):
    """Two weeks of deliveries. `oldest_due_s` above 120 means that notices are late."""

    days = fields.List(fields.Nested(DayFigure), required=True)
    failures = fields.List(fields.Nested(Failure), required=True)
    used_today = fields.List(fields.Nested(ChannelUse), required=True)
    waiting = fields.Integer(required=True)
    oldest_due_s = fields.Integer(required=True)


class DeadQuery(Schema):
    """Which page of dead letters."""

    lang = fields.String(validate=validate.OneOf(["zh", "en"]))
    cursor = fields.String(validate=validate.Length(max=200))


class DeadNotice(Schema):
    """A notice that did not go out, with its last attempt. The person is not shown."""

    id = fields.UUID(required=True)
    template = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    created_at = fields.DateTime(format=UTC_SECONDS, required=True)
    attempts = fields.Integer(required=True)
    channel = fields.String(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class DeadNotices(Schema):
    """A page of dead letters, newest first."""

    notices = fields.List(fields.Nested(DeadNotice), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NoticePreview(Schema):
    """One notice as it reads with sample values, and each channel's form with its values."""

    template = fields.String(required=True)
    kind = fields.String(required=True)
    importance = fields.String(required=True)
    statutory = fields.Boolean(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    forms = fields.Dict(keys=fields.String(), values=fields.Dict(), required=True)


class NoticePreviews(Schema):
    """Every notice there is."""

    notices = fields.List(fields.Nested(NoticePreview), required=True)


PAGE = 50
SAMPLE = {
    "code": "12345678",
    "hall": "厦门市政务服务中心",
    "hall_en": "Xiamen Government Service Centre",
    "address": "湖里区云顶北路842号",
    "address_en": "842 Yunding North Road",
    "item": "普通护照首次申请",
    "item_en": "First passport",
    "number": "A012",
    "ahead": 3,
    "window": 5,
    "amount": 12000,
    "reason": "缺一张照片",
    "answer": "谢谢你告诉我们，已经改了",
}


@notices.route("/staff/notices")
@notices.response(200, NoticeFigures)
@staff("platform.manage")
def show_notice_figures() -> dict[str, Any]:
    """Deliveries by channel and day, failures by code in plain words, and what waits."""
    with db.reading() as session:
        return staff_queries.figures(session, request_language())


@notices.route("/staff/notices/dead")
@notices.arguments(DeadQuery, location="query")
@notices.response(200, DeadNotices)
@staff("platform.manage")
def list_dead_notices(query: dict[str, Any]) -> dict[str, Any]:
    """Notices that failed or whose fate is unknown."""
    before = pagination.position(query["cursor"]) if "cursor" in query else None
    with db.reading() as session:
        found = staff_queries.dead(session, before=before, limit=PAGE + 1, language=request_language())
    page = found[:PAGE]
    last = page[-1] if len(found) > PAGE else None
    return {
        "notices": page,
        "next_cursor": pagination.encode(last["created_at"].isoformat(), last["id"]) if last else None,
    }


@notices.route("/staff/notices/<uuid:notice_id>/resend", methods=["POST"])
@notices.response(204)
@staff("platform.manage")
def resend_notice(notice_id: UUID) -> None:
    """Try a dead letter again on every channel; one whose fate is unknown may then arrive twice."""
    principal = current_staff()
    with db.transaction() as session:
        service.resend(session, notification_id=notice_id)
        audit.record(
            session, actor=principal.actor, action="notice.resent", object_type="notification", object_id=notice_id
        )


@notices.route("/staff/notices/preview")
@notices.response(200, NoticePreviews)
@staff("platform.manage")
def preview_notices() -> dict[str, Any]:
    """Every notice with sample values, as it reads in the inbox and on each channel."""
    language, now = request_language(), clock.now()
    sample = {**SAMPLE, "start": now.isoformat(), "until": (now + timedelta(days=3)).isoformat()}
    return {
        "notices": [
            {
                "template": name,
                "kind": kind.kind,
                "importance": kind.importance.name.lower(),
                "statutory": kind.statutory,
                "title": templates.title(name, sample, language),
                "body": templates.body(name, sample, language),
                "forms": {
                    channel: templates.values_for(form, sample)
                    for channel in templates.CHANNELS
                    for form in [templates.form_of(name, channel)]
                    if form is not None
                },
            }
            for name, kind in TEMPLATES.items()
        ]
    }
