from uuid import uuid4
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.backend import staff
from tests.conftest import Clock
from tests.backend.applications.people import filer, Office, QUERY, PLATE, PASSPORT
from backend.reports import jobs
import json, time

def test_smoke(client: FlaskClient, session: Session, clock: Clock) -> None:
    who = filer(session, client)
    office = Office(client, session)
    case = who.file(QUERY)
    office.concluded(case)
    office.done("issuing_desk", case, "offer")
    office.done("issuing_desk", case, "hand-over", identity_checked=True)
    jobs.refresh_ledger()
    for role in ("evaluator", "hall_lead", "platform_operator"):
        h = staff.header(session, "XM", role)
        for path in ("choices", "figures?first=2026-11-01&last=2026-11-30&by=department", "figures?first=2026-11-01&last=2026-11-30&by=month",
            "figures?first=2026-11-01&last=2026-11-30&by=hall", "figures?first=2026-11-01&last=2026-11-30&by=division",
            "figures?first=2026-11-01&last=2026-11-30",
            "cases?first=2026-11-01&last=2026-11-30", "cases?first=2026-11-01&last=2026-11-30&indicator=mailed&side=rest",
            "cases?first=2026-11-01&last=2026-11-30&watch=overdue", "cases?first=2026-11-01&last=2026-11-30&watch=late_reply",
            "items?first=2026-11-01&last=2026-11-30&indicator=items_zero",
            "visits?first=2026-11-01&last=2026-11-30",
            "progress?first=2026-11-01&last=2026-11-30",
            "figures/table?first=2026-11-01&last=2026-11-30&by=department&format=csv",
            "figures/table?first=2026-11-01&last=2026-11-30&by=department"):
            t=time.time()
            a = client.get(f"/api/v1/staff/reports/{path}", headers=h)
            print(role, path, a.status_code, round(time.time()-t,3), a.data[:700].decode('utf8','replace') if 'xlsx' not in a.content_type else len(a.data))
            assert a.status_code == 200
        a = client.post("/api/v1/staff/report-exports", json={"first":"2026-11-01","last":"2026-11-30"}, headers={**h, "Idempotency-Key": uuid4().hex})
        print(a.status_code, a.text)
        jobs.write_export(a.json["id"])
        b = client.get(f"/api/v1/staff/report-exports/{a.json['id']}", headers=h); print(b.text)
        b = client.get(f"/api/v1/staff/report-exports/{a.json['id']}/file", headers=h); print(b.status_code, len(b.data))
        from backend.core.sheets import read_workbook
        print(read_workbook(b.data))
