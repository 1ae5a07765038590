"""What the worker does for the queues; every function opens its own transactions and may run twice."""

from datetime import time, timedelta

from backend.catalogue import queries as catalogue
from backend.core import clock
from backend.core.db import transaction
from backend.queueing import closing, waits

DAY_ENDS = time(22, 0)
"""Every hall has closed by then, Xiamen time; a ticket of an earlier day is a leftover at any hour."""


def close_days() -> None:
    """日终: leftovers of days that are over are closed, a batch a transaction, and their figures frozen."""
    over = clock.today()
    if clock.civil(clock.now()).time() < DAY_ENDS:
        over -= timedelta(days=1)
    with transaction() as session:
        halls = closing.halls_with_leftovers(session, over)
    for hall_code in halls:
        while True:
            with transaction() as session:
                if closing.close(session, hall_code=hall_code, until=over) == 0:
                    break
    with transaction() as session:
        closed = waits.unfrozen(session, [hall.code for hall in catalogue.halls(session)], over)
    for hall_code, day in closed:
        with transaction() as session:
            waits.freeze(session, hall_code, day)
