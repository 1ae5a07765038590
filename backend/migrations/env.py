"""Alembic's entry: one connection, one transaction a migration, plain types in what it writes."""

import importlib
import os
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from backend.core.db import Base, UTCDateTime

ROOT = Path(__file__).parent.parent.parent


def import_models() -> None:
    """Tables live in the core and in each feature's `models` files."""
    for pattern in (
        "backend/core/*.py",
        "backend/*/*models.py",
        "backend/*/*/*models.py",
        "notify/models.py",
        "payments/*models.py",
        "payments/*/*models.py",
        "express/*models.py",
    ):
        for path in sorted(ROOT.glob(pattern)):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """procrastinate owns its tables; their SQL is one migration's text."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Migrations never import application code."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: sa.Connection) -> None:
    """Apply or check migrations on this connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        include_name=include_name,
        render_item=render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


import_models()
given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with sa.create_engine(os.environ["DATABASE_URL"]).connect() as opened:
        run(opened)
