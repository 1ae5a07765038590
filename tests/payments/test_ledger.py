"""The books: balanced, append-only, once for each source, sealed; and a doctor who sees every planted fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend.core import db
from payments import doctor, ledger
from tests.payments.cases import approve, ask, finish, paid
from tests.payments.conftest import Desk


@contextmanager
def taken_back(change: str, **values: Any) -> Iterator[Session]:
    """A change that somebody with all rights makes past every trigger; undone afterwards."""
    with db.transaction() as session:
        savepoint = session.begin_nested()
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(change), values)
        yield session
        savepoint.rollback()


def post(desk: Desk, *sides: ledger.Side, source: int = 1) -> bool:
    with db.transaction() as session:
        return ledger.post(session, posting(desk, *sides, source=source))


def posting(desk: Desk, *sides: ledger.Side, source: int = 1) -> ledger.Posting:
    return ledger.Posting(
        kind="test", source_type="test", source_id=source, sides=sides, bill_id=None, occurred_at=desk.clock.now
    )


def test_a_journal_is_written_once_for_its_source(desk: Desk) -> None:
    sides = ledger.move(5, debit="a", credit="b")
    assert [post(desk, *sides), post(desk, *sides), post(desk, *sides, source=2)] == [True, False, True]
    assert (desk.balance("a"), desk.balance("b")) == (10, -10)


def test_several_journals_in_one_statement_keep_their_order_and_stay_apart(desk: Desk) -> None:
    """A journal that is there already is left alone, the others are written with their own entries."""
    post(desk, *ledger.move(5, debit="a", credit="b"))
    with db.transaction() as session:
        assert ledger.post(
            session,
            posting(desk, *ledger.move(7, debit="c", credit="d"), source=3),
            posting(desk, *ledger.move(5, debit="a", credit="b")),
            posting(desk, *ledger.move(9, debit="e", credit="f"), source=2),
        )
    assert desk.rows(
        "SELECT j.source_id, e.account, e.debit_fen, e.credit_fen FROM journal j JOIN entry e ON e.journal_id = j.id "
        "ORDER BY j.id, e.id"
    ) == [
        *(("1", "a", 5, 0), ("1", "b", 0, 5)),
        *(("3", "c", 7, 0), ("3", "d", 0, 7)),
        *(("2", "e", 9, 0), ("2", "f", 0, 9)),
    ]


@pytest.mark.parametrize(
    "sides",
    [
        (ledger.Side("a", debit_fen=5), ledger.Side("b", credit_fen=4)),
        (ledger.Side("a", debit_fen=5),),
        (ledger.Side("a", debit_fen=5, credit_fen=5), ledger.Side("b", credit_fen=0)),
        (ledger.Side("a", debit_fen=-5), ledger.Side("b", credit_fen=-5)),
    ],
)
def test_the_database_refuses_what_does_not_balance(desk: Desk, sides: tuple[ledger.Side, ...]) -> None:
    with pytest.raises(DBAPIError):
        post(desk, *sides)
    assert desk.rows("SELECT count(*) FROM journal") == [(0,)]


def test_an_unbalanced_entry_cannot_be_added_later(desk: Desk) -> None:
    post(desk, *ledger.move(5, debit="a", credit="b"))
    with pytest.raises(DBAPIError, match="does not balance"):
        desk.rows(
            "INSERT INTO entry (journal_id, account, debit_fen, credit_fen) "
            "SELECT id, 'c', 1, 0 FROM journal RETURNING 1"
        )


@pytest.mark.parametrize("table", ["journal", "entry", "journal_seal", "bill_event", "payment_attempt_event"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} RETURNING 1", "DELETE FROM {} RETURNING 1"])
def test_the_books_are_append_only(desk: Desk, table: str, change: str) -> None:
    column = "entity_id = entity_id" if table.endswith("_event") else "journal_id = journal_id"
    column = "kind = kind" if table == "journal" else column
    with pytest.raises(DBAPIError, match="append-only"):
        desk.rows(change.format(table, column) if "SET" in change else change.format(table))


def test_a_correction_is_a_new_journal(desk: Desk) -> None:
    post(desk, *ledger.move(5, debit="a", credit="b"))
    [(wrong,)] = desk.rows("SELECT id FROM journal")
    for done in (True, False):
        with db.transaction() as session:
            assert ledger.correct(session, journal_id=wrong, actor="staff:1", reason="记错了") == done
    assert (desk.balance("a"), desk.balance("b")) == (0, 0)
    assert desk.rows("SELECT reason FROM journal WHERE kind = 'correction'") == [("staff:1: 记错了",)]


def test_the_chain_names_the_journal_that_was_changed(desk: Desk) -> None:
    for source in range(5):
        post(desk, *ledger.move(5, debit="a", credit="b"), source=source)
    with db.transaction() as session:
        assert ledger.seal(session) == 5
        assert ledger.seal(session) == 0
        assert ledger.broken_links(session) == []
    ids = [row for (row,) in desk.rows("SELECT id FROM journal ORDER BY id")]
    changes = (
        ("UPDATE entry SET debit_fen = 6 WHERE journal_id = :id AND debit_fen > 0 RETURNING 1", ids[1]),
        ("UPDATE journal SET kind = 'x' WHERE id = :id RETURNING 1", ids[3]),
    )
    for change, changed in changes:
        with taken_back(change, id=changed) as session:
            assert ledger.broken_links(session) == [changed]


def test_journals_that_nobody_seals_are_known(desk: Desk) -> None:
    post(desk, *ledger.move(5, debit="a", credit="b"))
    desk.clock.advance(minutes=61)
    with db.transaction() as session:
        assert len(ledger.long_unsealed(session)) == 1
        ledger.seal(session)
        assert ledger.long_unsealed(session) == []


PLANTED = {
    "journal {id}: does not balance": "UPDATE entry SET debit_fen = debit_fen + 1 WHERE debit_fen > 0",
    "all accounts together: {id} fen are missing": "UPDATE entry SET credit_fen = credit_fen + 7 WHERE credit_fen > 0",
    "attempt {id}: its money is not in the books exactly once": "DELETE FROM journal WHERE kind = 'payment'",
    "attempt {id}: its bill's account did not get its money": (
        "UPDATE journal SET kind = 'overpayment' WHERE kind = 'payment'"
    ),
    "attempt {id}: its refunds do not add up": "UPDATE payment_attempt SET reserved_fen = 1",
    "attempt {id}: money that no bill takes is not on its way back": "UPDATE payment_attempt SET state = 'refund_due'",
    "refund {id}: paid out but not in the books exactly once": "DELETE FROM journal WHERE kind = 'refund'",
    "bill {id}: its state does not match its entries": (
        "UPDATE bill SET state = 'issued', paid_at = NULL, paid_via = NULL"
    ),
    "bill {id}: is not paid by exactly the payment it names": "UPDATE bill SET paid_via = 'alipay'",
    "bill {id}: its total is not the sum of its items": "UPDATE bill_item SET quantity = 2, fee_fen = standard_fen * 2",
    "bill {id}: paid, and its payer was not told": "DELETE FROM notification",
    "bill {id}: money that goes back does not match its account": (
        "UPDATE entry SET account = 'refund_due:' || (SELECT id FROM bill LIMIT 1) WHERE account LIKE 'income:%'"
    ),
    "suspense: differs from its open cases by {id} fen": (
        "UPDATE entry SET account = 'suspense' WHERE account LIKE 'income:%'"
    ),
    "clearing:{id}: differs from what its payments and refunds say": (
        "UPDATE entry SET account = 'clearing:x' WHERE account = 'clearing:wechat_pay'"
    ),
}


def test_every_check_has_its_planted_fault() -> None:
    assert set(PLANTED) == set(doctor.CHECKS)


@pytest.mark.parametrize("sentence", PLANTED)
def test_the_doctor_sees_what_is_planted(desk: Desk, sentence: str) -> None:

    bill, _ = paid(desk)
    refund = ask(desk, bill)
    approve(desk, refund)
    desk.send()
    finish(desk, refund)
    assert desk.examine() == []
    start, _, end = sentence.partition("{id}")
    with taken_back(PLANTED[sentence]) as session:
        found = doctor.invariants(session)
    assert any(line.startswith("payments: " + start) and line.endswith(end) for line in found), found


def test_accounts_have_one_spelling() -> None:
    bill_id = uuid4()
    assert ledger.bill_account(bill_id) == f"bill:{bill_id}"
    assert ledger.refund_due(bill_id) == f"refund_due:{bill_id}"
