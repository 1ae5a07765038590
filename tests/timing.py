"""How long work takes by itself, on a machine that does other things too."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def processor_s(work: Callable[[], Answer]) -> tuple[Answer, float]:
    """Do the work; return its answer and the seconds of a processor it took.

    Collecting the garbage of the thousands of tests before it takes a second, and is not part of it.
    """
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        answer = work()
        return answer, time.process_time() - began
    finally:
        gc.enable()
