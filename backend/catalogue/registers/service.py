"""Cancelling proofs, and writing the letters that applicants sign. The caller marks the catalogue changed first."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.catalogue import snapshot
from backend.catalogue.registers.models import CancelledProof, CommitmentLetter, CommitmentText
from backend.core import audit, clock
from backend.core.db import new_id
from backend.core.errors import Conflict, FieldError, InvalidInput, NotFound, Text


class ProofListed(Conflict):
    """The proof is on the list of cancelled ones."""

    code = "proof_already_cancelled"
    title = Text("这个证明已经在取消清单里", "This proof is on the list already")


class ProofNotListed(NotFound):
    """The proof is not on the list of cancelled ones."""

    code = "proof_not_listed"
    title = Text("取消清单里没有这个证明", "This proof is not on the list")


class LetterBeginsTooEarly(InvalidInput):
    """A letter's new words count from today or later: people have signed the earlier ones."""

    code = "letter_begins_too_early"
    title = Text("新文本只能从今天或以后开始用", "New words count from today or later")

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/valid_from", self.title)])


def cancel_proof(session: Session, given: Mapping[str, Any], *, actor: str, verified: bool = True) -> UUID:
    """Put a proof on the list; items that still demand it are refused from its date on. Raises ProofListed."""
    row = insert(CancelledProof).values(id=new_id(), verified=verified, **given)
    made: UUID | None = session.scalar(
        row.on_conflict_do_nothing(index_elements=["name_zh"]).returning(CancelledProof.id)
    )
    if made is None:
        raise ProofListed()
    _told(session, "proofs.cancelled", "cancelled_proof", made, actor, {"basis": given["basis"]})
    return made


def correct_proof(session: Session, proof_id: UUID, given: Mapping[str, Any], *, actor: str, reason: str) -> None:
    """Put an entry right. Raises ProofNotListed, ProofListed."""
    taken = select(CancelledProof.id).where(CancelledProof.name_zh == given["name_zh"], CancelledProof.id != proof_id)
    if session.scalar(taken):
        raise ProofListed()
    changed = update(CancelledProof).where(CancelledProof.id == proof_id).values(verified=True, **given)
    if session.scalar(changed.returning(CancelledProof.id)) is None:
        raise ProofNotListed()
    _told(session, "proofs.corrected", "cancelled_proof", proof_id, actor, {"basis": given["basis"]}, reason)


def write_letter(session: Session, code: str, given: Mapping[str, Any], *, valid_from: date, actor: str) -> int:
    """The next version of a letter's words; returns its number. Raises LetterBeginsTooEarly."""
    session.execute(insert(CommitmentLetter).values(code=code).on_conflict_do_nothing())
    last = session.scalar(select(func.max(CommitmentText.version)).where(CommitmentText.code == code)) or 0
    if last and valid_from < clock.today():
        raise LetterBeginsTooEarly()
    made = CommitmentText(
        code=code, version=last + 1, valid_from=valid_from, created_by=actor, created_at=clock.now(), **given
    )
    session.add(made)
    session.flush()
    _told(session, "letters.written", "commitment_letter", code, actor, {"version": last + 1})
    return last + 1


def _told(
    session: Session,
    action: str,
    kind: str,
    object_id: object,
    actor: str,
    data: dict[str, Any],
    reason: str | None = None,
) -> None:
    audit.record(session, actor=actor, action=action, object_type=kind, object_id=object_id, data=data, reason=reason)
    snapshot.forget()
