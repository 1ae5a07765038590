"""The simulated EMS on a port of its own, and our adapter that talks to it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from werkzeug.serving import make_server

from backend.core import clock
from express.carriers import ems
from express.carriers.base import Party, Pickup, Region, ShipmentOrder
from express.sandbox.ems import api
from express.sandbox.ems.app import create_app
from express.sandbox.ems.simulator import Simulator, from_settings
from tests.conftest import make_settings
from tests.sandbox_server import _Quiet

ORDERED_AT = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
HALL = Party(
    "市政务服务中心收件窗口", "0592-7700000", Region("福建省", "厦门市", "湖里区"), "云顶北路842号一楼", "361000"
)
ZHANG = Party("张测试", "13800000001", Region("福建省", "厦门市", "思明区"), "示例路1号2栋301室")
LI = Party("李测试", "13800000002", Region("北京市", "北京市", "西城区"), "示例大街8号")


@dataclass
class Site:
    """Both sides. `pushed` is what EMS sent to our callback, answered with `answers`; the last one stays."""

    url: str
    simulator: Simulator
    carrier: ems.EmsCarrier
    pushed: list[bytes] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=lambda: ["00000"])

    def forget(self) -> None:
        """Start again with an empty EMS on a good day."""
        self.simulator.reset()
        self.pushed.clear()
        self.answers[:] = ["00000"]

    def order(self, number: str = "XM20260105000001-O1", **changes: Any) -> ShipmentOrder:
        made = ShipmentOrder(
            number=number,
            ordered_at=ORDERED_AT,
            sender=HALL,
            receiver=ZHANG,
            weight_g=300,
            pickup=Pickup(ORDERED_AT + timedelta(hours=1), ORDERED_AT + timedelta(hours=3), "受理号 1"),
        )
        return replace(made, **changes)

    def travel(self, waybill: str, journey: str) -> None:
        """Play a journey to its end."""
        self.operator(f"shipments/{waybill}/play", journey=journey)

    def faults(self, *faults: dict[str, Any], seed: int = 1) -> None:
        self._put(faults=list(faults), seed=seed)

    def plan(self, **changes: Any) -> None:
        self._put(**changes)

    def operator(self, action: str, **body: Any) -> Any:
        answer = requests.post(f"{self.url}/ems/operator/{action}", json=body, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def received(self, body: bytes) -> str | None:
        self.pushed.append(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _put(self, **body: Any) -> None:
        requests.put(f"{self.url}/ems/operator", json=body, timeout=5).raise_for_status()


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Give the pushing thread its time; fails when it never does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


@contextmanager
def running_ems() -> Iterator[Site]:
    """Serve one customer's account until the block ends."""
    settings = make_settings("postgresql://x/x")
    site: Site
    simulator = from_settings(
        {name: getattr(settings, name) for name in ("ems_sender_no", "ems_authorization", "ems_sign_key")},
        lambda: clock.now().timestamp(),
        lambda body: site.received(body),
    )
    assert simulator is not None
    server = make_server("127.0.0.1", 0, create_app(simulator), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    carrier = ems.from_settings(replace(settings, ems_base=url + api.PATH))
    assert carrier is not None
    site = Site(url, simulator, carrier)
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
