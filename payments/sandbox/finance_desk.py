"""Finance's counter: take cash, plant differences in the daily list, make the system fail. A page and its API."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from .finance import CHOICES, FinanceSystem
from .finance_books import COUNTER_CHANNELS, Bill, FinanceRefusal

SHOWN = 50


def create_blueprint(system: FinanceSystem) -> Blueprint:
    """The page ``/finance/desk`` and its API."""
    blueprint = Blueprint("finance_desk", __name__, url_prefix="/finance/desk", template_folder="templates")

    @blueprint.errorhandler(FinanceRefusal)
    def refuse(refusal: FinanceRefusal) -> tuple[Response, int]:
        return jsonify(code=refusal.code, message=refusal.message), refusal.status

    @blueprint.get("")
    def page() -> str:
        bills = list(reversed(system.books.bills.values()))[:SHOWN]
        return render_template(
            "finance_desk.html", bills=bills, faults=system.faults, choices=CHOICES, books=system.books
        )

    @blueprint.post("")
    def act() -> BaseResponse:
        form = request.form
        if form["act"] in COUNTER_CHANNELS:
            system.books.pay_at_counter(form["pay_code"], form["act"])
        elif form["act"] == "faults":
            system.set_faults({name: form[name] for name in CHOICES})
        else:
            system.books.plant(form["act"], form["pay_code"])
        return redirect("/finance/desk")

    _add_api(blueprint, system)
    return blueprint


def _add_api(blueprint: Blueprint, system: FinanceSystem) -> None:
    @blueprint.get("/api/state")
    def show() -> Response:
        return _state(system)

    @blueprint.put("/api/faults")
    def set_faults() -> Response:
        system.set_faults(request.get_json())
        return _state(system)

    @blueprint.post("/api/<any(counter, plant, deny, key, reset):what>")
    def do(what: str) -> Response:
        """``key`` signs answers by another of the keys from now on: a rotation."""
        order = request.get_json()
        if what == "counter":
            system.books.pay_at_counter(str(order["pay_code"]), str(order["channel"]))
        elif what == "plant":
            system.books.plant(str(order["kind"]), str(order["pay_code"]))
        elif what == "deny":
            system.books.denied_items.add(str(order["item_code"]))
        elif what == "key":
            system.signing_key = str(order["key"])
        else:
            system.reset()
        return _state(system)


def _state(system: FinanceSystem) -> Response:
    bills = [_shown(bill, system.books.plants.get(bill.pay_code)) for bill in reversed(system.books.bills.values())]
    return jsonify(faults=asdict(system.faults), bills=bills)


def _shown(bill: Bill, plant: str | None) -> dict[str, object]:
    return {
        "pay_code": bill.pay_code,
        "total_fen": bill.total_fen,
        "void": bill.void,
        "channel": bill.payment.pay_channel if bill.payment else None,
        "order_no": bill.payment.order_no if bill.payment else None,
        "ebill": bill.standing.number if bill.standing else None,
        "ebills": [{"number": one.number, "amount_fen": one.amount_fen, "red": one.red} for one in bill.ebills],
        "plant": plant,
    }
