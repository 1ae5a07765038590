"""Writing forms, ways of filing and staff's words from the seed."""

from sqlalchemy.orm import Session

from backend.applications import forms
from backend.applications.form_models import CaseText, ItemFiling, ServiceForm
from backend.core import clock
from backend.seed.data import Table


def form(session: Session, row: Table) -> None:
    """One version of a form. ValueError when it is there and says something else: what is in force never changes."""
    schema = forms.schema_of(row["page"])
    said = {
        "schema": schema,
        "pages": row["page"],
        "materials": row.get("materials", {}),
        "fees": row.get("fees", {}),
        "valid_from": row["valid_from"],
    }
    there = session.get(ServiceForm, (row["item"], row["version"]))
    if there is None:
        session.add(ServiceForm(item_slug=row["item"], version=row["version"], created_at=clock.now(), **said))
    elif any(getattr(there, name) != value for name, value in said.items()):
        raise ValueError(f"form {row['item']} version {row['version']} is in force: give the change a new version")


def way(session: Session, row: Table) -> None:
    """How an item is filed."""
    session.merge(
        ItemFiling(
            item_slug=row["item"],
            mode=row["mode"],
            fee_blocks=row.get("fee_blocks", "result"),
            owner_hall=row.get("owner_hall"),
            departments=row.get("departments", []),
        )
    )


def words(session: Session, row: Table) -> None:
    """Words that staff choose from."""
    session.merge(
        CaseText(
            code=row["code"],
            position=row["position"],
            purpose=row["purpose"],
            text_zh=row["text"]["zh"],
            text_en=row["text"]["en"],
        )
    )
