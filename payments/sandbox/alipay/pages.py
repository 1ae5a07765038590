"""What a browser sees at Alipay: the cashier, the way back from it, the login page, and a bill's download."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from .trades import PAID, WAITING, Trade, described
from .wire import Refusal, in_beijing, in_yuan

if TYPE_CHECKING:
    from .gateway import AlipaySandbox

PERSON_COOKIE = "sandbox_person"
COUPON_CENTS = 100


def add(blueprint: Blueprint, sandbox: AlipaySandbox) -> None:
    """Add the pages to the blueprint."""
    _add_cashier(blueprint, sandbox)
    _add_login(blueprint, sandbox)

    @blueprint.get("/failed")
    def failed() -> tuple[str, int]:
        return _message("不能付款", request.args.get("words", ""), code=request.args.get("code", "")), 400

    @blueprint.get("/bills/<token>")
    def bill(token: str) -> Response:
        with sandbox.book.lock:
            content = sandbox.bills.file(token)
        if content is None:
            return Response("link expired", 403)
        return Response(content, mimetype="application/zip")


def _add_cashier(blueprint: Blueprint, sandbox: AlipaySandbox) -> None:
    @blueprint.get("/cashier")
    def cashier() -> tuple[str, int] | str:
        try:
            with sandbox.book.lock:
                trade = sandbox.book.find({"trade_no": request.args.get("trade_no", "-")})
        except Refusal as refusal:
            return _message("不能付款", refusal.words, code=refusal.sub_code), 404
        if trade.status != WAITING:
            words = "这笔订单已经付过了。" if trade.status == PAID else "这笔订单已经关闭。"
            return _message("不用付款", words), 200
        return render_template(
            "alipay_cashier.html",
            trade=trade,
            amount=in_yuan(trade.cents),
            until=in_beijing(trade.expires_at)[11:16],
            coupon=in_yuan(COUPON_CENTS) if trade.cents > COUPON_CENTS else "",
            people=sandbox.people,
            chosen=_chosen(sandbox),
        )

    @blueprint.post("/cashier")
    def decide() -> WerkzeugResponse | tuple[str, int] | str:
        decision = request.form.get("decision", "")
        try:
            with sandbox.book.lock:
                trade = sandbox.book.find({"trade_no": request.args.get("trade_no", "-")})
                if decision == "pay":
                    _pay(sandbox, trade)
        except Refusal as refusal:
            return _message("不能付款", refusal.words, code=refusal.sub_code), 400
        if decision == "fail":
            return _message("付款没有成功", "余额不足。可以回到收银台换一种方式。")
        if decision == "leave":
            return _message("你离开了收银台", f"订单还在等付款，到 {in_beijing(trade.expires_at)[11:16]} 为止。")
        back = trade.quit_url if decision == "cancel" else _return_address(sandbox, trade)
        return redirect(back) if back else _message("完成", "可以关闭这一页。")


def _pay(sandbox: AlipaySandbox, trade: Trade) -> None:
    person = _chosen(sandbox)
    sandbox.book.pay(trade, sandbox.logins.open_id(person), COUPON_CENTS if request.form.get("coupon") else 0)
    sandbox.notifier.paid(trade)


def _return_address(sandbox: AlipaySandbox, trade: Trade) -> str:
    """Where the browser goes after paying, with a signature over every parameter."""
    if not trade.return_url:
        return ""
    fields = {
        "app_id": sandbox.wire.app_id,
        "auth_app_id": sandbox.wire.app_id,
        "charset": "utf-8",
        "method": "alipay.trade.wap.pay.return",
        **described(trade),
        "seller_id": sandbox.book.seller_id,
        "timestamp": in_beijing(sandbox.now()),
        "version": "1.0",
    }
    joint = "&" if urlsplit(trade.return_url).query else "?"
    return trade.return_url + joint + urlencode(sandbox.wire.signed_form(fields))


def _add_login(blueprint: Blueprint, sandbox: AlipaySandbox) -> None:
    path = "/oauth2/publicAppAuthorize.htm"

    @blueprint.get(path)
    def ask() -> tuple[str, int] | str:
        reason = sandbox.logins.refused(request.args)
        if reason:
            return _message("不能登录", reason, code="INVALID_PARAMETER"), 400
        return render_template("alipay_login.html", people=sandbox.people, chosen=_chosen(sandbox))

    @blueprint.post(path)
    def answer() -> WerkzeugResponse | tuple[str, int]:
        reason = sandbox.logins.refused(request.args)
        if reason:
            return _message("不能登录", reason, code="INVALID_PARAMETER"), 400
        fields = {"app_id": request.args["app_id"], "source": "alipay_wallet", "scope": request.args["scope"]}
        person = _chosen(sandbox)
        if request.form.get("decision") == "allow":
            fields["auth_code"] = sandbox.logins.code(person, request.args["scope"])
        target = request.args["redirect_uri"]
        joint = "&" if urlsplit(target).query else "?"
        back = redirect(target + joint + urlencode({**fields, "state": request.args.get("state", "")}))
        back.set_cookie(PERSON_COOKIE, person, samesite="Lax")
        return back


def _chosen(sandbox: AlipaySandbox) -> str:
    """Who is at the phone: what the form says, else the last choice, else the first of the people."""
    for key in (request.form.get("person"), request.args.get("person"), request.cookies.get(PERSON_COOKIE)):
        if any(person.key == key for person in sandbox.people):
            return str(key)
    return sandbox.people[0].key


def _message(title: str, words: str, code: str = "") -> str:
    return render_template("alipay_message.html", title=title, words=words, code=code)
