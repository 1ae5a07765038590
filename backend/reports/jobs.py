"""What the worker does for reports; every function opens its own transactions and may run twice."""

import tempfile
from datetime import date
from pathlib import Path
from uuid import UUID

from backend.core.db import transaction
from backend.core.sheets import Sheet
from backend.reports import exports, ledger, queries, sheets


def refresh_ledger() -> None:
    """Write the rows of changed cases until none is left."""
    while True:
        with transaction() as session:
            seen = ledger.refresh(session)
        if seen < ledger.BATCH:
            return


def write_export(export_id: str, **_: object) -> None:
    """Write an export in steps; after each it says how far it is and looks whether it was cancelled."""
    key = UUID(export_id)
    with transaction() as session:
        wanted = exports.start(session, key)
    if wanted is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        after: tuple[date, UUID] | None = None
        with Sheet(path, sheets.header(wanted.language, numbered=wanted.numbered)) as sheet:
            while True:
                with transaction() as session:
                    found = queries.page(session, exports.wanted_of(wanted), after, exports.STEP)
                    rows = queries.rows(session, found, wanted.language, numbered=wanted.numbered)
                    if not exports.note_progress(session, key, len(found)):
                        return
                sheet.add(sheets.cells(row, wanted.language, numbered=wanted.numbered) for row in rows)
                if len(found) < exports.STEP:
                    break
                after = queries.position(found[-1])
        content = path.read_bytes()
    with transaction() as session:
        exports.finish(session, key, content)


def forget_exports() -> None:
    """Delete files whose days are over."""
    with transaction() as session:
        exports.forget(session)
