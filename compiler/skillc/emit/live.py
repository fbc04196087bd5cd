"""What of a body can run: nobody reads code that cannot, and type checkers do not look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from skillc.analyses.walk import Body, expressions, map_expressions, statements
from skillc.ir import (
    Assign,
    Block,
    Break,
    Capture,
    CloseRole,
    Const,
    Continue,
    Each,
    Emit,
    Evaluate,
    Expr,
    If,
    Logic,
    Macro,
    MacroCall,
    Name,
    OpenRole,
    Return,
    Role,
    Select,
    SetField,
    Stmt,
    Unary,
    Unpack,
)


def live_body(body: Body) -> tuple[Body, bool]:
    """The statements that can run, and whether the end of the body can be reached.

    Before: If(false: Emit(a) else Return(b)), Emit(c)    After: Return(b)
    """
    live: list[Stmt] = []
    for stmt in body:
        statements, goes_on = _live(stmt)
        live += statements
        if not goes_on:
            return tuple(live), False
    return tuple(live), True


def without_uncalled(body: Body) -> Body:
    """The body without the macros that nothing calls but themselves and each other."""
    calls: dict[str, set[str]] = {}
    for stmt in statements(body):
        if isinstance(stmt, Macro):
            calls.setdefault(stmt.name, set()).update(_calls(stmt))
    called: set[str] = set()
    todo = [name for stmt in _with_macros(body, called) for name in _calls(stmt)]
    while todo:
        name = todo.pop()
        if name not in called:
            called.add(name)
            todo.extend(calls.get(name, ()))
    return _with_macros(body, called)


def _calls(stmt: Stmt) -> Iterator[str]:
    """The macros that a statement calls, and all inside it."""
    for expr in expressions((stmt,)):
        if isinstance(expr, MacroCall):
            yield from filter(None, (expr.macro, expr.caller))


def _with_macros(body: Body, called: set[str]) -> Body:
    def inside(inner: Body) -> Body:
        return _with_macros(inner, called)

    # No generator: Python 3.12 bears few of them inside each other, whatever its limit.
    kept = [stmt for stmt in body if not isinstance(stmt, Macro) or stmt.name in called]
    changed = [map_expressions(stmt, lambda expr: expr, inside) for stmt in kept]
    return tuple(changed)


def _live(stmt: Stmt) -> tuple[Body, bool]:
    match stmt:
        case Assign(name=name, value=Name(name=same)) if same == name:
            return (), True
        case Emit() | Evaluate() | Assign() | Unpack() | SetField() | OpenRole() | CloseRole():
            return (stmt,), True
        case Macro():
            return (replace(stmt, body=live_body(stmt.body)[0]),), True
        case If():
            return _live_branches(stmt)
        case Each():
            inner, orelse = live_body(stmt.body)[0], live_body(stmt.orelse)[0]
            return (replace(stmt, body=inner, orelse=orelse),), True
        case Role() | Block() | Capture():
            inner, goes_on = live_body(stmt.body)
            return (replace(stmt, body=inner),), goes_on
        case Select():
            if not isinstance(stmt.options, tuple):
                return (stmt,), True
            options = [live_body(option) for option in stmt.options]
            goes_on = all(goes_on for _, goes_on in options)
            return (replace(stmt, options=tuple(option for option, _ in options)),), goes_on
        case Return() | Break() | Continue():
            return (stmt,), False
        case _:
            assert_never(stmt)


def _live_branches(stmt: If) -> tuple[Body, bool]:
    """A chain of branches without those whose test is a literal, walked without recursion: it may be long."""
    branches: list[tuple[If, Body]] = []
    orelse: Body = (stmt,)
    goes_on = False
    while len(orelse) == 1 and isinstance(orelse[0], If):
        branch = orelse[0]
        taken = truth(branch.test)
        if isinstance(branch.test, Const):
            orelse = branch.body if taken else branch.orelse
            if taken:
                break
            continue
        body, body_goes_on = ((), True) if taken is False else live_body(branch.body)
        goes_on = goes_on or body_goes_on
        branches.append((branch, body))
        orelse = () if taken else branch.orelse
    whole, else_goes_on = live_body(orelse)
    for branch, body in reversed(branches):
        whole = (replace(branch, body=body, orelse=whole),)
    return whole, goes_on or else_goes_on


def truth(expr: Expr) -> bool | None:
    """Whether a test holds whatever the variables are, None when that depends on them."""
    match expr:
        case Const():
            return bool(expr.value)
        case Unary(op="not"):
            inner = truth(expr.value)
            return None if inner is None else not inner
        case Logic():
            known = {truth(value) for value in expr.values}
            decisive = expr.op == "or"
            if decisive in known:
                return decisive
            return not decisive if known == {not decisive} else None
        case _:
            return None
