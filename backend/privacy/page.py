"""docs/retention.md, written from the classes."""

from backend.core.retention import CLASSES, IMPERSONAL

HEAD = """\
# 保存期限 · How long records are kept

Written from `backend/core/retention.py` by `make diagrams`; a test compares. Days run from the event named. Money facts
(sums, numbers, dates) and the figures of the halls stay without a name. A legal hold stops every row below for its
subject. Backups follow after their own rotation. The audit trail names opaque ids only and is never purged.
"""


def page() -> str:
    """docs/retention.md as it should be now."""
    lines = [
        HEAD,
        "| Class | What | Days | From | Then | Basis | Kept after closing the account |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in CLASSES:
        days = "until the account is closed" if one.days is None else str(one.days)
        setting = f" (`{one.setting}`)" if one.setting else ""
        texts = (f"{text.zh} · {text.en}" for text in (one.name, one.since, one.after, one.basis))
        name, since, after, basis = texts
        kept = "yes" if one.stays else "no"
        lines.append(f"| {one.code} | {name} | {days}{setting} | {since} | {after} | {basis} | {kept} |")
    lines += ["", "## Where the rows are", "", "| Class | Tables | Purged by |", "|---|---|---|"]
    for one in CLASSES:
        lines.append(f"| {one.code} | {', '.join(one.tables) or 'as above'} | `{one.purge}` |")
    lines += ["", "## Tables that tell nothing about a citizen", "", "| Table | Why |", "|---|---|"]
    lines += [f"| {table} | {why} |" for table, why in IMPERSONAL.items()]
    return "\n".join(lines) + "\n"
