"""What a citizen wants to be told, and where."""

from typing import Any

from flask import current_app
from marshmallow import Schema, fields, validate

from backend.core import db
from backend.core.auth import citizen, current_citizen, request_language
from backend.core.config import Settings
from backend.core.problems import ApiBlueprint
from notify import preferences, queries, templates
from notify.kinds import KINDS
from notify.routing import ADDRESS_OF

choices = ApiBlueprint("notice_preferences", __name__, description="Which notices a citizen gets, and where")
blueprints = [choices]

SAID: dict[str, preferences.Agreement] = {
    "accept": "accept",
    "accept_always": "accept_always",
    "reject": "reject",
    "ban": "reject",
}
"""WeChat's words for an answer; `filter` says nothing."""


class KindChoice(Schema):
    """One kind of notice. `statutory` ones cannot be switched off."""

    kind = fields.String(required=True)
    name = fields.String(required=True)
    hint = fields.String(required=True)
    statutory = fields.Boolean(required=True)
    on = fields.Boolean(required=True)


class ChannelChoice(Schema):
    """One way out of the house, in the person's order; `reachable` when there is an address."""

    channel = fields.String(required=True)
    reachable = fields.Boolean(required=True)


class NoticePreferences(Schema):
    """All choices. `mini_templates` are what the mini-program may ask to subscribe to."""

    kinds = fields.List(fields.Nested(KindChoice), required=True)
    channels = fields.List(fields.Nested(ChannelChoice), required=True)
    mini_templates = fields.List(fields.String(), required=True)


class NoticeChoice(Schema):
    """Kinds to switch off, and the channels in the wanted order."""

    opted_out = fields.List(
        fields.String(validate=validate.OneOf(sorted(preferences.SWITCHABLE))),
        required=True,
        validate=validate.Length(max=len(preferences.SWITCHABLE)),
    )
    channels = fields.List(
        fields.String(validate=validate.OneOf(templates.CHANNELS)),
        required=True,
        validate=validate.Length(max=len(templates.CHANNELS)),
    )


class SubscriptionReport(Schema):
    """What `wx.requestSubscribeMessage` gave back: template id → answer; `accept_always` for a long-term one."""

    answers = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 100)),
        values=fields.String(validate=validate.OneOf(["accept", "accept_always", "reject", "ban", "filter"])),
        required=True,
        validate=validate.Length(1, 3),
    )


@choices.route("/me/notices")
@choices.response(200, NoticePreferences)
@citizen()
def show_notice_preferences() -> dict[str, Any]:
    """The person's choices about notices."""
    return _view()


@choices.route("/me/notices", methods=["PUT"])
@choices.arguments(NoticeChoice)
@choices.response(200, NoticePreferences)
@citizen()
def choose_notices(body: dict[str, Any]) -> dict[str, Any]:
    """Replace the person's choices. The inbox gets everything whatever they are."""
    with db.transaction() as session:
        preferences.choose(session, person_id=current_citizen().id, **body)
    return _view()


@choices.route("/me/notices/subscriptions", methods=["POST"])
@choices.arguments(SubscriptionReport)
@choices.response(204)
@citizen()
def report_subscriptions(body: dict[str, Any]) -> None:
    """The mini-program tells what the person answered. Unknown templates are ignored."""
    settings: Settings = current_app.extensions["settings"]
    ours = set(settings.wechat_mini_template_ids.values())
    answers: dict[str, preferences.Agreement] = {
        template_id: SAID[answer]
        for template_id, answer in body["answers"].items()
        if template_id in ours and answer in SAID
    }
    with db.transaction() as session:
        preferences.agree(session, person_id=current_citizen().id, answers=answers)


def _view() -> dict[str, Any]:
    settings: Settings = current_app.extensions["settings"]
    language, person_id = request_language(), current_citizen().id
    with db.reading() as session:
        opted_out, order = preferences.of_person(session, person_id)
        contacts = queries.reachable_at(session, person_id)
    return {
        "kinds": [
            {
                "kind": name,
                "name": kind.name.in_language(language),
                "hint": kind.hint.in_language(language),
                "statutory": name not in preferences.SWITCHABLE,
                "on": name not in opted_out,
            }
            for name, kind in KINDS.items()
        ],
        "channels": [
            {"channel": name, "reachable": ADDRESS_OF[name] in contacts}
            for name in dict.fromkeys([*order, *templates.CHANNELS])
        ],
        "mini_templates": sorted(settings.wechat_mini_template_ids.values()),
    }
