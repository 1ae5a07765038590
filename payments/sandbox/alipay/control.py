"""The operator's desk of Alipay: switches, notifications one by one, differences in bills, time of refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from .trades import FINISHED, PAID, Trade
from .wire import in_yuan

if TYPE_CHECKING:
    from .gateway import AlipaySandbox

DIFFERENCES = frozenset({"missing", "amount", "extra"})


def add(blueprint: Blueprint, sandbox: AlipaySandbox) -> None:
    """Add ``/operator`` and its API to the blueprint."""

    @blueprint.get("/operator")
    def desk() -> str:
        from .gateway import CHOICES

        return render_template("alipay_operator.html", choices=CHOICES)

    @blueprint.get("/operator/api/state")
    def state() -> Response:
        return jsonify(_state(sandbox))

    @blueprint.put("/operator/api/switches")
    def switch() -> Response:
        try:
            sandbox.switch(_body())
        except ValueError as error:
            raise BadRequest(str(error)) from None
        return jsonify(_state(sandbox))

    @blueprint.post("/operator/api/reset")
    def reset() -> Response:
        from .gateway import CHOICES

        sandbox.switch({**dict.fromkeys(CHOICES, "normal"), "slow_s": 0, "notice_delay_s": 0, "notice_speed": 1})
        sandbox.bills.differences.clear()
        sandbox.logins.ids = "open_id"
        sandbox.calls.clear()
        return jsonify(_state(sandbox))

    @blueprint.put("/operator/api/login-ids")
    def login_ids() -> Response:
        ids = str(_body().get("ids"))
        if ids not in {"open_id", "user_id", "both"}:
            raise BadRequest("ids is open_id, user_id or both")
        sandbox.logins.ids = ids
        return jsonify(_state(sandbox))

    _add_trades(blueprint, sandbox)
    _add_notices(blueprint, sandbox)


def _add_trades(blueprint: Blueprint, sandbox: AlipaySandbox) -> None:
    @blueprint.post("/operator/api/trades/<number>/finish")
    def finish(number: str) -> Response:
        """The contracted time for refunds is over."""
        with sandbox.book.lock:
            trade = _trade(sandbox, number)
            if trade.status == PAID:
                trade.status = FINISHED
        return jsonify(_shown(trade))

    @blueprint.post("/operator/api/differences")
    def differ() -> Response:
        """Plant a difference in the bill of ``day``: missing or amount of ``number``, or an extra payment."""
        body = _body()
        if body.get("kind") not in DIFFERENCES or not isinstance(body.get("day"), str):
            raise BadRequest("kind is missing, amount or extra, and day is needed")
        sandbox.bills.differences.append({"at": sandbox.now(), "number": "", "cents": 0, **body})
        return jsonify(_state(sandbox))


def _add_notices(blueprint: Blueprint, sandbox: AlipaySandbox) -> None:
    @blueprint.get("/operator/api/notices")
    def notices() -> Response:
        """Every event, with the form that a delivery would carry now."""
        return jsonify(
            notices=[
                {
                    "notify_id": notice.notify_id,
                    "tries": notice.tries,
                    "answers": notice.answers,
                    "form": sandbox.notifier.form(notice),
                }
                for notice in sandbox.notifier.notices
            ]
        )

    @blueprint.post("/operator/api/notices/<notify_id>/repeat")
    def repeat(notify_id: str) -> Response:
        """Deliver once more, now."""
        for notice in sandbox.notifier.notices:
            if notice.notify_id == notify_id:
                return jsonify(answer=sandbox.notifier.deliver(notice))
        raise NotFound("no such notice")

    @blueprint.post("/operator/api/notices/release")
    def release() -> Response:
        """Deliver what was held, in order, ``reversed`` or ``shuffled``."""
        body = _body()
        count = sandbox.notifier.release(str(body.get("order", "")), int(str(body.get("seed", 1))))
        return jsonify(delivered=count)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is needed")
    return body


def _trade(sandbox: AlipaySandbox, number: str) -> Trade:
    found = sandbox.book.trades.get(number)
    if found is None:
        raise NotFound("no such trade")
    return found


def _shown(trade: Trade) -> dict[str, object]:
    return {
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "amount": in_yuan(trade.cents),
        "status": trade.status,
        "refunded": in_yuan(trade.refunded_cents),
    }


def _state(sandbox: AlipaySandbox) -> dict[str, object]:
    with sandbox.book.lock:
        return {
            "switches": sandbox.switch({}),
            "calls": dict(sandbox.calls),
            "trades": [_shown(trade) for trade in sandbox.book.trades.values()],
            "notices": len(sandbox.notifier.notices),
            "differences": len(sandbox.bills.differences),
        }
