"""What people are told about their case: written with its cause, sent by notify."""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from backend.applications.case_models import Case
from backend.catalogue import queries as catalogue
from backend.core import clock
from notify.service import notify


def tell(
    session: Session, case: Case, template: str, *, key: object = "", until: date | None = None, **more: Any
) -> None:
    """A notice to whoever filed. `until` is the last day of something; `key` tells repeated ones apart."""
    item = catalogue.item(session, case.item_slug)
    notify(
        session,
        person_id=case.filer_id,
        template=template,
        params={
            "item": item.name.zh,
            "item_en": item.name.en,
            "number": case.short_number,
            "until": end_of(until).isoformat() if until else None,
            **more,
        },
        subject_type="case",
        subject_id=str(case.id),
        link=f"/cases/{case.id}",
        dedupe_key=f"{template}:{case.id}:{key}",
    )


def end_of(day: date) -> datetime:
    """The last minute of a civil day."""
    return clock.instant(day + timedelta(days=1), time(0)) - timedelta(minutes=1)
