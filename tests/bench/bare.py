"""The baselines: bare Flask routes under the same gunicorn, with psycopg and nothing else."""

import base64
import hashlib
import json
import os
import threading
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask, Response, request

from tests.bench import stock
from tests.bench.statements import MINIMAL, Replay

MINIMAL_HERE = MINIMAL.format(appointment="%(appointment)s::uuid", person="%(person)s::uuid")

ONE_ROW = """
INSERT INTO channel_event (id, channel, event_id, kind, number, verdict, sent_at, received_at, raw)
VALUES (%(id)s, 'wechat_pay', %(event)s, 'payment', '', 'bench', now(), now(), %(raw)s)
"""

app = Flask(__name__)
folder = Path(os.environ["BENCH_FOLDER"])
_local = threading.local()


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        _local.connection = stock.connect(os.environ["DATABASE_URL"], autocommit=True)
    return _local.connection


@cache
def _replay() -> Replay:
    return Replay(folder / "statements.json")


@cache
def _key() -> RSAPublicKey:
    [pem] = json.loads(os.environ["WECHAT_PAY_PUBLIC_KEYS"]).values()
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, RSAPublicKey)
    return key


@cache
def _slots() -> list[str]:
    return (folder / "slots.txt").read_text().split()


@cache
def _bytes() -> bytes:
    return (folder / "slots.body").read_bytes()


@app.get("/livez")
def livez() -> str:
    return "ok"


@app.post("/same/<int:number>")
def same(number: int) -> Response:
    """(a) The same statements as the product's booking."""
    slots = _slots()
    replay = _replay()
    replay.run(
        _connection(),
        {
            "person": str(stock.uuid_of(stock.PERSON, number)),
            "appointment": str(stock.uuid_of(stock.APPOINTMENT, number)),
            "slot": slots[number % len(slots)],
            "key": uuid4().hex,
            "token_hash": hashlib.sha256(stock.token_of(number).encode()).hexdigest(),
            "code": str(10_000_000 + number),
        },
    )
    return Response(replay.answer, 201, mimetype="application/json")


@app.post("/least/<int:number>")
def least(number: int) -> Response:
    """(b) One statement."""
    values = {
        "appointment": stock.uuid_of(stock.APPOINTMENT, number),
        "person": stock.uuid_of(stock.PERSON, number),
    }
    booked = _connection().execute(MINIMAL_HERE, values).rowcount
    return Response(_replay().answer, 201 if booked else 404, mimetype="application/json")


@app.get("/slots")
def slots() -> Response:
    """The same bytes as the product's slot list."""
    return Response(_bytes(), mimetype="application/json")


@app.post("/callbacks/wechat-pay")
def notice() -> Response:
    """One RSA check and one row."""
    body, given = request.get_data(cache=False), request.headers
    text = f"{given['Wechatpay-Timestamp']}\n{given['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    _key().verify(base64.b64decode(given["Wechatpay-Signature"]), text, PKCS1v15(), SHA256())
    fresh = uuid4()
    _connection().execute(ONE_ROW, {"id": fresh, "event": fresh.hex, "raw": body})
    return Response(status=204)
