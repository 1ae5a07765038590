"""Who bears a fee: features above say which bills their applicants may never get (circular clause 21)."""

from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

from payments.errors import DepartmentBears

Rule = Callable[[Session, str, str, Collection[str]], bool]
"""Whether the department bears what a subject (type, id) would be charged under these income items."""

_rules: list[Rule] = []


def register(rule: Rule) -> None:
    """Make a rule known to this process."""
    if rule not in _rules:
        _rules.append(rule)


def demand_payer(session: Session, subject_type: str, subject_id: str, codes: Collection[str]) -> None:
    """Raises DepartmentBears for a bill that its applicant does not owe."""
    if any(rule(session, subject_type, subject_id, codes) for rule in _rules):
        raise DepartmentBears()
