"""One record a person: what is merged, what never is, and who may act for whom."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend.core import errors
from backend.core.audit import AuditEvent
from backend.core.config import Settings
from backend.identity import family, idnumber, merging, organisations, queries, service, sessions
from backend.identity.models import FamilyLink, Person, PersonLogin
from tests.conftest import Clock

ZHANG, LI, CHILD = "350299199001010010", "350299199001010029", "350299201203010043"
COMPANY, TRADER = "91350299MA0000015P", "92350299MA0000023F"


@pytest.fixture(autouse=True)
def still(clock: Clock) -> None:
    """Everything here happens on 24 November 2026 unless the clock is moved."""


def by_phone(session: Session, phone: str, current: UUID | None = None) -> UUID:
    return service.log_in(session, provider="phone", subject=phone, current=current, phone=phone)


def by_wechat(session: Session, openid: str, current: UUID | None = None) -> UUID:
    return service.log_in(session, provider="wechat_mini", subject=openid, current=current)


def by_ixiamen(session: Session, number: str, name: str = "张测试", current: UUID | None = None) -> UUID:
    real_name = service.RealName(number, name, None)
    return service.verify(session, open_id=f"open-{number}", real_name=real_name, current=current)


def providers(session: Session, person: UUID) -> list[str]:
    query = select(PersonLogin.provider).where(PersonLogin.person_id == person).order_by(PersonLogin.provider)
    return list(session.scalars(query))


def fresh(session: Session, person: UUID) -> Person:
    session.expire_all()
    return queries.person(session, person)


def test_a_second_document_on_the_same_device_is_another_person(session: Session) -> None:
    zhang = by_ixiamen(session, ZHANG)
    li = by_ixiamen(session, LI, "李测试", current=zhang)
    assert li != zhang
    assert queries.unseal(fresh(session, zhang), "id_number") == ZHANG
    assert queries.unseal(fresh(session, li), "id_number") == LI
    assert by_ixiamen(session, ZHANG, current=li) == zhang
    assert providers(session, zhang) == providers(session, li) == ["ixiamen"]


def test_a_second_phone_on_the_same_device_is_another_person(session: Session) -> None:
    first = by_phone(session, "13900000001")
    assert by_phone(session, "13900000002", current=first) != first
    second = by_phone(session, "13900000002")
    assert by_phone(session, "13900000001", current=second) == first
    assert queries.unseal(fresh(session, first), "phone") == "13900000001"


def test_a_phone_of_somebody_else_is_not_bound(session: Session) -> None:
    by_phone(session, "13900000001", current=by_ixiamen(session, ZHANG))
    li = by_ixiamen(session, LI, "李测试")
    with pytest.raises(merging.TwoPeople):
        service.bind_phone(session, person_id=li, phone="13900000001")


def test_two_documents_are_never_merged(session: Session) -> None:
    zhang, li = by_ixiamen(session, ZHANG), by_ixiamen(session, LI, "李测试")
    with pytest.raises(merging.TwoPeople):
        merging.merge(session, kept=zhang, gone=li)


def test_an_account_that_changed_its_document_follows_the_document(session: Session) -> None:
    zhang = by_ixiamen(session, ZHANG)
    renewed = service.verify(
        session, open_id=f"open-{ZHANG}", real_name=service.RealName(LI, "李测试", None), current=None
    )
    assert renewed != zhang
    assert queries.unseal(fresh(session, zhang), "id_number") == ZHANG
    assert providers(session, renewed) == ["ixiamen"]


def test_merging_moves_logins_sessions_phone_and_family(session: Session) -> None:
    document = by_ixiamen(session, ZHANG)
    phone_only = by_phone(session, "13900000001")
    token = sessions.start(session, person_id=phone_only).token
    family.add(session, agent_id=phone_only, name="陈小童", id_number=CHILD, relation="child")
    child = service.create_unseen(session, id_number=CHILD, name="陈小童")
    session.commit()
    assert by_ixiamen(session, ZHANG, current=phone_only) == document
    session.commit()
    principal = sessions.load_principal(token)
    assert principal is not None
    assert (principal.id, principal.level) == (document, 2)
    assert providers(session, document) == ["ixiamen", "phone"]
    assert queries.unseal(fresh(session, document), "phone") == "13900000001"
    assert queries.may_act_for(session, document, child)
    assert fresh(session, phone_only).merged_into == document
    assert fresh(session, phone_only).phone is None
    actions = session.scalars(select(AuditEvent.action).where(AuditEvent.object_id == str(document)))
    assert "person.merged" in set(actions)
    deferred = session.scalar(
        text("SELECT args ->> 'former' FROM procrastinate_jobs WHERE task_name = 'identity.person_merged'")
    )
    assert deferred == str(phone_only)


def test_merging_two_records_that_are_each_others_family_leaves_no_link(session: Session) -> None:
    document = by_ixiamen(session, ZHANG)
    phone_only = by_phone(session, "13900000001")
    family.add(session, agent_id=phone_only, name="张测试", id_number=ZHANG, relation="other")
    by_ixiamen(session, ZHANG, current=phone_only)
    assert session.scalar(select(func.count()).select_from(FamilyLink)) == 0
    assert document


def test_merging_keeps_the_higher_role_in_an_organisation(session: Session) -> None:
    document = by_ixiamen(session, ZHANG)
    li = by_ixiamen(session, LI, "李测试")
    phone_only = by_phone(session, "13900000001")
    firm = organisations.register(session, person_id=phone_only, name="测试公司", credit_code=COMPANY)
    by_phone(session, "13900000002", current=document)
    organisations.add_agent(session, manager_id=phone_only, organisation_id=firm.id, phone="13900000002", role="agent")
    by_ixiamen(session, ZHANG, current=phone_only)
    (mine,) = organisations.of_person(session, document)
    assert mine["role"] == "manager"
    assert len(mine["agents"]) == 1
    assert organisations.of_person(session, li) == []


def test_a_relative_named_before_their_first_login_becomes_that_person(session: Session) -> None:
    unseen = service.create_unseen(session, id_number=LI, name="李测试")
    wechat = by_wechat(session, "o-li")
    service.set_preferences(session, wechat, language="en", elder_mode=True)
    assert by_ixiamen(session, LI, "李测试", current=wechat) == unseen
    row = fresh(session, unseen)
    assert (row.level, row.language, row.elder_mode) == (2, "en", True)


def test_a_passport_is_a_document_of_its_own(session: Session, settings: Settings) -> None:
    number = idnumber.checked_document(settings, "5", " e1234567 ", today=date(2026, 11, 24))
    passport = service.RealName(number, "TEST PERSON", None, "5")
    person = service.verify(session, open_id="passport", real_name=passport, current=None)
    row = fresh(session, person)
    assert (row.level, row.born, row.id_type) == (2, None, "5")
    assert queries.me(session, person)["id_number_masked"] == "E*****67"
    mainland_permit = service.RealName(number, "TEST PERSON", None, "2")
    assert service.verify(session, open_id="permit", real_name=mainland_permit, current=None) != person
    with pytest.raises(errors.InvalidInput):
        idnumber.checked_document(settings, "5", "护照1", today=date(2026, 11, 24))


def test_no_more_than_three_relatives(session: Session) -> None:
    agent = by_phone(session, "13900000001")
    for number in (LI, CHILD, "350299195506150037"):
        family.add(session, agent_id=agent, name="某人", id_number=number, relation="other")
    with pytest.raises(family.FamilyFull):
        family.add(session, agent_id=agent, name="某人", id_number=ZHANG, relation="other")


def test_guardianship_ends_on_the_eighteenth_birthday(session: Session, clock: Clock) -> None:
    agent = by_phone(session, "13900000001")
    child = family.add(session, agent_id=agent, name="陈小童", id_number=CHILD, relation="child").person_id
    clock.set(clock.now.replace(year=2030, month=2, day=28))
    assert queries.may_act_for(session, agent, child)
    clock.advance(days=1)
    assert not queries.may_act_for(session, agent, child)


def test_nobody_acts_on_a_pending_link(session: Session) -> None:
    agent, li = by_phone(session, "13900000001"), by_ixiamen(session, LI, "李测试")
    link = family.add(session, agent_id=agent, name="李测试", id_number=LI, relation="spouse")
    assert not queries.may_act_for(session, agent, li)
    family.answer(session, person_id=li, link_id=link.id, accept=True)
    assert queries.may_act_for(session, agent, li)
    assert not queries.may_act_for(session, li, agent)


def test_an_organisation_is_registered_once_and_run_by_its_managers(session: Session) -> None:
    manager, agent = by_phone(session, "13900000001"), by_phone(session, "13900000002")
    firm = organisations.register(session, person_id=manager, name="测试公司", credit_code=f" {COMPANY.lower()} ")
    assert not firm.verified
    with pytest.raises(organisations.OrganisationTaken):
        organisations.register(session, person_id=agent, name="测试公司", credit_code=COMPANY)
    with pytest.raises(organisations.CreditCodeWrong):
        organisations.register(session, person_id=agent, name="测试商行", credit_code=TRADER[:-1] + "A")
    add = {"organisation_id": firm.id, "role": "agent"}
    with pytest.raises(errors.NotFound):
        organisations.add_agent(session, manager_id=agent, phone="13900000002", **add)
    with pytest.raises(organisations.AgentUnknown):
        organisations.add_agent(session, manager_id=manager, phone="13900000009", **add)
    organisations.add_agent(session, manager_id=manager, phone="13900000002", **add)
    (seen,) = organisations.of_person(session, agent)
    assert (seen["role"], seen["agents"]) == ("agent", [])
    with pytest.raises(errors.NotFound):
        organisations.remove_agent(session, actor_id=agent, organisation_id=firm.id, person_id=manager)
    with pytest.raises(errors.NotFound):
        organisations.remove_agent(session, actor_id=manager, organisation_id=firm.id, person_id=uuid4())


def test_the_last_manager_stays(session: Session) -> None:
    manager = by_phone(session, "13900000001")
    firm = organisations.register(session, person_id=manager, name="测试公司", credit_code=COMPANY)
    with pytest.raises(organisations.LastManager):
        organisations.remove_agent(session, actor_id=manager, organisation_id=firm.id, person_id=manager)
