"""The snapshot each process holds: read rarely, rebuilt when the version changes, never half-built."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from backend.catalogue import queries, service, snapshot
from backend.catalogue.models import Hall
from backend.core import db


@pytest.fixture
def statements(seed: None) -> Iterator[list[str]]:
    """Every statement that reaches the database."""
    seen: list[str] = []

    def record(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", record)
    yield seen
    event.remove(db.engine(), "before_cursor_execute", record)


class Ticks:
    """A monotonic clock a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    ticking = Ticks()
    monkeypatch.setattr(snapshot, "time", ticking)
    return ticking


def rename(session: Session, name: str) -> None:
    session.execute(update(Hall).where(Hall.code == "XM").values(name_zh=name))
    service.mark_changed(session)
    session.flush()


def test_within_a_second_nothing_is_read_and_then_only_the_version(
    statements: list[str], ticks: Ticks, session: Session
) -> None:
    first = snapshot.current(session)
    assert len(statements) > 5
    statements.clear()
    ticks.now += 0.9
    assert snapshot.current(session) is first
    assert statements == []
    ticks.now += 0.2
    assert snapshot.current(session) is first
    assert len(statements) == 1


def test_a_new_version_is_seen_within_a_second(seed: None, ticks: Ticks, session: Session) -> None:
    before = queries.hall(session, "XM")
    rename(session, "新名字")
    assert queries.hall(session, "XM") is before
    ticks.now += snapshot.CHECK_SECONDS
    assert queries.hall(session, "XM").name.zh == "新名字"


def test_another_database_with_the_same_number_is_another_version(seed: None, session: Session) -> None:
    version, stamp = snapshot.read_version(session)
    service.mark_changed(session)
    assert snapshot.read_version(session)[0] == version + 1
    assert snapshot.read_version(session)[1] != stamp


@pytest.mark.parametrize(("patience", "new"), [(0.05, False), (10, True)])
def test_others_wait_a_moment_for_a_changed_catalogue_and_then_keep_the_old_one(
    seed: None, ticks: Ticks, session: Session, monkeypatch: pytest.MonkeyPatch, patience: float, new: bool
) -> None:
    old = snapshot.current(session)
    rename(session, "新名字")
    ticks.now += snapshot.CHECK_SECONDS
    building, go_on = threading.Event(), threading.Event()
    build = snapshot.build

    def slow_build(session: Session, version: snapshot.Version) -> snapshot.Snapshot:
        building.set()
        assert go_on.wait(10)
        return build(session, version)

    monkeypatch.setattr(snapshot, "build", slow_build)
    monkeypatch.setattr(snapshot, "PATIENCE_SECONDS", patience)
    results: list[snapshot.Snapshot] = []
    thread = threading.Thread(target=lambda: results.append(snapshot.current(session)))
    thread.start()
    assert building.wait(10)
    ready = threading.Timer(0.2, go_on.set)
    ready.start()
    meanwhile = snapshot.current(session)
    ready.join()
    thread.join()
    assert results[0].halls["XM"].name.zh == "新名字"
    assert meanwhile is (results[0] if new else old)
    assert snapshot.current(session) is results[0]


def test_an_empty_catalogue_is_a_catalogue(isolated: None, session: Session) -> None:
    snapshot.forget()
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for table in reversed(db.Base.metadata.sorted_tables):
        if table.name in {"item_hall", "item_material", "item_fee", "list_entry", "list_addition", "item"}:
            session.execute(table.delete())
    assert snapshot.build(session, (0, None)).items == {}


def test_what_a_booking_must_know(seed: None, session: Session) -> None:
    passport, permit = queries.items_for_booking(session, ["passport-first", "hk-macao-permit"])
    assert (passport.slug, passport.name_zh, passport.category_code) == (
        "passport-first",
        "普通护照首次申请",
        "exit-entry",
    )
    assert passport.hall_codes == ("XM", "XM-CRJ1", "XM-CRJ2")
    assert (passport.minutes, passport.extra_minutes, passport.max_people) == (15, 10, 4)
    assert permit.family != passport.family


def test_what_cannot_be_booked_is_refused(seed: None, session: Session) -> None:
    with pytest.raises(queries.ItemNotBookable):
        queries.items_for_booking(session, ["passport-first", "lease-filing"])


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda session: queries.item(session, "nothing"), queries.ItemNotFound),
        (lambda session: queries.items_for_booking(session, ["nothing"]), queries.ItemNotFound),
        (lambda session: queries.hall(session, "xm"), queries.HallNotFound),
        (lambda session: queries.category(session, "nothing"), queries.CategoryNotFound),
        (lambda session: queries.published_list(session, "nothing"), queries.ListNotFound),
    ],
    ids=["item", "booking", "hall", "category", "list"],
)
def test_what_does_not_exist_is_not_found(
    ask: Callable[[Session], object], error: type[Exception], seed: None, session: Session
) -> None:
    with pytest.raises(error):
        ask(session)


def test_an_unconfirmed_address_is_not_printed(seed: None, session: Session) -> None:
    assert queries.hall(session, "XM").address_line.zh == "厦门市湖里区云顶北路842号"
    for code in ("SM", "XM-CRJ1"):
        assert queries.hall(session, code).address_line == ("地址待核实", "Address to be confirmed")


def test_only_confirmed_phones_are_shown(seed: None, session: Session) -> None:
    assert {phone for hall in queries.halls(session) for phone in hall.phones} == {"12345"}
