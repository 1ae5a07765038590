"""The checks of one file, in a process with limits: what is opened there cannot harm this one, nor hold it up."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

EXAMINATION = Path(__file__).with_name("examination.py")
MOST_SECONDS = 20
MOST_PIXELS = 50_000_000
MOST_PAGES = 200


@dataclass(frozen=True)
class Outcome:
    """What the examination said: a refusal, or what was seen of a file that may be kept."""

    refusal: str | None = None
    pages: int | None = None
    width: int | None = None
    height: int | None = None


def examine(source: IO[bytes], media_type: str, target: IO[bytes]) -> Outcome:
    """Open `source` from its beginning; what may be kept is written to `target`, which is left at its beginning.

    A process that crashes, runs out of memory or takes more than 20 seconds says: too complex.
    """
    source.seek(0)
    descriptors = source.fileno(), target.fileno()
    numbers = (*descriptors, MOST_PIXELS, MOST_PAGES)
    command = [sys.executable, "-I", str(EXAMINATION), media_type, *(str(number) for number in numbers)]
    try:
        finished = subprocess.run(  # noqa: S603 - our own file, a checked type and two numbers
            command, env={}, cwd="/", pass_fds=descriptors, capture_output=True, timeout=MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome("too_complex")
    if finished.returncode != 0:
        return Outcome("too_complex")
    target.seek(0)
    return Outcome(**json.loads(finished.stdout))
