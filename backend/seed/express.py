"""Offices of the seeded halls and the policies that say who pays postage."""

from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.db import new_id
from backend.seed import data
from express.models import ExpressOffice
from express.money_models import PayerPolicy

FROM = date(2018, 8, 1)
PHONE = "0592-7703191"
"""The city hall's number as published; each hall writes its own when it checks its office."""


def load(session: Session) -> None:
    """Add the offices that are missing, and the policies when there are none; what staff have set stays as it is."""
    content = data.read("express.toml")
    offices = [
        {
            "hall_code": row["hall"],
            "division_code": row["division"],
            "name": row["name"],
            "phone": PHONE,
            "province": "福建省",
            "city": "厦门市",
            "county": row["county"],
            "line": row.get("line"),
            "verified": False,
        }
        for row in content["office"]
    ]
    session.execute(insert(ExpressOffice).on_conflict_do_nothing(), offices)
    if session.scalar(select(exists().where(PayerPolicy.id.is_not(None)))):
        return
    divisions = [row["code"] for row in data.read("places.toml")["division"]]
    for row in content["policy"]:
        for division in divisions if row.get("every_division") else [row.get("division")]:
            session.add(
                PayerPolicy(
                    id=new_id(),
                    priority=row["priority"],
                    name=row["name"],
                    category_code=row.get("category"),
                    division_code=division,
                    direction=row.get("direction"),
                    valid_from=FROM,
                    payer=row["payer"],
                    yearly_cap_fen=row.get("yearly_cap_fen"),
                    budget_code=row.get("budget"),
                    created_by="system",
                    created_at=clock.now(),
                )
            )
