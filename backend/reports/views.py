"""Figures as they are shown: in the order of the indicators, with targets where one is set."""

from fractions import Fraction
from typing import Any, Final

from sqlalchemy.orm import Session

from backend.core.errors import Text
from backend.reports import scope
from backend.reports.figures import Figures, Grouped
from backend.reports.indicators import INDICATORS, Figure, Indicator
from backend.reports.scope import By, Scope

Body = dict[str, Any]
ALL: Final = Text("合计", "All")
WHAT: Final = Text("范围", "Part")
COUNTED: Final = Text("分子", "counted")
AMONG: Final = Text("分母", "among")


def figures(found: Figures, part: Scope, by: By | None = None) -> list[Body]:
    """The figures of a scope, or of one group of it, that were counted at all."""
    return [_figure(one, found[code], _target(one, part, by)) for code, one in INDICATORS.items() if code in found]


def groups(session: Session, found: Grouped, part: Scope, by: By | None, language: str) -> list[Body]:
    """Each group with its name: months in order, others as their kind has them."""
    return [
        {"key": str(key), "name": name, "figures": figures(found[key], part, by)}
        for key, name in _names(session, found, by, language).items()
    ]


def table(
    session: Session, total: Figures, grouped: Grouped, by: By | None, language: str
) -> tuple[list[str], list[list[object]]]:
    """Header and lines for a spreadsheet: three columns an indicator, the whole first."""
    header = [WHAT.in_language(language)]
    for one in INDICATORS.values():
        name = one.name.in_language(language)
        header += [name, *(f"{name}·{part.in_language(language)}" for part in (COUNTED, AMONG))]
    named = _names(session, grouped, by, language)
    lines = [(ALL.in_language(language), total), *((name, grouped[key]) for key, name in named.items())]
    return header, [[name, *_cells(found)] for name, found in lines]


def _names(session: Session, found: Grouped, by: By | None, language: str) -> dict[Any, str]:
    if by == "month":
        return {month: f"{month:%Y-%m}" for month in sorted(found)}
    known = scope.names(session)[by] if by else {}
    return {code: name.in_language(language) for code, name in known.items() if code in found}


def indicator(one: Indicator, language: str) -> Body:
    """What an indicator means."""
    return {
        "code": one.code,
        "kind": one.kind,
        "unit": one.unit,
        "name": one.name.in_language(language),
        "formula": one.formula.in_language(language),
        "source": one.source,
        "better": one.better,
    }


def _target(one: Indicator, part: Scope, by: By | None) -> Fraction | None:
    """A department's target for a department, the city's for the whole city, none for a hall or a district."""
    if part.division is not None or part.hall is not None or by in ("division", "hall"):
        return None
    return one.department if part.department is not None or by == "department" else one.city


def _figure(one: Indicator, found: Figure, target: Fraction | None) -> Body:
    return {
        "code": one.code,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "value": found.shown(one.unit),
        "target_percent": int(target * 100) if target is not None else None,
        "reached": found.reaches(target) if target is not None and found.denominator else None,
    }


def _cells(found: Figures) -> list[object]:
    cells: list[object] = []
    for code, one in INDICATORS.items():
        figure = found.get(code)
        shown = figure.shown(one.unit) if figure else None
        cells += [float(shown) if shown else None]
        cells += [figure.numerator, figure.denominator] if figure else [None, None]
    return cells
