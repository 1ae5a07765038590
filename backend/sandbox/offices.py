"""Offices that speak signed JSON: licence library, e证明, 12345, credit, the province; and one desk for people."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from .credit import RECORDS, CreditBooks
from .hotline import HotlineBooks
from .licences import KINDS, LicenceBooks
from .people import PEOPLE
from .province import ProvinceBooks
from .refusals import OfficeRefusal
from .world import OFFICES, World

WINDOW_S = 300.0
SLOW_S = 12.0

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Books:
    """What the offices have in their books."""

    licences: LicenceBooks
    hotline: HotlineBooks
    province: ProvinceBooks
    credit: CreditBooks


class Gate:
    """Signatures and nonces of one office."""

    def __init__(self, name: str, world: World) -> None:
        self.name, self._world = name, world
        self._app = str(getattr(world.settings, f"{name}_app"))
        given = str(getattr(world.settings, f"{name}_keys")).split(",")
        self._keys = dict(_split(part) for part in given if part.strip())
        self._nonces: dict[str, float] = {}

    @property
    def mode(self) -> str:
        return str(getattr(self._world.faults, self.name))

    def authenticate(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """OfficeRefusal unless the request is signed by one of our keys, fresh, and its nonce new."""
        app, key_id = headers.get("X-Office-App", ""), headers.get("X-Office-Key", "")
        at, nonce = headers.get("X-Office-Time", ""), headers.get("X-Office-Nonce", "")
        key = self._keys.get(key_id)
        if app != self._app or key is None:
            raise OfficeRefusal("APP_UNKNOWN", 401)
        text = f"OFFICE-1\nPOST\n{path}\n{app}\n{key_id}\n{at}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), headers.get("X-Office-Signature", "").encode()):
            raise OfficeRefusal("SIGNATURE_INVALID", 401)
        now = self._world.now()
        if not at.isdecimal() or abs(now - int(at)) > WINDOW_S:
            raise OfficeRefusal("TIMESTAMP_EXPIRED", 401)
        with self._world.lock:
            self._nonces = {old: seen for old, seen in self._nonces.items() if seen > now - 2 * WINDOW_S}
            if len(nonce) < 16 or nonce in self._nonces:
                raise OfficeRefusal("NONCE_REUSED", 401)
            self._nonces[nonce] = now

    def sign(self, status: int, nonce: str, body: bytes) -> dict[str, str]:
        """Headers of an answer."""
        at, key_id = str(int(self._world.now())), next(iter(self._keys), "")
        key = secrets.token_bytes(32) if self.mode == "forged" or not key_id else self._keys[key_id]
        text = f"OFFICE-1\nANSWER\n{status}\n{nonce}\n{at}\n{hashlib.sha256(body).hexdigest()}"
        return {
            "X-Office-Key": key_id,
            "X-Office-Time": at,
            "X-Office-Signature": hmac.new(key, text.encode(), hashlib.sha256).hexdigest(),
        }


def create_blueprints(world: World) -> list[Blueprint]:
    """One gate for each office, and the desk ``/offices/desk``."""
    books = Books(LicenceBooks(world), HotlineBooks(world), ProvinceBooks(world), CreditBooks(world))
    operations: dict[str, dict[str, Operation]] = {
        "licence": {"licences/get": books.licences.get_licence},
        "eproof": {"proofs/get": books.licences.get_proof},
        "hotline": {"tickets/create": books.hotline.create, "tickets/query": books.hotline.query},
        "province": {"feed/push": books.province.push},
        "credit": {"records/query": books.credit.query},
    }
    return [*(_gate(Gate(name, world), operations[name], world) for name in OFFICES), _desk(world, books)]


def _gate(gate: Gate, operations: Mapping[str, Operation], world: World) -> Blueprint:
    blueprint = Blueprint(gate.name, __name__, url_prefix=f"/{gate.name}")

    @blueprint.post("/v1/<path:operation>")
    def call(operation: str) -> Response:
        with world.lock:
            world.calls[request.path] += 1
        body, nonce = request.get_data(), request.headers.get("X-Office-Nonce", "")
        if gate.mode == "outage":
            return Response("<h1>502 Bad Gateway</h1>", 502, content_type="text/html")
        try:
            if gate.mode == "busy":
                raise OfficeRefusal("BUSY", 503)
            gate.authenticate(f"/v1/{operation}", dict(request.headers), body)
            status, answer = 200, _carried_out(operations, operation, body)
        except OfficeRefusal as refusal:
            status, answer = refusal.status, {"code": refusal.code}
        if gate.mode == "slow":
            time.sleep(SLOW_S)
        if gate.mode == "drop":
            _hang_up()
        content = json.dumps(answer, ensure_ascii=False).encode()
        return Response(content, status, content_type="application/json", headers=gate.sign(status, nonce, content))

    return blueprint


def _carried_out(operations: Mapping[str, Operation], operation: str, body: bytes) -> dict[str, Any]:
    if operation not in operations:
        raise OfficeRefusal("OPERATION_UNKNOWN", 404)
    try:
        return operations[operation](json.loads(body))
    except (KeyError, TypeError, ValueError):
        raise OfficeRefusal("BODY_INVALID", 400) from None


def _desk(world: World, books: Books) -> Blueprint:
    """Where people give and take licences, answer hotline tickets and see what the province has received."""
    blueprint = Blueprint("offices", __name__, url_prefix="/offices")

    @blueprint.get("/desk")
    def page() -> str:
        return render_template("offices.html", people=PEOPLE, kinds=KINDS, records=RECORDS, books=books)

    @blueprint.post("/desk")
    def act() -> BaseResponse:
        _act(books, request.form["act"], request.form)
        return redirect("/offices/desk")

    @blueprint.post("/api/<any(licence, answer, credit):what>")
    def do(what: str) -> Response:
        _act(books, what, request.get_json())
        return jsonify(ok=True)

    @blueprint.get("/api/state")
    def state() -> Response:
        return jsonify(
            uses=books.licences.uses,
            tickets=books.hotline.shown(),
            feed=books.province.shown(),
            credit=books.credit.shown(),
        )

    @blueprint.post("/api/reset")
    def reset() -> Response:
        for one in (books.licences, books.hotline, books.province, books.credit):
            one.reset()
        return jsonify(ok=True)

    return blueprint


def _act(books: Books, what: str, order: Mapping[str, str]) -> None:
    if what == "licence":
        books.licences.set(order["person"], order["kind"], order["having"])
    elif what == "credit":
        books.credit.set(order["person"], [one for one in order.get("records", "").split(",") if one])
    else:
        books.hotline.answer(order["serial"], order["status"], order.get("reply", ""))


def _hang_up() -> None:
    """Close the connection under the request; where the server hides it, the answer is an unsigned 502."""
    connection = request.environ.get("werkzeug.socket") or request.environ.get("gunicorn.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    abort(502)


def _split(part: str) -> tuple[str, bytes]:
    key_id, _, encoded = part.strip().partition(":")
    return key_id, base64.b64decode(encoded)
