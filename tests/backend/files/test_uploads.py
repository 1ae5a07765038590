"""From the first byte to the link: parts, cuts, quarantine, limits, order, removal, use of an earlier scan."""

import hashlib
import tracemalloc
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.core import db
from backend.core.audit import AuditEvent
from backend.core.config import Settings
from backend.files import checking, doctor, jobs, quarantine, service, storage, web
from backend.files.models import File, FileConsent, FileEvent, FilePart
from backend.identity import service as identity
from backend.sandbox.clamd import EICAR
from tests.backend import staff
from tests.backend.files import corpus
from tests.backend.files.conftest import Phone, Virus, owner
from tests.conftest import Clock


def row(session: Session, file_id: str) -> File:
    session.expire_all()
    return session.get_one(File, UUID(file_id))


def contents(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_photo_arrives_in_parts_and_is_shown_after_the_checks(
    session: Session, phone: Phone, clamd: Virus, folder: Path
) -> None:
    content = corpus.picture(size=(900, 700))
    file_id = phone.upload(content, part=50_000, name="身份证.jpg", material="id-card")
    assert phone.post(f"/{file_id}/link", {}).json["code"] == "file_not_ready"
    assert clamd.check() == 1
    shown = phone.get(f"/{file_id}").json
    assert (shown["state"], shown["name"], shown["material"]) == ("ready", "身份证.jpg", "id-card")
    assert (shown["width"], shown["height"], shown["refusal"]) == (900, 700, None)
    answer = phone.download(file_id)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.data).hexdigest() == shown["sha256"]
    assert len(answer.data) == shown["size"]
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%E8%BA%AB%E4%BB%BD%E8%AF%81.jpg"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert doctor.invariants(session) == []
    jobs.sweep()
    assert len(contents(folder)) == 1, "the parts are gone"
    assert session.scalar(select(FilePart.file_id)) is None
    assert doctor.invariants(session) == []
    steps = session.scalars(select(FileEvent.event).where(FileEvent.entity_id == UUID(file_id)).order_by(FileEvent.id))
    assert steps.all() == ["begin", "finish", "accept"]


def test_after_a_cut_the_phone_asks_where_to_go_on(phone: Phone, clamd: Virus) -> None:
    content = corpus.picture(size=(900, 700))
    file_id = phone.begin(content).json["id"]
    phone.part(file_id, 0, content[:40_000])
    assert phone.finish(file_id).json["received"] == 40_000
    again = phone.part(file_id, 0, content[:40_000])
    assert (again.status_code, again.json["code"], again.json["received"]) == (409, "upload_offset_wrong", 40_000)
    ahead = phone.part(file_id, 50_000, content[50_000:60_000])
    assert (ahead.status_code, ahead.json["received"]) == (409, 40_000)
    received = phone.get(f"/{file_id}").json["received"]
    phone.send(file_id, content, part=30_000, begin=received)
    assert phone.finish(file_id).json["state"] == "checking"
    assert phone.finish(file_id).json["state"] == "checking"
    assert phone.part(file_id, 0, b"x").json["code"] == "upload_ended"
    clamd.check()
    assert phone.state(file_id) == "ready"


def test_parts_must_fit(phone: Phone) -> None:
    file_id = phone.begin(b"x" * 100).json["id"]
    assert phone.part(file_id, 0, b"").status_code == 409
    assert phone.part(file_id, 0, b"x" * 101).status_code == 409
    assert phone.part(file_id, 0, b"x" * (web.PART_BYTES + 1)).status_code == 413
    assert phone.part(file_id, -1, b"x").status_code == 422
    assert phone.get(f"/{file_id}").json["received"] == 0


def test_bytes_that_are_not_what_was_announced_are_refused(phone: Phone, clamd: Virus, photo: bytes) -> None:
    file_id = phone.begin(photo).json["id"]
    phone.send(file_id, photo[:-1] + b"x")
    phone.finish(file_id)
    clamd.check()
    shown = phone.get(f"/{file_id}").json
    assert shown["state"] == "refused"
    assert shown["refusal"] == {"code": "changed", "text": "文件没有传完整，请重新上传"}


@pytest.mark.parametrize("sample", corpus.corpus()[22::9], ids=lambda sample: sample.title)
def test_the_whole_way_gives_the_same_verdict(phone: Phone, clamd: Virus, folder: Path, sample: corpus.Sample) -> None:
    if sample.verdict == "name":
        refused = phone.begin(sample.content, name=sample.name, media_type=sample.media_type)
        assert refused.json["code"] == "file_name_refused"
        assert refused.json["errors"][0]["pointer"] == "/name"
        return
    file_id = phone.upload(sample.content, name=sample.name, media_type=sample.media_type)
    clamd.check()
    shown = phone.get(f"/{file_id}").json
    assert (shown["refusal"] or {"code": "ready"})["code"] == sample.verdict
    jobs.sweep()
    assert len(contents(folder)) == (sample.verdict == "ready")


def test_a_virus_stands_in_the_audit_trail(session: Session, phone: Phone, clamd: Virus, photo: bytes) -> None:
    file_id = phone.upload(photo + EICAR)
    clamd.check()
    assert phone.get(f"/{file_id}").json["refusal"]["code"] == "infected"
    found = session.scalars(select(AuditEvent).where(AuditEvent.action == "file.infected")).one()
    assert (found.object_id, (found.data or {})["found"]) == (file_id, "Eicar-Test-Signature")


def test_without_a_verdict_a_file_stays_in_quarantine(
    session: Session, phone: Phone, clamd: Virus, clock: Clock, photo: bytes, settings: Settings
) -> None:
    file_id = phone.upload(photo)
    jobs.check_due(settings)
    assert row(session, file_id).tries == 0, "no scanner, no check"
    for tries, mode in enumerate(("silent", "garbage", "error", "hang_up"), 1):
        clamd.mode = mode
        assert clamd.check() == 1
        assert clamd.check() == 0, "the next try waits"
        assert phone.state(file_id) == "checking"
        assert row(session, file_id).tries == tries
        clock.advance(minutes=10)
    assert any("quarantine for more than half an hour" in sentence for sentence in doctor.invariants(session))
    clamd.mode = "normal"
    assert clamd.check() == 1
    assert phone.state(file_id) == "ready"
    assert doctor.invariants(session) == []


def test_a_check_that_was_killed_is_taken_up_by_another(
    session: Session, phone: Phone, clamd: Virus, clock: Clock, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = phone.upload(photo)
    with monkeypatch.context() as patched:
        patched.setattr(quarantine, "accept", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            clamd.check()
    assert clamd.check() == 0
    clock.advance(minutes=3)
    assert clamd.check() == 1
    assert phone.state(file_id) == "ready"
    clock.advance(days=2)
    jobs.sweep()
    assert doctor.invariants(session) == []


def test_a_file_that_was_taken_away_during_its_check_stays_away(
    phone: Phone, clamd: Virus, photo: bytes, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    file_id = phone.upload(photo)
    real = checking.examine

    def meanwhile(*arguments: object) -> object:
        assert phone.client.delete(f"{phone.base}/{file_id}", headers=phone.header).status_code == 204
        return real(*arguments)

    monkeypatch.setattr(checking, "examine", meanwhile)
    clamd.check()
    assert phone.get(f"/{file_id}").status_code == 404
    assert phone.client.delete(f"{phone.base}/{file_id}", headers=phone.header).status_code == 204
    jobs.sweep()
    monkeypatch.setattr(jobs, "ORPHAN_AGE_S", -1.0)
    jobs.sweep_orphans()
    assert contents(folder) == set()


def test_sizes_and_numbers_are_limited(
    session: Session, phone: Phone, photo: bytes, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = phone.get("/rules").json
    assert (rules["most_bytes"], rules["most_files"], rules["most_pages"]) == (10 * 1024 * 1024, 20, 200)
    too_large = phone.begin(photo, size=rules["most_bytes"] + 1)
    assert (too_large.status_code, too_large.json["most_bytes"]) == (413, rules["most_bytes"])
    assert phone.begin(photo, size=0).status_code == 422
    monkeypatch.setattr(web, "BEGUN", 1000)
    for _ in range(10):
        assert phone.begin(photo, size=rules["most_bytes"]).status_code == 201
    assert phone.begin(photo, size=1).json["code"] == "too_many_files"
    gone = phone.get(f"?subject_type=person&subject_id={owner(phone)}").json["files"]
    for one in gone:
        phone.client.delete(f"{phone.base}/{one['id']}", headers=phone.header)
    for _ in range(20):
        assert phone.begin(photo).status_code == 201
    assert phone.begin(photo).json["code"] == "too_many_files"


def test_a_person_has_a_limit_over_all_subjects(phone: Phone, photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_OF_PERSON", 2)
    monkeypatch.setattr(web, "BEGUN", 3)
    assert [phone.begin(photo).status_code for _ in range(4)] == [201, 201, 422, 429]


def test_the_order_is_the_owners(phone: Phone, photo: bytes) -> None:
    ids = [phone.begin(photo, material="contract").json["id"] for _ in range(3)]
    where = {"subject_type": "person", "subject_id": phone.subject[1]}
    answer = phone.client.put(f"{phone.base}/order", json={**where, "files": ids[::-1]}, headers=phone.header)
    assert [one["id"] for one in answer.json["files"]] == ids[::-1]
    strange = phone.client.put(f"{phone.base}/order", json={**where, "files": [str(uuid4())]}, headers=phone.header)
    assert strange.status_code == 404


def test_a_stranger_sees_and_changes_nothing(phone: Phone, other_phone: Phone, clamd: Virus, photo: bytes) -> None:
    file_id = phone.upload(photo)
    clamd.check()
    link = phone.post(f"/{file_id}/link", {}).json["url"]
    listed = other_phone.get(f"?subject_type=person&subject_id={phone.subject[1]}")
    assert [
        answer.status_code
        for answer in (
            other_phone.get(f"/{file_id}"),
            other_phone.part(file_id, 0, b"x"),
            other_phone.finish(file_id),
            other_phone.post(f"/{file_id}/link", {}),
            other_phone.client.delete(f"{other_phone.base}/{file_id}", headers=other_phone.header),
            listed,
            phone.begin(photo, subject_id=other_phone.subject[1]),
            phone.begin(photo, subject_type="unknown"),
        )
    ] == [404] * 8
    assert phone.state(file_id) == "ready"
    assert other_phone.client.get(link, headers=other_phone.header).status_code == 404
    assert other_phone.client.get(link).status_code == 401


def test_a_link_ends_after_five_minutes_and_cannot_be_bent(
    phone: Phone, clamd: Virus, clock: Clock, photo: bytes
) -> None:
    file_id, second = phone.upload(photo), phone.upload(photo)
    clamd.check()
    url = phone.post(f"/{file_id}/link", {}).json["url"]
    until = int(url.split("until=")[1].split("&")[0])
    for bent in (
        url.replace(f"until={until}", f"until={until + 1}"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace(file_id, second),
        url.split("?")[0],
        url.split("&")[0],
    ):
        answer = phone.client.get(bent, headers=phone.header)
        assert (answer.status_code, answer.json["code"]) == (403, "file_link_refused"), bent
    assert phone.client.get(url, headers=phone.header).status_code == 200
    clock.advance(minutes=5, seconds=1)
    assert phone.client.get(url, headers=phone.header).status_code == 403


def test_an_earlier_scan_is_used_again_with_consent(
    session: Session, phone: Phone, other_phone: Phone, clamd: Virus, clock: Clock, photo: bytes, folder: Path
) -> None:
    first = phone.upload(photo, material="id-card")
    clamd.check()
    expired = row(session, first)
    expired.valid_until = clock.now.date()
    session.commit()
    assert [one["id"] for one in phone.get("/earlier?material=id-card").json["files"]] == [first]
    where = {"subject_type": "person", "subject_id": phone.subject[1], "material": "id-card"}
    refused = phone.post(f"/{first}/reuse", {**where, "wording": "none"})
    assert (refused.status_code, refused.json["wording"]) == (422, service.CONSENT)
    agreed = {**where, "wording": service.CONSENT}
    theirs = {**agreed, "subject_id": other_phone.subject[1]}
    assert other_phone.post(f"/{first}/reuse", theirs).status_code == 404
    copy = phone.post(f"/{first}/reuse", agreed).json
    assert (copy["state"], copy["name"]) == ("ready", "a.jpg")
    consent = session.scalars(select(FileConsent)).one()
    assert (consent.file_id, consent.source_id, consent.wording) == (UUID(copy["id"]), UUID(first), "reuse-1")
    phone.client.delete(f"{phone.base}/{first}", headers=phone.header)
    jobs.sweep()
    assert phone.download(copy["id"]).status_code == 200, "the content stays as long as a copy needs it"
    clock.advance(days=1)
    assert phone.get("/earlier?material=id-card").json["files"] == []
    assert phone.post(f"/{copy['id']}/reuse", agreed).json["code"] == "file_not_ready"
    assert doctor.invariants(session) == []
    phone.client.delete(f"{phone.base}/{copy['id']}", headers=phone.header)
    jobs.sweep()
    assert contents(folder) == set()


def test_what_nobody_goes_on_with_is_taken_away(
    session: Session, phone: Phone, clamd: Virus, clock: Clock, photo: bytes, folder: Path
) -> None:
    half = phone.begin(photo).json["id"]
    phone.part(half, 0, photo[:100])
    whole = phone.upload(photo)
    clamd.check()
    clock.advance(hours=25)
    jobs.sweep()
    assert (row(session, half).state, row(session, whole).state) == ("gone", "ready")
    clock.advance(days=31)
    jobs.sweep()
    jobs.sweep()
    assert row(session, whole).state == "gone"
    assert contents(folder) == set()


def test_contents_without_a_row_are_swept_after_a_day(
    folder: Path, phone: Phone, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.upload(photo)
    storage.current().put(storage.object_key("orphan"), [b"x"])
    (folder / "ab").mkdir(exist_ok=True)
    (folder / "ab" / ("c" * 24 + storage.HALF_WRITTEN)).touch()
    jobs.sweep_orphans()
    assert len(contents(folder)) == 3
    monkeypatch.setattr(jobs, "ORPHAN_AGE_S", -1.0)
    jobs.sweep_orphans()
    assert len(contents(folder)) == 1


def test_files_follow_their_subject_and_their_person(
    session: Session, phone: Phone, other_phone: Phone, clamd: Virus, photo: bytes
) -> None:
    file_id = phone.upload(photo, material="id-card")
    assert [str(one.id) for one in service.unfinished(session, *phone.subject)] == [file_id]
    clamd.check()
    session.expire_all()
    assert [str(one.id) for one in service.ready_files(session, *phone.subject)] == [file_id]
    service.adopt(session, person_id=owner(other_phone), former_id=owner(phone))
    session.commit()
    assert other_phone.state(file_id) == "ready"
    assert phone.get(f"/{file_id}").status_code == 404
    assert service.move(session, old=other_phone.subject, new=("person", "x")) == 1
    assert service.remove_all(session, "person", "x") == 1
    session.commit()
    assert row(session, file_id).state == "gone"


def test_a_window_scans_for_its_hall_alone(
    session: Session, client: FlaskClient, phone: Phone, clamd: Virus, clock: Clock, photo: bytes
) -> None:
    halls = {
        hall: Phone(client, staff.header(session, hall, "window_clerk"), ("scan", "XM"), "/staff")
        for hall in ("XM", "SM")
    }
    file_id = halls["XM"].upload(photo)
    clamd.check()
    colleague = Phone(client, staff.header(session, "XM", "window_clerk"), ("scan", "XM"), "/staff")
    assert colleague.download(file_id).status_code == 200
    link = halls["XM"].post(f"/{file_id}/link", {}).json["url"]
    assert client.get(link, headers=colleague.header).json["code"] == "file_link_refused"
    assert colleague.client.delete(f"{colleague.base}/{file_id}", headers=colleague.header).status_code == 404
    assert halls["SM"].get(f"/{file_id}").status_code == 404
    assert halls["SM"].begin(photo).status_code == 404
    assert halls["SM"].get("?subject_type=scan&subject_id=XM").status_code == 404
    gate = Phone(client, staff.header(session, "XM", "gate"), ("scan", "XM"), "/staff")
    assert gate.get(f"/{file_id}").status_code == 403
    assert phone.get(f"/{file_id}").status_code == 404


def test_two_records_of_one_person_share_their_files(session: Session, phone: Phone, photo: bytes) -> None:
    file_id = phone.begin(photo).json["id"]
    card = identity.RealName("350299199001010010", "张测试", None)
    first = identity.log_in(session, provider="wechat_mini", subject="o-mini", current=None)
    first = identity.verify(session, open_id="o-1", real_name=card, current=first)
    assert identity.verify(session, open_id="o-1", real_name=card, current=owner(phone)) == first
    session.commit()
    found = row(session, file_id)
    assert (found.person_id, found.uploaded_by) == (first, f"person:{first}")
    assert phone.state(file_id) == "receiving", "the session follows too"


def test_names_and_contents_lie_sealed(session: Session, phone: Phone, clamd: Virus, folder: Path) -> None:
    content = corpus.document(content=b"BT (SecretSentence) Tj ET")
    file_id = phone.upload(content, name="SecretName.pdf", media_type=corpus.PDF)
    clamd.check()
    assert phone.download(file_id).data == content
    stored = str(session.execute(text("SELECT f::text FROM file f")).all())
    assert "SecretName" not in stored
    assert b"SecretName".hex() not in stored
    for path in folder.rglob("*"):
        assert not path.is_file() or b"SecretSentence" not in path.read_bytes()


def test_fifty_megabytes_pass_through_flat_memory(
    session: Session, phone: Phone, clamd: Virus, clock: Clock, app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun, sent, assembled, scanned and stored with less than 4 MiB at any moment beyond what was there before."""
    size = 50 * 1024 * 1024
    block = bytes(range(256)) * 2048
    assert len(block) == web.PART_BYTES
    digest = hashlib.sha256()
    for _ in range(size // len(block)):
        digest.update(block)
    monkeypatch.setattr(web, "_settings", lambda: type("S", (), {"upload_most_bytes": size}))
    monkeypatch.setattr(checking, "examine", _taken_as_it_is)
    file_id = phone.begin(b"", size=size, sha256=digest.hexdigest()).json["id"]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for offset in range(0, size, len(block)):
            assert phone.part(file_id, offset, block).status_code == 200
        phone.finish(file_id)
        clamd.check()
        link = phone.post(f"/{file_id}/link", {}).json["url"]
        streamed = phone.client.get(link, headers=phone.header, buffered=False)
        received = sum(len(piece) for piece in streamed.response)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received == size
    assert peak - before < 4 * 1024 * 1024
    assert row(session, file_id).sha256 == digest.digest()


def _taken_as_it_is(source, media_type, target):
    """Nothing that opens pictures is measured here: it runs in a process of its own."""
    source.seek(0)
    while piece := source.read(64 * 1024):
        target.write(piece)
    return checking.Outcome()


def test_expiry_is_the_day_after(session: Session, phone: Phone, clock: Clock, photo: bytes) -> None:
    found = row(session, phone.begin(photo).json["id"])
    for days, expired in ((-1, True), (0, False), (1, False)):
        found.valid_until = date(2026, 11, 24) + timedelta(days=days)
        assert service.has_expired(found) is expired


def test_the_database_keeps_its_own_rules(session: Session, phone: Phone, photo: bytes) -> None:
    file_id = phone.begin(photo).json["id"]
    for change in (
        "state = 'ready'",
        "state = 'refused'",
        "received = size + 1",
        "size = 0",
        "state = 'gone', next_check_at = now()",
    ):
        with pytest.raises(Exception, match="ck_file"), db.transaction() as other:
            other.execute(text(f"UPDATE file SET {change} WHERE id = :id"), {"id": file_id})


def test_a_part_says_where_it_belongs(phone: Phone) -> None:
    file_id = phone.begin(b"x" * 100).json["id"]
    answer = phone.client.patch(f"{phone.base}/{file_id}", data=b"x", headers=phone.header)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/Upload-Offset")
