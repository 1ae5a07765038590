"""Things that are written: items, files, licences, cases, shipments, notices, exports."""

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.catalogue.registers import service as registers
from backend.catalogue.versions import service as versions
from backend.core.auth import Principal
from backend.files import service as files
from backend.files import storage, subjects
from backend.files.models import File
from backend.files.states import State as FileState
from backend.hotline import service as hotline
from backend.identity import sessions
from backend.licences import service as licences
from backend.privacy import exports, holds
from backend.reports import jobs as reports
from notify.models import Dispatch, Notification
from tests.backend.applications import matrix, people
from tests.backend.roles.people import NUMBERS, OWN
from tests.backend.roles.world import MONDAY, REASON, TUESDAY, Thing, World
from tests.express import role_things as shipments
from tests.express.conftest import Desk as ShipmentDesk


def items(world: World) -> None:
    """A draft, a version that waits for review, and a cancelled proof."""
    session, operator = world.session, world.roles["platform_operator"]
    draft = versions.begin(session, "passport-first", actor="staff:x")
    content = {**draft.content, "promise_days": 3}
    draft, _ = versions.save(session, draft.id, given=content, revision=draft.revision, actor="staff:x")
    other = versions.begin(session, "property-query", actor="staff:x")
    given = {**other.content, "popularity": 9}
    other, _ = versions.save(session, other.id, given=given, revision=other.revision, actor="staff:x")
    versions.submit(session, other.id, note="改好了", revision=other.revision, actor="staff:x")
    name = {"zh": "婚姻状况证明", "en": "Proof of marital status"}
    entry = {"name": name, "basis": "某号文", "cancelled_on": "2026-11-01"}
    proof = registers.cancel_proof(
        session,
        {
            "name_zh": name["zh"],
            "name_en": name["en"],
            "aliases": [],
            "basis": "某号文",
            "instead_zh": None,
            "instead_en": None,
            "cancelled_on": MONDAY.date(),
        },
        actor="staff:x",
    )
    session.commit()
    for method, rule, body, version in (
        ("GET", "", {}, draft),
        ("PUT", "", {"content": content, "revision": draft.revision}, draft),
        ("POST", "/submission", {"note": "改好了", "revision": draft.revision}, draft),
        ("POST", "/discard", REASON, draft),
        ("POST", "/return", REASON, other),
        ("POST", "/publication", {}, other),
    ):
        path = {"version_id": version.id}
        world.things[method, f"/api/v1/staff/items/versions/<uuid:version_id>{rule}"] = Thing(path, body, operator)
    correction = Thing({"proof_id": proof}, {**entry, **REASON}, operator)
    world.things["PUT", "/api/v1/staff/cancelled-proofs/<uuid:proof_id>"] = correction


def uploads(world: World) -> None:
    """Files that wait for bytes, have all of them, and are ready: a citizen's own, and scans of the hall."""
    for who, subject, prefix in (
        (world.owner, ("person", str(world.person)), ""),
        (world.roles["window_clerk"], ("scan", OWN), "staff/"),
    ):
        asker = sessions.load_principal(who.header["Authorization"].split()[1])
        assert asker
        begun, whole, ready = (_file(world, asker, subject) for _ in range(3))
        files.add_part(world.session, whole.id, offset=0, length=2, key=whole.id.hex)
        ready.state, ready.object_key = FileState.READY, storage.object_key(ready.id)
        storage.current().put(ready.object_key, [b"{}"])
        world.session.commit()
        link = world.post(f"/{prefix}files/{ready.id}/link", who, {})["url"].partition("?")[2]
        again = {"subject_type": subject[0], "subject_id": subject[1], "wording": files.CONSENT}
        for method, rule, found, body in (
            ("GET", "", ready, {}),
            ("PATCH", "", begun, {}),
            ("DELETE", "", ready, {}),
            ("POST", "/finish", whole, {}),
            ("POST", "/link", ready, {}),
            ("GET", "/content", ready, {}),
            ("POST", "/reuse", ready, again),
        ):
            if rule != "/reuse" or who is world.owner:
                query = f"?{link}" if rule == "/content" else ""
                path = f"/api/v1/{prefix}files/<uuid:file_id>{rule}"
                world.things[method, path] = Thing({"file_id": found.id}, body, who, query)


def _file(world: World, asker: Principal, subject: tuple[str, str]) -> File:
    announced = files.Announced("a.jpg", "image/jpeg", 2, b"x" * 32)
    return files.begin(world.session, announced, asker=asker, subject=subject, most_bytes=100)


def looked_up_licences(world: World) -> None:
    """A looked-up licence of a citizen, and one of a subject that the hall may read."""

    def of_hall(_: Session, asker: Principal, hall: str) -> bool:
        return asker.kind == "citizen" or asker.hall_code == hall

    subjects.register(subjects.SubjectType("matrix", reads=of_hall, writes=of_hall))
    asker = sessions.load_principal(world.owner.header["Authorization"].split()[1])
    assert asker
    terms = {"item_slug": "passport-first", "material_id": "passport-first.id-card", "wording": licences.WORDING}
    made = licences.request(world.session, asker=asker, subject=("matrix", OWN), **terms)
    world.session.commit()
    world.of_citizen("GET", "licences/<uuid:licence_id>", {}, licence_id=made.id)
    look = Thing({"licence_id": made.id}, {}, world.roles["window_clerk"])
    world.things["GET", "/api/v1/staff/licences/<uuid:licence_id>"] = look


def questions(world: World) -> None:
    """A question that the hotline has yet to take."""
    asker = sessions.load_principal(world.owner.header["Authorization"].split()[1])
    assert asker
    question = hotline.Question("guide", "passport-first", "consult", "怎么办理")
    asked = hotline.ask(world.session, question, asker=asker)
    world.session.commit()
    world.of_citizen("POST", "hotline/tickets/<uuid:ticket_id>/look", {}, ticket_id=asked.id)


def applications(world: World) -> None:
    """Applications and cases at every step, as `tests/backend/applications` makes them."""
    office = people.Office(world.client, world.session, OWN)
    office.headers = {role: who.header for role, who in world.roles.items()}
    filer = people.Filer(world.client, world.person, world.owner.header, NUMBERS[0])
    for method, rule, owner, body, path in matrix.things(world.session, filer, office):
        who = world.owner if owner == "citizen" else world.roles[owner]
        world.things[method, f"/api/v1/{rule}"] = Thing(path, body, who)


def mail(world: World) -> None:
    """Shipments at every step, as `tests/express` makes them."""
    desk = ShipmentDesk(world.clock)
    world.client.application.extensions["couriers"] = desk.couriers
    for one in shipments.things(desk, world.person):
        owner = world.roles[one.role] if one.role else world.owner
        world.things[one.method, f"/api/v1/{one.rule}"] = Thing(one.path, one.body, owner)


def notice(world: World) -> None:
    """A notice that could not be sent."""
    session = world.session
    dead = session.scalars(select(Notification).where(Notification.person_id == world.person).limit(1)).one()
    dead.state = Dispatch.FAILED
    session.commit()
    world.of_hall("platform_operator", "notices/<uuid:notice_id>/resend", REASON, notice_id=dead.id)


def own_data(world: World) -> None:
    """An export that is ready, a hold, and one that somebody else wants to lift."""
    made = exports.ask(world.session, person_id=world.person)
    claimed = exports.claim(world.session)
    assert claimed is not None
    assert claimed.object_key
    storage.current().put(claimed.object_key, [b"PK"])
    exports.finished(world.session, made.id, 2)
    why = {"reason": "法院调查令一号", "staff_id": uuid4()}
    held, leaving = (holds.place(world.session, subject_type="person", number=number, **why).id for number in NUMBERS)
    holds.ask_lift(world.session, leaving, reason="案件已结", staff_id=uuid4())
    world.session.commit()
    world.of_citizen("GET", "me/exports/<uuid:export_id>/content", {}, export_id=made.id)
    world.of_hall("platform_operator", "legal-holds/<uuid:hold_id>/lift", REASON, hold_id=held)
    answer = "legal-holds/<uuid:hold_id>/lift/answer"
    world.of_hall("platform_operator", answer, {"agree": True}, hold_id=leaving)


def report_exports(world: World) -> None:
    """An export of the lead's own that waits to be written, and one that is done."""
    lead, day = world.roles["hall_lead"], TUESDAY.date().isoformat()
    made, done = (world.post("/staff/report-exports", lead, {"first": day, "last": day})["id"] for _ in range(2))
    reports.write_export(done)
    rule = "report-exports/<uuid:export_id>"
    world.of_hall("hall_lead", f"{rule}/cancel", {}, export_id=made)
    for path, export_id in (("", made), ("/file", done)):
        world.things["GET", f"/api/v1/staff/{rule}{path}"] = Thing({"export_id": export_id}, {}, lead)
