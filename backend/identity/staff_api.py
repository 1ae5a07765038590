"""Staff: logging in, and choosing the hall to work in."""

from typing import Any

from flask import Response

from backend.core import audit, limits
from backend.core import auth as access
from backend.core.db import transaction
from backend.core.problems import ApiBlueprint
from backend.identity import browser, passwords, schemas, sessions, staff
from backend.identity.session_view import halls_of_staff, session_state

blueprint = ApiBlueprint("staff-identity", __name__, description="Staff accounts")


@blueprint.post("/staff/session")
@access.public
@blueprint.arguments(schemas.StaffLoginSchema)
@blueprint.response(200, schemas.SessionSchema)
def log_in(body: dict[str, str]) -> Any:
    """Password and one-time code; sets the session cookie."""
    source = browser.source()
    staff.limit(body["username"], source)
    with transaction() as session:
        attempt = staff.look_up(session, body["username"], source)
    fits = staff.password_fits(attempt, body["password"])
    started = None
    with transaction() as session:
        if fits and attempt.staff_id is not None and staff.use_code(session, attempt.staff_id, body["totp"]):
            staff.succeeded(session, attempt.staff_id)
            started = sessions.start(session, staff_id=attempt.staff_id, replacing=browser.replaced())
        elif not attempt.locked:
            staff.failed(session, attempt.staff_id, source)
    if started is None:
        raise staff.LoginRefused()
    cookie = browser.set_session(Response(), started).headers["Set-Cookie"]
    return session_state(sessions.load_principal(started.token)), 200, {"Set-Cookie": cookie}


@blueprint.get("/staff/halls")
@access.staff("")
@blueprint.response(200, schemas.StaffHallsSchema)
def show_halls() -> dict[str, Any]:
    """The halls I may work in."""
    principal = access.current_staff()
    with transaction() as session:
        return {"halls": halls_of_staff(session, principal.id), "current": principal.hall_code}


@blueprint.post("/staff/session/hall")
@access.staff("")
@blueprint.arguments(schemas.WorkplaceSchema)
@blueprint.response(200, schemas.SessionSchema)
def choose_hall(body: dict[str, str]) -> dict[str, Any]:
    """Work in another hall of mine; roles and permissions become those I have there."""
    principal = access.current_staff()
    with transaction() as session:
        if body["hall"] not in {hall["code"] for hall in halls_of_staff(session, principal.id)}:
            raise staff.NotYourHall()
        sessions.move(session, principal.session_id, body["hall"])
        audit.record(
            session,
            actor=principal.actor,
            action="staff.hall_chosen",
            object_type="staff",
            object_id=principal.id,
            hall_code=body["hall"],
        )
    return session_state(access.reloaded_principal())


@blueprint.put("/staff/password")
@access.staff("")
@blueprint.arguments(schemas.PasswordSchema)
@blueprint.response(204)
def change_password(body: dict[str, str]) -> None:
    """My own password; I stay signed in here, and nowhere else. A wrong current one counts as a failed sign-in."""
    principal, source = access.current_staff(), browser.source()
    limits.spend(f"staff-password:{principal.id}", capacity=5, per_seconds=300)
    with transaction() as session:
        username, attempt = passwords.own(session, principal.id)
    if not staff.password_fits(attempt, body["current"]):
        with transaction() as session:
            staff.failed(session, principal.id, source)
        raise passwords.WrongPassword()
    passwords.refuse_easy(body["new"], username, body["current"])
    made = staff.hashed(body["new"])
    with transaction() as session:
        passwords.change(session, attempt, made, staying=principal.session_id, hall_code=principal.hall_code)
