"""The operator's desk: make the providers fail, move the clock, count the calls."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.exceptions import BadRequest

from .wechat_api import WeChatApi
from .world import MODES, Faults


def create_blueprint(api: WeChatApi) -> Blueprint:
    """The page ``/operator`` and its API."""
    blueprint = Blueprint("operator", __name__, url_prefix="/operator")
    world = api.world

    @blueprint.get("")
    def page() -> str:
        return render_template("operator.html", modes=MODES)

    @blueprint.get("/api/state")
    def show() -> Response:
        return jsonify(_state(api))

    @blueprint.put("/api/faults")
    def set_faults() -> Response:
        body = request.get_json()
        if "quota_left" in body:
            left = body.pop("quota_left")
            api.quota_left = None if left is None else int(left)
        try:
            world.set_faults(body)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        return jsonify(_state(api))

    _add_actions(blueprint, api)
    return blueprint


def _add_actions(blueprint: Blueprint, api: WeChatApi) -> None:
    world = api.world

    @blueprint.post("/api/tokens/<any(superseded, expired):verdict>")
    def spoil_tokens(verdict: str) -> Response:
        if verdict == "superseded":
            api.tokens.supersede_all()
        else:
            api.tokens.expire_all()
        return jsonify(_state(api))

    @blueprint.post("/api/clock")
    def advance_clock() -> Response:
        with world.lock:
            world.clock_offset_s += float(request.get_json()["advance_s"])
        return jsonify(_state(api))

    @blueprint.post("/api/reset")
    def reset() -> Response:
        with world.lock:
            world.faults = Faults()
            world.clock_offset_s = 0.0
            world.calls.clear()
            world.unfollowed.clear()
            world.blocked.clear()
            api.quota_left = None
        world.mailbox.clear()
        return jsonify(_state(api))


def _state(api: WeChatApi) -> dict[str, Any]:
    return api.world.describe() | {
        "quota_left": api.quota_left,
        "stable_tokens_issued": api.tokens.stable_issued,
        "classic_tokens_issued": api.tokens.classic_issued,
        "menu": api.menu,
    }
