"""A guesser in a process of its own: wrong passwords for staff accounts from one address."""

import sys
import threading
from uuid import UUID

from backend.core import crypto, db
from backend.identity import staff
from tests.conftest import make_settings


def main(url: str, source: str, account: str, times: int) -> None:
    """Count `times` failures, eight at once, after a line on standard input says so."""
    settings = make_settings(url)
    crypto.configure(crypto.Keyring.from_settings(settings))
    db.configure(settings)
    gate = threading.Semaphore(8)

    def fail() -> None:
        with gate, db.transaction() as session:
            staff.failed(session, UUID(account) if account else None, source)

    threads = [threading.Thread(target=fail) for _ in range(times)]
    print("ready", flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
