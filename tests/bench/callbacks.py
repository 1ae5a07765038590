"""Payment notices per second, verified and applied, against a bare route with one RSA check and one row."""

import pickle
from collections import defaultdict
from collections.abc import Generator
from functools import cache, partial
from pathlib import Path
from typing import Any

from backend.core import db
from payments import doctor
from payments.gateways.base import Channel
from tests.bench import report
from tests.bench.clients import Failed, Measured
from tests.bench.due import Due
from tests.bench.site import Site, facts
from tests.bench.statements import written_down

TARGET = 0.5
CLIENTS = (8, 32, 64)
ROUNDS = 4
WINDOW_S = 1.5
RESERVE = 1_000
"""Orders made for one window; more than it can use up. The bare route is told of the same ones again and again."""
NAMES = {"ours": "WeChat Pay, full API", "alipay": "Alipay, full API", "bare": "one RSA check and one row, bare"}


@cache
def _sheaf(path: Path) -> list[bytes]:
    return pickle.loads(path.read_bytes())


def tell(path: Path, first: int, draw: Any) -> Generator[bytes, bytes, None]:
    """One notice."""
    notices = _sheaf(path)
    yield notices[(draw() - first) % len(notices)]


def run(site: Site) -> bool:
    """Measure, print and write; False when the target is missed."""
    due = Due(site)
    statements = _write_down_one(site, due)
    seen: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    acknowledged = 1
    same = due.sheaf(Channel.WECHAT_PAY, RESERVE)
    for number in range(-1, ROUNDS):
        site.stock.vacuum()
        for clients in CLIENTS:
            for name in sorted(NAMES, reverse=bool(number % 2)):
                window_s = WINDOW_S if number >= 0 else 0.5
                if name == "bare":
                    window = site.measure("bare", partial(tell, *same), clients, window_s, good=(204,))
                else:
                    window = _measure(site, due, name, clients, window_s)
                    acknowledged += window.acknowledged
                if number >= 0:
                    seen[name, clients].append(window)
    _demand_effect(due, acknowledged)
    return _report(site, statements, seen)


def _write_down_one(site: Site, due: Due) -> list[str]:
    """The statements of one notice, taken by the application in this process."""
    path, _ = due.sheaf(Channel.WECHAT_PAY, 1)
    head, _, body = _sheaf(path)[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    with written_down() as found:
        answer = site.app.test_client().post("/callbacks/wechat-pay", data=body, headers=headers)
    if answer.status_code != 204:
        raise Failed(f"{answer.status_code}: {answer.data!r}")
    return [" ".join(statement.sql.split())[:70] for statement in found]


def _measure(site: Site, due: Due, name: str, clients: int, window_s: float) -> Measured:
    """One window of the product with orders of its own."""
    path, first = due.sheaf(Channel.ALIPAY if name == "alipay" else Channel.WECHAT_PAY, RESERVE)
    site.load.start_at(first)
    window = site.measure("product", partial(tell, path, first), clients, window_s, good=(200, 204))
    path.unlink()
    if site.load.next_number > due.made:
        raise Failed(f"{RESERVE} orders are not enough for a window")
    return window


def _demand_effect(due: Due, acknowledged: int) -> None:
    """Every notice that was acknowledged settled its bill, and nothing else did."""
    wrong = {name: count for name, count in due.settled().items() if count != acknowledged}
    with db.transaction() as session:
        findings = doctor.invariants(session)
    if wrong or findings:
        raise Failed(f"{acknowledged} notices were acknowledged; in the database {wrong}, {findings[:3]}")


def _report(site: Site, statements: list[str], seen: dict[tuple[str, int], list[Measured]]) -> bool:
    rates = {
        f"{NAMES[name]}, {clients} clients": report.summary(seen[name, clients])
        for name in NAMES
        for clients in CLIENTS
    }
    found: dict[str, Any] = {}
    for name, target in (("ours", TARGET), ("alipay", None)):
        by_clients = {clients: report.ratios(seen[name, clients], seen["bare", clients]) for clients in CLIENTS}
        label = NAMES[name].split(",")[0]
        for clients, values in by_clients.items():
            found[f"{label} to bare at {clients} clients"] = report.ratio_summary(values)
        every = [value for values in by_clients.values() for value in values]
        found[f"{label} to bare"] = report.ratio_summary(every, target)
        by_cpu = [report.cpu_ratios(seen[name, clients], seen["bare", clients]) for clients in CLIENTS]
        found[f"{label} by processor time"] = report.ratio_summary([value for values in by_cpu for value in values])
    memory = site.memory_mib()
    body = {
        "ratios": found,
        "rates": rates,
        "statements": statements,
        "memory_mib_per_worker": memory,
        "machine": facts(site),
        "rounds": ROUNDS,
        "window_s": WINDOW_S,
    }
    report.write("callbacks", body)
    print(report.table(f"Payment notices: {len(statements)} statements", rates, found))
    print(f"  memory per worker, MiB: {memory}")
    return bool(found["WeChat Pay to bare"]["met"])
