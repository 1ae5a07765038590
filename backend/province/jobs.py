"""What the worker does for the province's feed."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from backend.core.config import Settings
from backend.core.db import retrying, transaction
from backend.core.errors import ProviderError
from backend.province import platform, service
from backend.province.platform import Platform
from backend.province.service import Push

SIDE_BY_SIDE = 4
BATCH = 50
MOST_BATCHES = 40


def push_due(settings: Settings) -> None:
    """Hand over every row whose turn it is."""
    found = platform.from_settings(settings)
    if found is not None:
        push(found)


def push(platform_: Platform, side_by_side: int = SIDE_BY_SIDE) -> int:
    """As `push_due`; the number of rows tried. A batch never holds two rows of one case, so their order is kept."""
    tried = 0
    with ThreadPoolExecutor(side_by_side) as pool:
        for _ in range(MOST_BATCHES):
            claimed = _claimed()
            for done in [pool.submit(copy_context().run, _push_one, platform_, row) for row in claimed]:
                done.result()
            tried += len(claimed)
            if not claimed:
                break
    return tried


@retrying
def _claimed() -> list[Push]:
    with transaction() as session:
        return service.claim_due(session, BATCH)


def _push_one(platform_: Platform, row: Push) -> None:
    """A refusal is tried again too: what follows must not arrive without it, and somebody is told after a day."""
    try:
        receipt = platform_.push(row)
    except ProviderError as trouble:
        with transaction() as session:
            service.try_again(session, row.row_id, trouble.provider_code)
    else:
        with transaction() as session:
            service.arrived(session, row.row_id, receipt)
