"""Following how the standard is kept: what staff asked for beyond the published list (circular clauses 19 and 20)."""

import re
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.applications.case_models import Case, MaterialDemand
from backend.applications.errors import DemandNotFound, DemandSettled, ProofCancelled
from backend.catalogue import queries as catalogue
from backend.catalogue.lint import fold, is_catch_all
from backend.core import audit, clock, db
from backend.core.errors import FieldError

_PAPER: Final = re.compile(
    r"(.{2,}(证明|公证书|证书|承诺书|保证书|情况说明|报告|批文|执照|流水|户口簿|户口本|居住证|授权书|委托书|合同|协议|发票|复印件))"
    r"(过?来|一下|吧|了|谢谢)*"
)
"""How the name of a paper ends, and what may follow it."""
_AROUND: Final = re.compile(
    r"[\W_]+|请|麻烦|补充|补交|补|重新|提交|提供|上传|携带|带上|带来|带|出具|开具|交来|交|还要|还需|需要|需|要|再|一份|份|"
    r"您的|你的|您|你|以及|或者|和|及|与|并|或|把"
)
"""What stands between the names of papers in a request."""
MOST_NAMED: Final = 10


def refuse_cancelled(session: Session, words: str, pointer: str) -> None:
    """Raises ProofCancelled for words that name a proof nobody may ask for; it says what serves instead."""
    proof = catalogue.cancelled_in(session, words, on=clock.today())
    if proof is not None:
        raise ProofCancelled(errors=[FieldError(pointer, proof.no_longer)])


def note(session: Session, case: Case, *, place: str, words: str, actor: str) -> None:
    """Keep every paper that these words ask for and the item's list does not: the hall's lead looks at it.

    `place` is return, correct or message.
    """
    item = catalogue.item(session, case.item_slug)
    listed = [fold(name) for material in item.materials for name in material.name]
    names = [name for name in asked_for(words) if not any(fold(name) in one or one in fold(name) for one in listed)]
    for name in names[:MOST_NAMED]:
        row = {"case_id": case.id, "place": place, "name": name, "told_by": actor, "told_at": clock.now()}
        made = session.scalar(
            insert(MaterialDemand)
            .values(id=db.new_id(), hall_code=case.hall_code, **row)
            .on_conflict_do_nothing()
            .returning(MaterialDemand.id)
        )
        if made is not None:
            _told(session, "case.unlisted_material", case, actor, {"material": name})


def asked_for(words: str) -> list[str]:
    """The papers that a request names, and a catch-all wording as it stands; each once, in their order."""
    parts = [found[1] for part in _AROUND.split(words) if (found := _PAPER.fullmatch(part))]
    vague = [part.strip()[:60] for part in re.split(r"[，。；！、,.;!\n]", words) if is_catch_all(part)]
    return list(dict.fromkeys([*parts, *vague]))


def of_case(session: Session, case_id: UUID) -> list[MaterialDemand]:
    """What was asked for in a case beyond its list, oldest first."""
    query = select(MaterialDemand).where(MaterialDemand.case_id == case_id)
    return list(session.scalars(query.order_by(MaterialDemand.told_at, MaterialDemand.name)))


def settle(session: Session, demand_id: UUID, *, hall_code: str | None, words: str, actor: str) -> None:
    """A lead has looked at it and says what became of it. Raises DemandNotFound, DemandSettled.

    `hall_code` keeps a hall's lead to their own hall; None is the whole city.
    """
    demand = session.get(MaterialDemand, demand_id, with_for_update=True)
    if demand is None or hall_code not in (None, demand.hall_code):
        raise DemandNotFound()
    if demand.settled_at is not None:
        raise DemandSettled()
    demand.settled_at, demand.settled_by, demand.settled_words = clock.now(), actor, words
    session.flush()
    _told(session, "case.unlisted_settled", session.get_one(Case, demand.case_id), actor, {"words": words})


def _told(session: Session, action: str, case: Case, actor: str, data: dict[str, str]) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="case",
        object_id=case.id,
        hall_code=case.hall_code,
        data=data,
    )
