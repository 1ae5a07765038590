"""Prometheus metrics. With several web processes PROMETHEUS_MULTIPROC_DIR holds their shares."""

import os
from functools import lru_cache
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

if _folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # The first gauge opens a file there; a command such as `doctor` may run before any server made the folder.
    Path(_folder).mkdir(parents=True, exist_ok=True)

REQUESTS = Histogram(
    "http_request_seconds",
    "Time to answer, by route and status",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
NOTICES_OLDEST_DUE = Gauge(
    "notices_oldest_due_seconds",
    "Since when the notice that waits longest has been due; alert above 120",
    multiprocess_mode="mostrecent",
)
PAYMENT_ALERTS = Counter("payment_alerts_total", "Money that needs a person to look at it, by kind", ["kind"])
CALLBACKS = Counter("payment_callbacks_total", "Notifications of payment channels by verdict", ["channel", "verdict"])
FILES_LATE = Gauge(
    "files_in_quarantine_late",
    "Uploaded files that have waited for the scanner for more than half an hour; alert above 0",
    multiprocess_mode="mostrecent",
)
STALE_NOTICES = Gauge(
    "payment_stale_notices",
    "Notifications of a channel in a row that were refused for their age; from 3 on our own clock is wrong",
    ["channel"],
    multiprocess_mode="mostrecent",
)
NOTICES_QUOTA_USED = Gauge(
    "notices_quota_used_ratio",
    "Share of a channel's daily messages that is used; alert from 0.8, where ordinary notices wait for tomorrow",
    ["channel"],
    multiprocess_mode="mostrecent",
)
EXPRESS_ALERTS = Counter("express_alerts_total", "Shipments and budgets that a person must look at, by kind", ["kind"])
CARRIER_CALLS = Counter("carrier_calls_total", "Calls to couriers by function and outcome", ["call", "outcome"])
TRACK_EVENTS = Counter("track_events_total", "Events of couriers by the way they came", ["source", "verdict"])
JOBS = Counter("jobs_total", "Background jobs by outcome", ["job", "outcome"])


@lru_cache(maxsize=4096)
def requests(method: str, route: str, status: int) -> Histogram:
    """The histogram of one kind of answer, looked up once."""
    return REQUESTS.labels(method, route, status)


def exposition() -> bytes:
    """What /metrics answers."""
    return generate_latest(_registry())


def highest(gauge: Gauge) -> float:
    """The highest value of a gauge among its labels, of all processes of this node; 0 before the first."""
    [name] = [family.name for family in gauge.describe()]
    found = [sample.value for family in _registry().collect() if family.name == name for sample in family.samples]
    return max(found, default=0.0)


def _registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
