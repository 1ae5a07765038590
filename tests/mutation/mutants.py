"""Small faults made on purpose: each changes one node of a module's syntax tree."""

import ast
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType
from typing import NamedTuple

PAIRS = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.Is, ast.IsNot)),
    *((ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.FloorDiv)),
)
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    **dict(PAIRS),
    **{b: a for a, b in PAIRS},
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
}
CALLS = {"max": "min", "min": "max", "any": "all", "all": "any"}
EXPLAINED = {"ValueError", "TypeError", "Unreadable"}
"""Errors whose text only people read."""

Change = tuple[str, Callable[[], ast.AST]]
"""Words, and a maker of the replacement."""


class Mutant(NamedTuple):
    """One fault: where it is and what was done."""

    line: int
    what: str
    code: CodeType


def mutants(source: str, path: str, within: tuple[str, ...]) -> Iterator[Mutant]:
    """Every fault of a module, or of the functions named in `within` (`name` or `Class.name`)."""
    number = 0
    while True:
        tree = ast.parse(source)
        fault = _Fault(number)
        for root in [_named(tree, name) for name in within] or [tree]:
            fault.generic_visit(root)
        if fault.made is None:
            return
        yield Mutant(*fault.made, compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True))
        number += 1


def _named(tree: ast.AST, name: str) -> ast.AST:
    for part in name.split("."):
        tree = next(node for node in ast.iter_child_nodes(tree) if getattr(node, "name", "") == part)
    return tree


class _Fault(ast.NodeTransformer):
    """Makes the fault with this number. Imports, documentation, types and explanations have no effect to be tested."""

    def __init__(self, number: int) -> None:
        self.left, self.line = number, 0
        self.made: tuple[int, str] | None = None

    def visit(self, node: ast.AST) -> ast.AST:
        self.line = getattr(node, "lineno", self.line)
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.arg)) or (
            (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            or (isinstance(node, ast.Call) and getattr(node.func, "id", "") in EXPLAINED)
        ):
            return node
        if isinstance(node, ast.AnnAssign):
            node.value = node.value and self.visit(node.value)  # type: ignore[assignment]
            return node
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        for what, make in _changes(node) if self.made is None else []:
            if self.left == 0:
                self.made = self.line, what
                return make()
            self.left -= 1
        return self.generic_visit(node)


def _changes(node: ast.AST) -> list[Change]:  # noqa: C901 - one case for each kind of node
    """What can be done to one node."""
    match node:
        case ast.Constant(value=bool() as value):
            return [(f"{value} → {not value}", lambda: ast.Constant(not value))]
        case ast.Constant(value=int() as number):
            return [(f"{number} → {number + 1}", lambda: ast.Constant(number + 1))]
        case ast.Constant(value=str() as text):
            return [(f"{text!r} → {'x' + text!r}", lambda: ast.Constant("x" + text))]
        case ast.Constant(value=bytes() as raw):
            return [(f"{raw!r} → {b'x' + raw!r}", lambda: ast.Constant(b"x" + raw))]
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return [("sign left out", lambda: operand)]
        case ast.Call(func=ast.Name(id="max" | "min" | "any" | "all" as name), args=given):
            return [(f"{name} → {CALLS[name]}", lambda: ast.Call(ast.Name(CALLS[name], ast.Load()), given, []))]
        case ast.Return(value=ast.expr()) if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            return [("returns None", lambda: ast.Return(ast.Constant(None)))]
        case ast.Raise():
            return [("raises nothing", ast.Pass)]
        case ast.If(test=test) | ast.IfExp(test=test):
            return [("condition turned round", partial(_with, node, test=ast.UnaryOp(ast.Not(), test)))]
        case ast.Dict(keys=keys, values=values):
            return [
                (f"entry {n} left out", partial(ast.Dict, keys[:n] + keys[n + 1 :], values[:n] + values[n + 1 :]))
                for n in range(len(keys))
            ]
        case ast.Set(elts=all_of):
            return [
                (f"element {n} left out", partial(ast.Set, all_of[:n] + all_of[n + 1 :])) for n in range(len(all_of))
            ]
    swap = SWAPS.get(type(node))
    return [(f"{type(node).__name__} → {swap.__name__}", swap)] if swap else []


def _with(node: ast.AST, **fields: ast.AST) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node
