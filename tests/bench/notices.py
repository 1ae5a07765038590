"""Notices per second of one worker process against a gateway that takes 50 ms, beside bare posts to it."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from uuid import UUID, uuid4

import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import text

from backend.core import clock, db
from backend.core.config import Settings
from notify import service
from notify.jobs import SENDERS, dispatch_due
from tests.bench import report
from tests.bench.site import Site, facts

TARGET = 100.0
"""Messages a second by one worker."""
WITHIN_S, SHARE = 10.0, 0.99
DELAY_S = 0.05
NOTICES = 2_000
RATE, STREAM_S = 50, 20


class _Gateway(BaseHTTPRequestHandler):
    """Answers as WeChat does, after a delay."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/cgi-bin/stable_token"):
            answer: dict[str, object] = {"access_token": "token", "expires_in": 7200}
        else:
            time.sleep(DELAY_S)
            answer = {"errcode": 0, "errmsg": "ok", "msgid": uuid4().int % 10**18}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve(ready: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def _gateway() -> Iterator[str]:
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{mine.recv()}"
    finally:
        process.terminate()
        process.join()


def run(site: Site) -> bool:
    """Measure, print and write; False when a target is missed."""
    own: Settings = site.app.extensions["settings"]
    with _gateway() as url:
        settings = replace(own, wechat_api_base=url, wechat_mini_templates="{}", sms_base="", wechat_daily_quota=10**7)
        person = _person()
        _write(person, 1)
        dispatch_due(settings)
        _write(person, NOTICES)
        began, used = time.perf_counter(), time.process_time()
        _until_all_sent(settings)
        elapsed, used = time.perf_counter() - began, time.process_time() - used
        late = _stream(settings, person)
        bare = _bare(url)
    rate = NOTICES / elapsed
    within = sum(seconds <= WITHIN_S for seconds in late) / len(late)
    body = {
        "per_second": round(rate, 1),
        "worker_cpu_ms": round(1000 * used / NOTICES, 2),
        "bare_per_second": round(bare, 1),
        "target": TARGET,
        "met": rate >= TARGET,
        "stream": {
            "per_second": RATE,
            "seconds": STREAM_S,
            "p50_s": round(late[len(late) // 2], 3),
            "p99_s": round(late[len(late) * 99 // 100], 3),
            "share_within_10_s": round(within, 4),
            "met": within >= SHARE,
        },
        "gateway_delay_s": DELAY_S,
        "machine": facts(site),
    }
    report.write("notices", body)
    print(f"Notices: {rate:.0f} a second by one worker, bare posts {bare:.0f}; target {TARGET:.0f}")
    print(f"  at {RATE} a second: half within {late[len(late) // 2]:.2f} s, {within:.1%} within {WITHIN_S:.0f} s")
    return rate >= TARGET and within >= SHARE


def _person() -> UUID:
    person = uuid4()
    with db.transaction() as session:
        service.set_contact(session, person_id=person, channel="wechat_official", address="o-bench", language="zh")
    return person


def _write(person: UUID, number: int) -> None:
    params = {
        "item": "普通护照首次申请",
        "hall": "厦门市政务服务中心",
        "code": "12345678",
        "start": clock.now().isoformat(),
    }
    with db.transaction() as session:
        for _ in range(number):
            service.notify(
                session,
                person_id=person,
                template="appointment_booked",
                params=params,
                subject_type="bench",
                subject_id="1",
                link="/appointments/1",
                dedupe_key=uuid4().hex,
                useless_after=clock.now() + timedelta(days=1),
            )


def _until_all_sent(settings: Settings) -> None:
    while dispatch_due(settings):
        pass


def _stream(settings: Settings, person: UUID) -> list[float]:
    """Seconds from writing a notice to the provider's answer, in order, with the worker's half-second loop."""
    since = clock.now()
    stop = threading.Event()

    def write() -> None:
        due = time.monotonic()
        for _ in range(RATE * STREAM_S):
            _write(person, 1)
            due += 1 / RATE
            time.sleep(max(0.0, due - time.monotonic()))
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        dispatch_due(settings)
        time.sleep(0.5)
    writer.join()
    _until_all_sent(settings)
    with db.transaction() as session:
        rows = session.execute(
            text(
                "SELECT extract(epoch FROM d.finished_at - n.created_at) AS seconds FROM delivery d"
                " JOIN notification n ON n.id = d.notification_id WHERE n.created_at >= :since AND d.state = 'sent'"
            ),
            {"since": since},
        )
        return sorted(float(row.seconds) for row in rows)


def _bare(url: str) -> float:
    """Posts a second with as many threads and nothing around them."""
    http = requests.Session()
    http.mount("http://", HTTPAdapter(pool_maxsize=SENDERS))

    def post(_: int) -> None:
        http.post(f"{url}/cgi-bin/message/template/send", json={"data": {}}, timeout=5).raise_for_status()

    with http, ThreadPoolExecutor(SENDERS) as pool:
        began = time.perf_counter()
        list(pool.map(post, range(NOTICES)))
        return NOTICES / (time.perf_counter() - began)
