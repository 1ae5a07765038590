"""Web server settings; every number that a site changes comes from the environment."""

import gc
import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# The product is imported once and forked: a start costs one import, and the processes share its memory.
preload_app = True
timeout = 30
graceful_timeout = 25
keepalive = 15
max_requests = 50_000
max_requests_jitter = 5_000
# The control socket would be created under the user's home, which may be shared or read-only.
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeat file, no data
loglevel = "warning"


def when_ready(server):  # type: ignore[no-untyped-def]
    """What is loaded by now stays: the collector neither walks it nor writes into pages that the processes share."""
    gc.collect()
    gc.freeze()


def post_fork(server, worker):  # type: ignore[no-untyped-def]
    """A connection belongs to the process that opened it."""
    from backend.core import db

    db.forget_connections()


def child_exit(server, worker):  # type: ignore[no-untyped-def]
    """Fold a finished worker's metrics into the shared ones."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
