"""What an item asks for and what has been given: 材料清单."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.forms import Form, is_shown
from backend.applications.models import Application, ApplicationPaper
from backend.catalogue import queries as catalogue
from backend.catalogue.values import CancelledProof, Item, Material
from backend.core import clock, crypto
from backend.core.errors import FieldError, Text
from backend.files import service as files
from backend.files.models import File
from backend.files.states import State
from backend.licences import service as licences
from backend.licences.models import LicenceFetch
from backend.licences.states import State as FetchState

APPLICATION: Final = "application"
"""What files of an application belong to; their `material` is the requirement they fill."""

UPLOAD, FETCH, GENERATED, WINDOW, OPTIONAL, NOTHING = "upload", "fetch", "generated", "window", "optional", "nothing"


@dataclass(frozen=True)
class Given:
    """One thing given for a requirement: a file, a licence, or paper seen at the window."""

    kind: str
    id: UUID | None
    state: str
    name: str | None = None
    media_type: str | None = None
    pages: int | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Requirement:
    """One material of the item. `required` is what the application cannot do without; 免提交 never is."""

    material: Material
    how: str
    required: bool
    cancelled: CancelledProof | None = None
    given: tuple[Given, ...] = field(default=())

    @property
    def done(self) -> bool:
        """Nothing more is needed for it."""
        return not self.required or any(one.state in USABLE for one in self.given)


USABLE: Final = ("ready", "found", "seen")
EXPIRED: Final = "expired"
PENDING: Final = ("receiving", "checking", "requested")


def requirements(
    session: Session, item: Item, form: Form, answers: Mapping[str, Any], application: Application | None = None
) -> list[Requirement]:
    """What is asked for, in the order of the guide, with what was given so far."""
    there = given(session, application) if application is not None else {}
    return [
        _requirement(session, material, how_given(form, material), tuple(there.get(material.id, ())))
        for material in item.materials
        if is_shown(_rule(form, material).get("when"), answers)
    ]


def _requirement(session: Session, material: Material, how: str, given_: tuple[Given, ...]) -> Requirement:
    """A proof that was cancelled since the guide was written is asked of nobody (circular clause 20)."""
    cancelled = catalogue.cancelled_proof(session, material.name, on=clock.today())
    if cancelled is not None and not material.exempt:
        return Requirement(material, NOTHING, required=False, cancelled=cancelled, given=given_)
    return Requirement(material, how, how in (UPLOAD, FETCH) and not material.exempt, given=given_)


def how_given(form: Form, material: Material) -> str:
    """upload, fetch, generated from the answers, only at the window, optional, or nothing to give."""
    if material.source == "none":
        return NOTHING
    by_source = UPLOAD if material.source == "applicant" else FETCH
    return str(_rule(form, material).get("how", by_source))


def problems(asked: Sequence[Requirement]) -> list[FieldError]:
    """What is still missing; each pointer names the material."""
    return [
        FieldError(
            f"/materials/{one.material.id}",
            Text(f"还差材料：{one.material.name.zh}", f"Still missing: {one.material.name.en}"),
        )
        for one in asked
        if not one.done
    ]


def given(session: Session, application: Application) -> dict[str, list[Given]]:
    """By requirement, in the applicant's order."""
    found: dict[str, list[Given]] = {}
    papers = select(ApplicationPaper.requirement).where(ApplicationPaper.application_id == application.id)
    for requirement in session.scalars(papers):
        found.setdefault(requirement, []).append(Given("paper", None, "seen"))
    mine = (APPLICATION, str(application.id))
    live = (File.subject_type == mine[0]) & (File.subject_id == mine[1]) & (File.state != State.GONE)
    for one in session.scalars(select(File).where(live).order_by(File.position, File.id)):
        found.setdefault(one.material or "", []).append(_file(one))
    for fetch in licences.of_subject(session, *mine):
        found.setdefault(fetch.material, []).append(_licence(fetch))
    return found


def _licence(fetch: LicenceFetch) -> Given:
    over = fetch.valid_until is not None and fetch.valid_until < clock.today()
    state = EXPIRED if over and fetch.state == FetchState.FOUND else str(fetch.state)
    digest = fetch.content_sha256.hex() if fetch.content_sha256 else None
    return Given("licence", fetch.id, state, fetch.identifier, digest=digest)


def _file(one: File) -> Given:
    name = crypto.unseal(one.name, table="file", column="name", row=one.id)
    state = EXPIRED if files.has_expired(one) else str(one.state)
    return Given("file", one.id, state, name, one.media_type, one.pages, one.sha256.hex())


def _rule(form: Form, material: Material) -> Mapping[str, Any]:
    return form.materials.get(material.id.partition(".")[2], {})
