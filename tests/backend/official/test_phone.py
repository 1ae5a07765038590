"""The demo person writes to the account on the sandbox's phone; the words travel signed and encrypted both ways."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.core.config import Settings
from backend.sandbox.app import create_sandbox

KEYS = ",".join(base64.b64encode(bytes([number]) * 32).decode().rstrip("=") for number in (1, 2))


@pytest.fixture(scope="session")
def settings(seeded_settings: Settings) -> Settings:
    return replace(seeded_settings, wechat_official_token="t" * 16, wechat_official_aes_keys=KEYS)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    from backend.app import create_app

    return create_app(settings, connect=False)


@pytest.fixture
def phone(settings: Settings, client: FlaskClient) -> FlaskClient:
    def push(path: str, query: Mapping[str, str], body: bytes) -> bytes | None:
        answer = client.post(path, query_string=dict(query), data=body)
        return answer.data if answer.status_code == 200 else None

    return create_sandbox(asdict(settings), push=push).test_client()


def say(phone: FlaskClient, words: str, kind: str = "text") -> str:
    answer = phone.post("/phone/api/account", json={"person": "zhang", "words": words, "kind": kind})
    return str(answer.json["reply"])


def test_text_menu_and_poster_are_answered_on_the_phone(phone: FlaskClient) -> None:
    assert "/items/passport-first" in say(phone, "护照")
    assert "/halls" in say(phone, "排队", "click")
    assert "/halls/XM/take" in say(phone, "XM", "scan")
    phone.put("/phone/api/follow", json={"person": "zhang", "following": False})
    assert say(phone, "XM", "scan").startswith("你好，这里是微政务")
    kinds = [message["kind"] for message in phone.get("/phone/api/messages?person=zhang").json["messages"]]
    assert kinds == ["wechat_reply"] * 4


def test_the_key_may_rotate(phone: FlaskClient) -> None:
    phone.put("/operator/api/faults", json={"aes_key": 1})
    assert "/items/passport-first" in say(phone, "护照")
