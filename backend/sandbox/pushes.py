"""What WeChat pushes to the application: signed, encrypted where a key is set, three tries, receipts with delay."""

from __future__ import annotations

import base64
import hashlib
import heapq
import itertools
import secrets
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping

import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .world import World

TRIES = 3
ANSWER_WITHIN_S = 5.0
ACCOUNT_ID = "gh_sandbox"

Post = Callable[[str, Mapping[str, str], bytes], bytes | None]
"""Path, query and body of one push → the application's answer, None when there was none or a refusal."""


def over_http(base: str) -> Post:
    """Push to a running application."""

    def post(path: str, query: Mapping[str, str], body: bytes) -> bytes | None:
        try:
            answer = requests.post(base.rstrip("/") + path, params=query, data=body, timeout=ANSWER_WITHIN_S)
        except requests.RequestException:
            return None
        return answer.content if answer.status_code == 200 else None

    return post


class Pusher:
    """Pushes for both accounts. A reply comes back as text; receipts go out from a thread of their own."""

    def __init__(self, world: World, post: Post) -> None:
        self._world = world
        self._post = post
        self._queue: list[tuple[float, int, str, str, dict[str, str]]] = []
        self._numbers = itertools.count()
        self._ready = threading.Condition()
        threading.Thread(target=self._work, daemon=True, name="pushes").start()

    def later(self, account: str, openid: str, fields: dict[str, str]) -> None:
        """Push after the receipt delay, on the wall clock."""
        if self._world.faults.receipts == "off":
            return
        due = time.monotonic() + self._world.faults.receipt_delay_s
        with self._ready:
            heapq.heappush(self._queue, (due, next(self._numbers), account, openid, fields))
            self._ready.notify()

    def push(self, account: str, openid: str, fields: Mapping[str, str]) -> str:
        """Push now, up to three times, and give the words of the answer, empty for none."""
        now = str(int(self._world.now()))
        message = {"ToUserName": ACCOUNT_ID, "FromUserName": openid, "CreateTime": now, **fields}
        body = _xml(message)
        token = getattr(self._world.settings, f"wechat_{account}_token")
        nonce = secrets.token_hex(5)
        query = {"timestamp": now, "nonce": nonce, "openid": openid, "signature": _signed(token, now, nonce)}
        key = self._key(account)
        if key is not None:
            sealed = _encrypt(key, body.encode(), self._appid(account))
            query |= {"encrypt_type": "aes", "msg_signature": _signed(token, now, nonce, sealed)}
            body = _xml({"ToUserName": ACCOUNT_ID, "Encrypt": sealed})
        for _ in range(TRIES):
            answer = self._post(f"/wechat/{account}", query, body.encode())
            if answer is not None:
                return self._words(account, answer, token)
        return ""

    def _words(self, account: str, answer: bytes, token: str) -> str:
        if answer in {b"", b"success"}:
            return ""
        fields = _fields(answer)
        key = self._key(account)
        if key is not None:
            expected = _signed(token, fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
            if expected != fields["MsgSignature"]:
                return ""
            fields = _fields(_decrypt(key, fields["Encrypt"]))
        return fields.get("Content", "")

    def _key(self, account: str) -> bytes | None:
        names: str = getattr(self._world.settings, f"wechat_{account}_aes_keys")
        keys = [name.strip() for name in names.split(",") if name.strip()]
        return base64.b64decode(keys[min(self._world.faults.aes_key, len(keys) - 1)] + "=") if keys else None

    def _appid(self, account: str) -> str:
        appid: str = getattr(self._world.settings, f"wechat_{account}_appid")
        return appid

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._queue or self._queue[0][0] > time.monotonic():
                    self._ready.wait(max(0.01, self._queue[0][0] - time.monotonic()) if self._queue else None)
                _, _, account, openid, fields = heapq.heappop(self._queue)
            self.push(account, openid, fields)


def _xml(fields: Mapping[str, str]) -> str:
    inner = "".join(f"<{name}><![CDATA[{value.replace(']]>', '')}]]></{name}>" for name, value in fields.items())
    return f"<xml>{inner}</xml>"


def _fields(xml: bytes) -> dict[str, str]:
    return {node.tag: node.text or "" for node in ElementTree.fromstring(xml)}  # noqa: S314 - our own application


def _signed(*values: str) -> str:
    return hashlib.sha1("".join(sorted(values)).encode(), usedforsecurity=False).hexdigest()


def _encrypt(key: bytes, message: bytes, appid: str) -> str:
    plain = secrets.token_bytes(16) + len(message).to_bytes(4, "big") + message + appid.encode()
    padding = 32 - len(plain) % 32
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(plain + bytes([padding]) * padding) + cipher.finalize()).decode()


def _decrypt(key: bytes, sealed: str) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = cipher.update(base64.b64decode(sealed)) + cipher.finalize()
    length = int.from_bytes(plain[16:20], "big")
    return plain[20 : 20 + length]
