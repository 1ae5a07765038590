"""What somebody on duty must hear of: a counter for the alarm and a line with the ids."""

import logging

from backend.core import metrics

log = logging.getLogger(__name__)


def alert(kind: str, **ids: object) -> None:
    """Count and log. `ids` are ids of ours, never a name or an address."""
    metrics.EXPRESS_ALERTS.labels(kind).inc()
    log.error("express_alert", extra={"kind": kind, **{name: str(value) for name, value in ids.items()}})
