"""Small faults made on purpose: each is one changed place of a module's syntax tree."""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import CodeType

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
CALLS = {"max": "min", "min": "max", "any": "all", "all": "any"}
EXPLAINED = {"ValueError", "TypeError", "Unreadable"}
"""Errors whose text only people read."""
SKIPPED = {"annotation", "returns", "decorator_list", "type_params"}


@dataclass(frozen=True)
class Mutant:
    """One fault: where it is and what was done."""

    line: int
    what: str
    code: CodeType


def mutants(source: str, path: str, within: tuple[str, ...]) -> Iterator[Mutant]:
    """Every fault of a module, or of the functions named in `within` (`name` or `Class.name`)."""
    tree = ast.parse(source)
    for number, place in enumerate(_places(tree, within)):
        for kind, (what, _) in enumerate(_changes(place.node)):
            twin = copy.deepcopy(tree)
            other = list(_places(twin, within))[number]
            other.put(_changes(other.node)[kind][1]())
            code = compile(ast.fix_missing_locations(twin), path, "exec", dont_inherit=True)
            yield Mutant(getattr(place.node, "lineno", place.line), what, code)


@dataclass
class _Place:
    node: ast.AST
    line: int
    put: Callable[[ast.AST], None]


def _places(tree: ast.Module, within: tuple[str, ...]) -> Iterator[_Place]:
    if not within:
        yield from _below(tree, 0)
    for name in within:
        found: ast.AST = tree
        for part in name.split("."):
            found = next(node for node in ast.iter_child_nodes(found) if getattr(node, "name", "") == part)
        yield from _below(found, 0)


def _below(parent: ast.AST, line: int) -> Iterator[_Place]:
    line = getattr(parent, "lineno", line)
    for name, value in ast.iter_fields(parent):
        if name in SKIPPED:
            continue
        nodes = value if isinstance(value, list) else [value]
        for index, node in enumerate(nodes):
            if not isinstance(node, ast.AST) or _is_silent(node):
                continue
            yield _Place(node, line, _putter(parent, name, index if isinstance(value, list) else None))
            yield from _below(node, line)


def _putter(parent: ast.AST, name: str, index: int | None) -> Callable[[ast.AST], None]:
    def put(node: ast.AST) -> None:
        if index is None:
            setattr(parent, name, node)
        else:
            getattr(parent, name)[index] = node

    return put


def _is_silent(node: ast.AST) -> bool:
    """Imports, documentation and explanations have no effect to be tested."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in EXPLAINED
    return isinstance(node, (ast.Import, ast.ImportFrom))


Change = tuple[str, Callable[[], ast.AST]]
"""Words, and a maker of the replacement."""


def _changes(node: ast.AST) -> list[Change]:
    """What can be done to one node."""
    if swap := SWAPS.get(type(node)):
        return [(f"{type(node).__name__} → {swap.__name__}", swap)]
    change = CHANGES.get(type(node))
    return change(node) if change else []


def _constant(node: ast.Constant) -> list[Change]:
    value, other = node.value, None
    if isinstance(value, bool):
        other = not value
    elif isinstance(value, int):
        other = value + 1
    elif isinstance(value, str):
        other = value + "!"
    elif isinstance(value, bytes):
        other = value + b"!"
    return [] if other is None else [(f"{value!r} → {other!r}", lambda: ast.Constant(other))]


def _unary(node: ast.UnaryOp) -> list[Change]:
    left_out = isinstance(node.op, (ast.Not, ast.USub))
    return [(f"{type(node.op).__name__} left out", lambda: node.operand)] if left_out else []


def _call(node: ast.Call) -> list[Change]:
    other = CALLS.get(node.func.id) if isinstance(node.func, ast.Name) else None
    return [(f"becomes {other}", lambda: ast.Call(ast.Name(other, ast.Load()), node.args, []))] if other else []


def _return(node: ast.Return) -> list[Change]:
    is_none = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
    return [] if is_none else [("returns None", lambda: ast.Return(ast.Constant(None)))]


def _raise(_: ast.Raise) -> list[Change]:
    return [("raises nothing", ast.Pass)]


def _condition(node: ast.If | ast.IfExp) -> list[Change]:
    def turned() -> ast.AST:
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    return [("condition turned round", turned)]


def _entries(node: ast.Dict) -> list[Change]:
    def without(place: int) -> ast.AST:
        return ast.Dict(node.keys[:place] + node.keys[place + 1 :], node.values[:place] + node.values[place + 1 :])

    return [(f"entry {place} left out", partial(without, place)) for place in range(len(node.keys))]


def _elements(node: ast.Set) -> list[Change]:
    def without(place: int) -> ast.AST:
        return ast.Set(node.elts[:place] + node.elts[place + 1 :])

    return [(f"element {place} left out", partial(without, place)) for place in range(len(node.elts))]


CHANGES: dict[type[ast.AST], Callable[..., list[Change]]] = {
    ast.Constant: _constant,
    ast.UnaryOp: _unary,
    ast.Call: _call,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.If: _condition,
    ast.IfExp: _condition,
    ast.Dict: _entries,
    ast.Set: _elements,
}
