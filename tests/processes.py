"""Processes for races: each is forked from one clean server that has the product imported and nothing open.

A process started from nothing spends seconds of processor time on imports before its race begins.
"""

from multiprocessing import get_context
from multiprocessing.context import ForkServerContext


def processes() -> ForkServerContext:
    """The context of every race; its processes share no connection, thread or lock with this one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["backend.app", "backend.worker", "tests.backend.seeded"])
    return context
