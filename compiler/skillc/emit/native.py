"""Where Python's own operators and functions do, and where the guarded ones of the runtime must: by static types.

Guarded code is `Any` to a type checker, whatever is known of the value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, assert_never

from skillc.analyses.types import ANY, NUMBERS, TEXTS, Type, is_text
from skillc.dump import dump_expr
from skillc.ir import (
    Attribute,
    Binary,
    Bind,
    Call,
    Compare,
    CompareOp,
    Const,
    DictExpr,
    Expose,
    Expr,
    FunctionCall,
    Index,
    ListExpr,
    Logic,
    LoopName,
    Name,
    SetComputed,
    TupleExpr,
    Unary,
    Undefined,
    Void,
)
from skillrt.functions import FUNCTIONS
from skillrt.guards import is_dict, is_tuple

TypeOf: TypeAlias = Callable[[Expr], Type]
Step: TypeAlias = tuple[CompareOp, Expr, Expr]

SCALARS: Final = TEXTS | NUMBERS | {"bool"}


def is_native(expr: Binary, type_of: TypeOf) -> bool:
    """Whether Python's own operator does: sums of numbers do not grow beyond what was added."""
    return expr.op in {"+", "-"} and are(NUMBERS, type_of(expr.left), type_of(expr.right))


def steps(expr: Compare) -> list[Step]:
    """The single comparisons of a chain."""
    found: list[Step] = []
    left = expr.first
    for op, right in expr.rest:
        found.append((op, left, right))
        left = right
    return found


def compares_natively(step: Step, type_of: TypeOf) -> bool:
    """Whether Python's own comparison does: it cannot fail, nor walk through nested values."""
    op, left, right = step
    one, other = type_of(left), type_of(right)
    match op:
        case "==" | "!=":
            singleton = is_singleton(left) or is_singleton(right)
            return not singleton and are(SCALARS, one, other)
        case "<" | "<=" | ">" | ">=":
            return are(NUMBERS, one, other) or (is_text(one) and is_text(other))
        case "in" | "not in":
            return is_text(one) and is_text(other) and not isinstance(core(right), Const)
        case "is" | "is not":
            return is_singleton(right) and not is_literal(left)
        case _:
            assert_never(op)


LITERALS: Final = (Const, ListExpr, DictExpr, TupleExpr, Unary, Void, Undefined)
"""What Python warns about when it is tested for being none: that is known beforehand."""


def is_literal(expr: Expr) -> bool:
    """Whether it may become a literal, which Python warns about where identities are compared."""
    inner = core(expr)
    depth = isinstance(inner, LoopName) and inner.name in {"depth", "depth0"}
    return depth or isinstance(inner, LITERALS)


def core(expr: Expr) -> Expr:
    """The expression that is left when nobody reads the variables it binds."""
    while isinstance(expr, Bind):
        expr = expr.value
    return expr


def are(allowed: frozenset[str], *types: Type) -> bool:
    """Whether values of all these types are surely of the allowed ones."""
    return all(bool(type_) and type_ <= allowed for type_ in types)


def is_singleton(expr: Expr) -> bool:
    """Whether an expression is the literal none, true or false."""
    return isinstance(expr, Const) and (expr.value is None or isinstance(expr.value, bool))


def signs_natively(expr: Unary, type_of: TypeOf) -> bool:
    """Whether Python's own sign does; linters take two in a row for a slip."""
    value = core(expr.value)
    signed = isinstance(value, Unary) and value.op != "not"
    negative = isinstance(value, Const) and isinstance(value.value, int | float) and value.value < 0
    return not signed and not negative and are(NUMBERS, type_of(value))


def distinct(keys: Iterable[Expr]) -> bool:
    """Whether no two keys of a dict are the same literal or name."""
    seen = [key.value if isinstance(key, Const) else (dump_expr(key),) for key in keys]
    return len(set(seen)) == len(seen)


def is_hashable(key: Expr, type_of: TypeOf) -> bool:
    """Whether a type checker takes an expression for the key of a dict."""
    return are(SCALARS | {"None"}, type_of(key)) or is_any(key, type_of)


def is_any(expr: Expr, type_of: TypeOf) -> bool:
    """Whether an expression is `Any` to a type checker, not a union with it."""
    return type_of(expr) == ANY and isinstance(expr, Name | Attribute | Index | Call)


def fits(expr: FunctionCall, type_of: TypeOf) -> bool:
    """Whether the arguments bind to the function's parameters, and their types are those it declares."""
    signature = inspect.signature(FUNCTIONS[expr.function])
    try:
        bound = signature.bind(*expr.args, **dict(expr.named)).arguments
    except TypeError:
        return False
    for name, value in bound.items():
        declared = frozenset(str(signature.parameters[name].annotation).split(" | "))
        parts = value if is_tuple(value) else value.values() if is_dict(value) else [value]
        if declared != ANY and not all(
            are(declared, type_of(part)) or is_any(part, type_of) for part in parts
        ):
            return False
    return True


def is_loose(expr: Expr | None, type_of: TypeOf) -> bool:
    """Whether the code of an expression is `Any` to a type checker although its type is known."""
    match expr:
        case Binary():
            return not is_native(expr, type_of)
        case Unary(op="-" | "+"):
            return not signs_natively(expr, type_of)
        case FunctionCall():
            return not fits(expr, type_of)
        case Logic():
            return any(is_loose(value, type_of) for value in expr.values)
        case Bind() | SetComputed() | Expose():
            return is_loose(expr.value, type_of)
        case _:
            return False
