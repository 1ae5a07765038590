"""Slot lists per second: 30 days with 200 slots, against a bare route that returns the same bytes."""

import http.client
from collections import defaultdict
from collections.abc import Generator
from functools import partial
from typing import Any

from tests.bench import report
from tests.bench.clients import Failed, Measured, request
from tests.bench.site import Site, facts
from tests.bench.stock import BEGINS, HALL, HORIZON_DAYS, ITEM, SLOTS

TARGET = 0.7
CLIENTS = (8, 32, 64)
ROUNDS = 4
WINDOW_S = 1.0
PATH = f"/api/v1/slots?hall={HALL}&items={ITEM}&from={BEGINS}&days={HORIZON_DAYS}"


def read(port: int, path: str, headers: dict[str, str], _: Any) -> Generator[bytes, bytes, None]:
    """One slot list."""
    yield request(port, "GET", path, **headers)


def run(site: Site) -> bool:
    """Measure, print and write; False when the target is missed."""
    etag, body = _fetch(site.product, PATH)
    if body.count(b'"left"') != SLOTS + HORIZON_DAYS:
        raise Failed(f"the list has not {SLOTS} slots in {HORIZON_DAYS} days")
    (site.folder / "slots.body").write_bytes(body)
    scenarios: dict[str, tuple[str, Any, int]] = {
        "ours": ("product", partial(read, site.product, PATH, {}), 200),
        "bare": ("bare", partial(read, site.bare, "/slots", {}), 200),
        "unchanged": ("product", partial(read, site.product, PATH, {"If_None_Match": etag}), 304),
    }
    if _fetch(site.bare, "/slots")[1] != _fetch(site.product, PATH)[1]:
        raise Failed("the bare route does not return the same bytes")
    seen: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for number in range(-1, ROUNDS):
        for clients in CLIENTS:
            for name in sorted(scenarios, reverse=bool(number % 2)):
                server, scenario, status = scenarios[name]
                good = (200, status)  # a slot may begin meanwhile, which changes the list
                window = site.measure(server, scenario, clients, WINDOW_S if number >= 0 else 0.5, good=good)
                if number >= 0:
                    seen[name, clients].append(window)
    names = {"ours": "slot list, full API", "bare": "same bytes, bare route", "unchanged": "slot list, 304"}
    rates = {
        f"{names[name]}, {clients} clients": report.summary(seen[name, clients])
        for name in names
        for clients in CLIENTS
    }
    by_clients = {clients: report.ratios(seen["ours", clients], seen["bare", clients]) for clients in CLIENTS}
    found = {f"to bare at {clients} clients": report.ratio_summary(by_clients[clients]) for clients in CLIENTS}
    found["to bare"] = report.ratio_summary([value for values in by_clients.values() for value in values], TARGET)
    by_cpu = [report.cpu_ratios(seen["ours", clients], seen["bare", clients]) for clients in CLIENTS]
    found["to bare by processor time"] = report.ratio_summary([value for values in by_cpu for value in values])
    memory = site.memory_mib()
    report.write(
        "slots",
        {
            "ratios": found,
            "rates": rates,
            "bytes": len(body),
            "memory_mib_per_worker": memory,
            "machine": facts(site),
            "rounds": ROUNDS,
            "window_s": WINDOW_S,
        },
    )
    print(report.table(f"Slot list: {len(body)} bytes", rates, found))
    print(f"  memory per worker, MiB: {memory}")
    return bool(found["to bare"]["met"])


def _fetch(port: int, path: str) -> tuple[str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Failed(f"{path}: {answer.status} {body[:300]!r}")
        return answer.headers.get("ETag", '"none"'), body
    finally:
        connection.close()
