"""Asking an office: the question is written down, then the call, then its answer, each in a transaction of its own."""

from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec
from uuid import UUID

from sqlalchemy.orm import Session

from backend.core.db import retrying, transaction
from backend.core.errors import ProviderError
from backend.licences import service
from backend.licences.kinds import Source
from backend.licences.models import LicenceFetch
from backend.licences.ports import HolderMismatch, Office

P = ParamSpec("P")


def fetch(offices: Mapping[Source, Office], fetch_id: UUID) -> None:
    """Ask for what was requested and write down what came of it."""
    with transaction() as session:
        row = session.get_one(LicenceFetch, fetch_id)
        office, asked = offices[service.source_of(row)], service.question(session, row)
    try:
        found = office.fetch(asked)
    except HolderMismatch:
        _write(service.differed, fetch_id)
    except ProviderError as trouble:
        _write(service.failed, fetch_id, trouble.provider_code)
    else:
        _write(service.answered, fetch_id, asked, found)


@retrying
def _write(
    outcome: Callable[Concatenate[Session, UUID, P], None], fetch_id: UUID, *what: P.args, **named: P.kwargs
) -> None:
    with transaction() as session:
        outcome(session, fetch_id, *what, **named)
