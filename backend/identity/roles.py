"""What each role may do. A route names one permission; this table says who has it."""

from typing import Final

GATE: Final = frozenset({"check_in.scan", "check_in.undo", "hall.today", "queue.ticket"})
FILES: Final = frozenset({"files.read", "files.add"})
CASES: Final = FILES | {"cases.read", "cases.reveal"}
CLERK: Final = (
    GATE | CASES | {"booking.assist", "queue.call", "bills.issue", "express.desk", "cases.fill", "cases.receive"}
)
LEAD: Final = CLERK | {
    "person.reveal",
    "hall.manage",
    "conduct.decide",
    "queue.choose",
    "ratings.read",
    "ratings.answer",
    "staff.manage",
    "audit.hall",
    "bills.void",
    "refunds.check",
    "cases.manage",
    "cases.track",
    "booking.figures",
    "reports.read",
    "reports.numbers",
}
OPERATOR: Final = frozenset(
    {
        "platform.manage",
        "items.edit",
        "items.publish",
        "hall.today",
        "ratings.read",
        "ratings.review",
        "staff.manage",
        "staff.appoint",
        "audit.hall",
        "express.policies",
        "holds.manage",
        "cases.track",
        "booking.figures",
        "reports.read",
        "reports.city",
        "reports.numbers",
        "reports.items",
    }
)

PERMISSIONS: Final[dict[str, frozenset[str]]] = {
    "gate": GATE,
    "window_clerk": CLERK,
    "hall_lead": LEAD,
    "approver": CASES | {"cases.decide"},
    "issuing_desk": FILES | {"cases.read", "cases.issue", "express.desk"},
    "partner": FILES | {"cases.fill"},
    "platform_operator": OPERATOR,
    "finance": frozenset(
        {
            "finance.read",
            "finance.reconcile",
            "bills.issue",
            "bills.reduce",
            "refunds.approve",
            "suspense.decide",
            "express.settle",
        }
    ),
    "auditor": frozenset({"audit.read"}),
    "evaluator": frozenset({"reports.read", "reports.city", "reports.items"}),
}


def permissions_of(roles: frozenset[str]) -> frozenset[str]:
    """All permissions of these roles together."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
