"""The invariants of notices notice what is wrong."""

from sqlalchemy import text

from backend.core import db
from backend.core.config import Settings
from notify.doctor import invariants
from notify.jobs import dispatch_due
from tests.conftest import Clock
from tests.notify.conftest import reachable, write_notice
from tests.sandbox_server import RunningSandbox


def findings() -> list[str]:
    with db.transaction() as session:
        return [finding.split(" ", 3)[3] for finding in invariants(session)]


def test_a_normal_day_has_no_findings_and_tampering_has(
    sandbox: RunningSandbox, database: Settings, clock: Clock
) -> None:
    write_notice(reachable(sandbox, "zhang"))
    assert findings() == []
    clock.advance(hours=2)
    assert findings() == ["has been due for more than an hour"]
    dispatch_due(database)
    assert findings() == []
    for change, words in (
        (
            "UPDATE delivery SET state = 'sending'",
            {"is sent but no delivery was taken", "is final but has an open attempt"},
        ),
        (
            "UPDATE notification SET state = 'failed'; UPDATE delivery SET state = 'sent'",
            {"is not sent though a delivery was taken"},
        ),
    ):
        with db.transaction() as session:
            session.execute(text(change))
        assert set(findings()) == words
