"""The state tables: every state × event, and every event × role at the API."""

import itertools
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from backend.applications import states
from backend.applications.case_models import Case
from backend.applications.states import CaseEvent, CaseState
from backend.core.errors import InvalidTransition
from backend.core.states import matrix, transition
from backend.identity.roles import PERMISSIONS
from tests.backend.applications.people import QUERY, Filer, Office

TABLES = (
    (states.APPLICATION, states.ApplicationState, states.ApplicationEvent),
    (states.CASE, states.CaseState, states.CaseEvent),
    (states.PART, states.PartState, states.PartEvent),
    (states.TRANSFER, states.TransferState, states.TransferEvent),
)

EXPECTED = """
submitted: return>pre_returned pre_approve>pre_approved receive>received withdraw>withdrawn terminate>terminated
pre_returned: resubmit>submitted lapse>terminated withdraw>withdrawn terminate>terminated
pre_approved: receive>received lapse>terminated withdraw>withdrawn terminate>terminated
received: correct>correcting accept>accepted not_accept>not_accepted withdraw>withdrawn terminate>terminated
correcting: resubmit>received lapse>terminated withdraw>withdrawn terminate>terminated
accepted: await_fee>awaiting_fee review>reviewing withdraw>withdrawn terminate>terminated
not_accepted:
awaiting_fee: settle>accepted withdraw>withdrawn terminate>terminated
reviewing: pause>special grant>granted deny>denied withdraw>withdrawn terminate>terminated
special: resume>reviewing withdraw>withdrawn terminate>terminated
granted: conclude>concluded
denied: conclude>concluded
concluded: offer>ready mail>mailed deliver>delivered
ready: mail>mailed deliver>delivered
mailed: come_back>ready deliver>delivered
delivered:
withdrawn:
terminated:
"""
"""Written a second time, as the sheet tells it, so that a slip in the table does not hide."""


def test_the_table_is_the_one_of_the_sheet() -> None:
    expected: dict[tuple[str, str], str] = {}
    for line in EXPECTED.strip().splitlines():
        state, _, steps = line.partition(":")
        for step in steps.split():
            event, _, after = step.partition(">")
            expected[state, event] = after
    assert {(str(a), str(b)): str(c) for (a, b), c in states.CASE.steps.items()} == expected
    assert {line.partition(":")[0] for line in EXPECTED.strip().splitlines()} == set(CaseState)


@pytest.mark.parametrize(("table", "kinds", "events"), TABLES, ids=lambda one: getattr(one, "name", None))
def test_every_state_and_event_moves_repeats_or_is_refused(table, kinds, events) -> None:
    found = matrix(table, kinds, events)
    assert len(found) == len(kinds) * len(events)
    for state, event, after in found:
        if after is None:
            with pytest.raises(InvalidTransition):
                table.next(state, event)
        else:
            assert table.next(state, event) == after


def test_every_event_has_one_owner_and_final_states_end() -> None:
    assert set(states.WHO) == set(CaseEvent)
    left = {state for state, _ in states.CASE.steps}
    assert set(states.FINAL) == set(CaseState) - left
    for state in states.UNDECIDED:
        assert states.CASE.steps[state, CaseEvent.WITHDRAW] == CaseState.WITHDRAWN
    granting = [
        role for role, mine in PERMISSIONS.items() if len(mine & {states.FRONT, states.DECIDE, states.ISSUE}) > 1
    ]
    assert granting == [], "no role has two hands"


def test_every_state_and_event_in_the_database(citizen_: Filer, session: Session) -> None:
    case_id = UUID(citizen_.file(QUERY)["id"])
    for state, event in itertools.product(CaseState, CaseEvent):
        savepoint = session.begin_nested()
        case = session.get_one(Case, case_id, populate_existing=True)
        moved = session.connection().exec_driver_sql(
            "UPDATE service_case SET state = %s, accepted_on = '2026-11-24' WHERE id = %s", (str(state), str(case_id))
        )
        assert moved.rowcount == 1
        session.refresh(case)
        after = states.CASE.steps.get((state, event))
        if after is not None:
            assert transition(session, case, event, actor="x") is True
            assert session.get_one(Case, case_id, populate_existing=True).state == after
        elif (state, event) in states.CASE.repeats:
            assert transition(session, case, event, actor="x") is False
        else:
            with pytest.raises(InvalidTransition):
                transition(session, case, event, actor="x")
        savepoint.rollback()
        session.expire_all()


ROUTES = {
    CaseEvent.RETURN: ("return", {"words": "要改"}),
    CaseEvent.PRE_APPROVE: ("pre-approve", {}),
    CaseEvent.RECEIVE: ("receive", {}),
    CaseEvent.CORRECT: ("correct", {"words": "要改"}),
    CaseEvent.ACCEPT: ("accept", {}),
    CaseEvent.NOT_ACCEPT: ("refuse", {"reason": "不归我们管", "document": "一号"}),
    CaseEvent.REVIEW: ("review", {}),
    CaseEvent.PAUSE: ("special-step", {"code": "hearing", "document": "一号"}),
    CaseEvent.RESUME: ("special-step/end", {}),
    CaseEvent.GRANT: ("decision", {"grant": True, "document": "一号"}),
    CaseEvent.DENY: ("decision", {"grant": False, "document": "一号", "reason": "不符合"}),
    CaseEvent.CONCLUDE: ("result", {"paper": True}),
    CaseEvent.OFFER: ("offer", {}),
    CaseEvent.MAIL: ("mail", {}),
    CaseEvent.COME_BACK: ("come-back", {}),
    CaseEvent.DELIVER: ("hand-over", {"identity_checked": True, "signature_id": str(UUID(int=1))}),
    CaseEvent.TERMINATE: ("terminate", {"reason": "重复"}),
}


def test_every_event_and_role(citizen_: Filer, office: Office) -> None:
    """A role without the permission is refused whatever the state; one with it only by the table."""
    case = citizen_.file(QUERY)
    for (event, (route, body)), role in itertools.product(ROUTES.items(), PERMISSIONS):
        if event is CaseEvent.TERMINATE and role == "hall_lead":
            continue
        answer = office.do(role, case, route, **body)
        if states.WHO[event] not in PERMISSIONS[role]:
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), (event, role)
        elif (CaseState.RECEIVED, event) not in states.CASE.steps:
            assert answer.status_code in (409, 422), (event, role, answer.text)
            assert office.case(case)["state"] == "received"
        else:
            assert answer.status_code == 200, (event, role, answer.text)
            case = citizen_.file(QUERY)
    staff_events = {event for event, owner in states.WHO.items() if owner.startswith("cases.")}
    assert staff_events == set(ROUTES)
