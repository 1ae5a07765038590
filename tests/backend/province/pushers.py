"""What one racing process does: write what happened to cases, or hand it over."""

from collections import Counter

from backend.core import db
from backend.core.config import Settings
from backend.province import jobs, platform, service
from backend.province.kinds import Kind
from tests.backend.appointments import racers


def write(settings: Settings, cases: list[str], times: int) -> Counter[str]:
    racers.connect(settings)
    for _ in range(times):
        for case in cases:
            with db.transaction() as session:
                service.record(session, subject_id=case, kind=Kind.PROCESS, payload={})
    return Counter({"written": len(cases) * times})


def send(settings: Settings, times: int) -> Counter[str]:
    racers.connect(settings)
    found = platform.from_settings(settings)
    assert found
    return Counter({"sent": sum(jobs.push(found, side_by_side=2) for _ in range(times))})
