"""Health and metrics, outside the API: /livez, /readyz, /metrics."""

import shutil
import time
from datetime import timedelta

from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import select, text

from backend import database
from backend.core import clock, db, metrics
from backend.core.auth import public
from backend.core.config import Settings
from backend.core.tables import WorkerHeartbeat
from notify import queries
from payments import callbacks

blueprint = Blueprint("operations", __name__)

NOTICES_LATE_S = 120
WORKER_SILENT = timedelta(seconds=60)
LEAST_FREE_DISK = 0.02


@blueprint.get("/livez")
@public
def livez() -> Response:
    """The process answers; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> Response:
    """Whether this node may take traffic, and what is degraded meanwhile: with a silent worker one can still book."""
    settings: Settings = current_app.extensions["settings"]
    checks = _database_checks()
    usage = shutil.disk_usage(settings.var_dir if settings.var_dir.exists() else ".")
    checks["disk"] = "ok" if usage.free / usage.total > LEAST_FREE_DISK else "full"
    checks["clock"] = "amber" if callbacks.clock_is_wrong() else "ok"
    ready = all(state in {"ok", "amber"} for state in checks.values())
    degraded = [name for name, state in checks.items() if state == "amber"]
    answer = jsonify(status="ready" if ready else "not ready", checks=checks, degraded=degraded)
    answer.status_code = 200 if ready else 503
    return answer


@blueprint.get("/metrics")
@public
def show_metrics() -> Response:
    """Prometheus text. The proxy keeps it inside (deploy/nginx.conf)."""
    return Response(metrics.exposition(), content_type="text/plain; version=0.0.4")


def _database_checks() -> dict[str, str]:
    head = _head()
    began = time.monotonic()
    try:
        with db.reading() as session:
            at_head = session.scalar(text("SELECT version_num FROM alembic_version")) == head
            late = queries.oldest_due_s(session) > NOTICES_LATE_S
            beat = session.scalar(select(WorkerHeartbeat.at).order_by(WorkerHeartbeat.at.desc()).limit(1))
    except Exception:  # any failure means the same to the balancer
        return {"database": "down", "migrations": "unknown", "worker": "unknown", "notices": "unknown"}
    return {
        "database": "ok" if time.monotonic() - began < 0.5 else "slow",
        "migrations": "ok" if at_head else "behind",
        "notices": "amber" if late else "ok",
        "worker": "ok" if beat and clock.now() - beat < WORKER_SILENT else "amber",
    }


def _head() -> str | None:
    if "migration_head" not in current_app.extensions:
        folder = ScriptDirectory(str(database.ROOT / "backend" / "migrations"))
        current_app.extensions["migration_head"] = folder.get_current_head()
    head: str | None = current_app.extensions["migration_head"]
    return head
