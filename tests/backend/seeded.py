"""A database with the seed of Xiamen and the slots of one week."""

from datetime import date

from backend.appointments import slots
from backend.core import calendar, crypto, db
from backend.core.config import Settings
from backend.seed import express, loader, opening


def seed(settings: Settings) -> None:
    """Load halls, items, calendar, opening rules, and the slots of the week from 24 November 2026."""
    crypto.configure(crypto.Keyring.from_settings(settings))
    calendar.forget()
    engine = db.make_engine(settings)
    db.bind(engine)
    try:
        with db.transaction() as session:
            loader.load(session)
        with db.transaction() as session:
            opening.load(session)
            express.load(session)
        with db.transaction() as session:
            slots.materialise(session, first=date(2026, 11, 24), last=date(2026, 12, 1))
    finally:
        engine.dispose()
        calendar.forget()
