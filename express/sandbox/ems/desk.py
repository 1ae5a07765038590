"""The operator's desk: move shipments, make EMS fail, take the month's bill. A page, and JSON for tests."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as BaseResponse

from .bills import DIFFERENCES
from .faults import AFTER, BEFORE
from .journeys import JOURNEYS
from .parcels import Parcel
from .pushes import MODES
from .simulator import Simulator
from .wire import beijing, yuan

SHOWN = 50
ALWAYS = 1_000_000
FAULT_CALLS = {"020003": "下单", "020006": "撤单", "040001": "查轨迹", "050001": "查资费", "*": "所有接口"}


def create_blueprint(simulator: Simulator) -> Blueprint:
    """The page ``/ems/desk`` and the API under ``/ems/operator``."""
    blueprint = Blueprint("ems_desk", __name__, url_prefix="/ems", template_folder="templates")

    @blueprint.get("/desk")
    def page() -> str:
        parcels = list(reversed(simulator.office.parcels.values()))[:SHOWN]
        return render_template(
            "ems_desk.html",
            rows=[(parcel, _shown(parcel)) for parcel in parcels],
            journeys={name: words for name, (words, _) in JOURNEYS.items()},
            faults=simulator.faults.describe(),
            fault_calls=FAULT_CALLS,
            fault_kinds=sorted(BEFORE | AFTER),
            mode=simulator.pushes.mode,
            modes=MODES,
            differences=DIFFERENCES,
            planted=simulator.bills.differences,
            month=beijing(simulator.now())[:7],
        )

    @blueprint.post("/desk")
    def act() -> BaseResponse:
        form = request.form
        if form["act"] == "pushes":
            simulator.pushes.mode = form["mode"] if form["mode"] in MODES else "normal"
        elif form["act"] == "fault":
            simulator.faults.plant([{"endpoint": form["call"], "kind": form["kind"], "seconds": 8.0}])
        elif form["act"] == "good_day":
            simulator.faults.plant([])
            simulator.bills.differences.clear()
        elif form["act"] in DIFFERENCES:
            simulator.bills.plant(form["waybill"], form["act"])
        else:
            _move(simulator, form["waybill"], form["act"], form.get("journey", ""))
        return redirect("/ems/desk")

    @blueprint.get("/desk/bills/<month>.csv")
    def bill(month: str) -> Response:
        file = simulator.bills.file(month)
        headers = {"Content-Disposition": f'attachment; filename="ems-{month}.csv"'}
        return Response(file, content_type="text/csv; charset=gb18030", headers=headers)

    _add_api(blueprint, simulator)
    _add_actions(blueprint, simulator)
    return blueprint


def _add_api(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.get("/operator")
    def show() -> Response:
        return _state(simulator)

    @blueprint.put("/operator")
    def plan() -> Response:
        """``faults`` and ``seed``; ``pushes`` mode; ``repeats`` same or refused; ``late_labels``."""
        body = _body()
        try:
            if "faults" in body:
                simulator.faults.plant(body["faults"], int(body.get("seed", 1)))
        except (TypeError, ValueError) as error:
            raise BadRequest(str(error)) from None
        simulator.pushes.mode = body.get("pushes", simulator.pushes.mode)
        simulator.late_labels = int(body.get("late_labels", simulator.late_labels))
        if "repeats" in body:
            simulator.office.repeats_refused = body["repeats"] == "refused"
        return _state(simulator)

    @blueprint.post("/operator/reset")
    def reset() -> Response:
        simulator.reset()
        return _state(simulator)


def _add_actions(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.post("/operator/shipments/<waybill>/<any(next, play, cancel, heavier):act>")
    def move(waybill: str, act: str) -> Response:
        body = _body()
        if act == "heavier":
            _parcel(simulator, waybill).heavier_g = int(body["grams"])
        else:
            _move(simulator, waybill, act, str(body.get("journey", "")))
        return jsonify(_shown(_parcel(simulator, waybill)))

    @blueprint.post("/operator/pushes/<any(forward, backward, shuffled):order>")
    def release(order: str) -> Response:
        return jsonify(delivered=simulator.pushes.release(order, int(_body().get("seed", 1))))

    @blueprint.post("/operator/bill-differences")
    def differ() -> Response:
        body = _body()
        try:
            simulator.bills.plant(str(body.get("waybill", "")), str(body.get("kind")))
        except ValueError as error:
            raise BadRequest(str(error)) from None
        return _state(simulator)


def _move(simulator: Simulator, waybill: str, act: str, journey: str) -> None:
    parcel = _parcel(simulator, waybill)
    office = simulator.office
    try:
        if journey:
            office.choose(parcel, journey)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    if act == "next":
        office.step(parcel)
    elif act == "play":
        office.play(parcel)
    elif act == "cancel" and not parcel.cancelled and parcel.collected_at is None:
        office.cancel(parcel.number, parcel.waybill)


def _parcel(simulator: Simulator, waybill: str) -> Parcel:
    found = next((one for one in simulator.office.parcels.values() if one.waybill == waybill), None)
    if found is None:
        raise NotFound("no such waybill")
    return found


def _shown(parcel: Parcel) -> dict[str, Any]:
    receiver = parcel.body["receiver"]
    return {
        "number": parcel.number,
        "waybill": parcel.waybill,
        "to": f"{receiver['city']}{receiver['county']} {receiver['name'][:1]}**",
        "cargo": parcel.body["cargos"][0]["cargoName"],
        "collect": parcel.body["paymentMode"] == "2",
        "journey": parcel.journey,
        "finished": parcel.finished,
        "cancelled": parcel.cancelled,
        "weight_g": parcel.weight_g,
        "postage": yuan(parcel.postage_fen),
        "events": [
            {"code": event.step.code, "detail": event.step.detail, "at": beijing(event.at), "text": event.step.text}
            for event in parcel.events
        ],
    }


def _state(simulator: Simulator) -> Response:
    return jsonify(
        shipments=[_shown(parcel) for parcel in simulator.office.parcels.values()],
        calls=dict(simulator.faults.calls),
        faults=simulator.faults.describe(),
        pushes=[{"item": one.item, "tries": one.tries, "answers": one.answers} for one in simulator.pushes.kept],
        mode=simulator.pushes.mode,
        differences=simulator.bills.differences,
    )


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
