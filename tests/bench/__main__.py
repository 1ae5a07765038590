"""`make bench` runs every bench, `make bench BENCH=slots` one; exit code 1 when a target is missed."""

import signal
import sys
import time
from typing import NoReturn

from tests.bench import booking, callbacks, live, notices, pages, reconcile, reports, site, slots

BENCHES = {
    "slots": slots.run,
    "booking": booking.run,
    "live": live.run,
    "notices": notices.run,
    "callbacks": callbacks.run,
    "reconcile": reconcile.run,
    "reports": reports.run,
    "pages": pages.run,
}
"""In this order: what the last one makes is no sound set of books."""


def main(names: list[str]) -> int:
    """Run the named benches, all of them without a name."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"There is no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}.")
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()
    with site.running() as running:
        met = [run(running) for name, run in BENCHES.items() if not names or name in names]
    print(f"{time.monotonic() - began:.0f} seconds; results in bench/results/")
    return 0 if all(met) else 1


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
