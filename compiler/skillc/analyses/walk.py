"""The one place that knows which nodes lie inside which: reading them, and rebuilding a tree around new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias, assert_never

from skillc.ir import (
    ActionCall,
    Arg,
    Assign,
    Attribute,
    Binary,
    Bind,
    Block,
    Break,
    Call,
    Compare,
    Const,
    Continue,
    Convert,
    DictExpr,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    FunctionCall,
    If,
    Index,
    Leave,
    ListExpr,
    Logic,
    LoopName,
    Name,
    Return,
    Role,
    Select,
    SetComputed,
    SkillCall,
    Stmt,
    Unary,
    Void,
)

Body: TypeAlias = tuple[Stmt, ...]


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression, in order of evaluation."""
    match expr:
        case Const() | Name() | LoopName():
            return ()
        case ListExpr():
            return expr.items
        case DictExpr():
            return tuple(part for pair in expr.pairs for part in pair)
        case Attribute() | Unary() | Convert() | Bind() | Void() | Leave():
            return (expr.value,)
        case SetComputed():
            return (expr.name, expr.value, expr.expose)
        case Expose():
            return (expr.value, expr.when)
        case Index():
            return (expr.value, expr.index)
        case Binary():
            return (expr.left, expr.right)
        case Compare():
            return (expr.first, *(operand for _, operand in expr.rest))
        case Logic():
            return expr.values
        case Call():
            return (expr.callee, *(arg.value for arg in expr.args))
        case ActionCall():
            named = (*expr.args, *expr.extra)
            return (*expr.rest, *(value for _, value in named))
        case SkillCall():
            return tuple(value for _, value in expr.args)
        case FunctionCall():
            return (*expr.args, *(value for _, value in expr.named))
        case _:
            assert_never(expr)


def own_expressions(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions a statement evaluates itself, not those of the bodies inside it."""
    match stmt:
        case Emit() | Evaluate() | Assign() | Return():
            return (stmt.value,)
        case If():
            return (stmt.test,)
        case Each():
            return (stmt.iterable,)
        case Role():
            return (stmt.role,) if stmt.name is None else (stmt.role, stmt.name)
        case Select():
            return () if isinstance(stmt.options, tuple) else (stmt.options,)
        case Block() | Break() | Continue():
            return ()
        case _:
            assert_never(stmt)


def bodies(stmt: Stmt) -> tuple[Body, ...]:
    """The statement sequences inside a statement, in the order of the template."""
    match stmt:
        case If() | Each():
            return (stmt.body, stmt.orelse)
        case Role() | Block():
            return (stmt.body,)
        case Select():
            return stmt.options if isinstance(stmt.options, tuple) else ()
        case Emit() | Evaluate() | Assign() | Return() | Break() | Continue():
            return ()
        case _:
            assert_never(stmt)


def subexpressions(expr: Expr) -> Iterator[Expr]:
    """The expression and all inside it, outer ones first."""
    todo = [expr]
    while todo:
        inner = todo.pop()
        yield inner
        todo.extend(reversed(children(inner)))


def statements(body: Iterable[Stmt]) -> Iterator[Stmt]:
    """All statements of a body and of the bodies inside, in the order of the template."""
    todo = list(body)[::-1]
    while todo:
        stmt = todo.pop()
        yield stmt
        for inner in reversed(bodies(stmt)):
            todo.extend(reversed(inner))


def expressions(body: Iterable[Stmt]) -> Iterator[Expr]:
    """All expressions of a body, nested ones included, in the order of the template."""
    for stmt in statements(body):
        for expr in own_expressions(stmt):
            yield from subexpressions(expr)


def map_children(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same expression with `change` applied to each direct part, in order of evaluation."""
    match expr:
        case Const() | Name() | LoopName():
            return expr
        case ListExpr():
            return replace(expr, items=tuple(map(change, expr.items)))
        case DictExpr():
            return replace(expr, pairs=tuple((change(k), change(v)) for k, v in expr.pairs))
        case Attribute() | Unary() | Convert() | Bind() | Void() | Leave():
            return replace(expr, value=change(expr.value))
        case SetComputed():
            name, value = change(expr.name), change(expr.value)
            return replace(expr, name=name, value=value, expose=change(expr.expose))
        case Expose():
            value = change(expr.value)
            return replace(expr, value=value, when=change(expr.when))
        case Index():
            return replace(expr, value=change(expr.value), index=change(expr.index))
        case Binary():
            return replace(expr, left=change(expr.left), right=change(expr.right))
        case Compare():
            first = change(expr.first)
            return replace(expr, first=first, rest=tuple((op, change(e)) for op, e in expr.rest))
        case Logic():
            return replace(expr, values=tuple(map(change, expr.values)))
        case Call():
            callee = change(expr.callee)
            args = tuple(Arg(arg.span, arg.name, change(arg.value)) for arg in expr.args)
            return replace(expr, callee=callee, args=args)
        case ActionCall():
            rest = tuple(map(change, expr.rest))
            args_ = tuple((name, change(value)) for name, value in expr.args)
            extra = tuple((name, change(value)) for name, value in expr.extra)
            return replace(expr, rest=rest, args=args_, extra=extra)
        case SkillCall():
            return replace(expr, args=tuple((name, change(value)) for name, value in expr.args))
        case FunctionCall():
            positional = tuple(map(change, expr.args))
            named = tuple((name, change(value)) for name, value in expr.named)
            return replace(expr, args=positional, named=named)
        case _:
            assert_never(expr)


def map_expressions(
    stmt: Stmt, change: Callable[[Expr], Expr], inside: Callable[[Body], Body]
) -> Stmt:
    """The same statement with `change` applied to its own expressions and `inside` to its bodies."""
    match stmt:
        case Emit() | Evaluate() | Assign() | Return():
            return replace(stmt, value=change(stmt.value))
        case If():
            test = change(stmt.test)
            return replace(stmt, test=test, body=inside(stmt.body), orelse=inside(stmt.orelse))
        case Each():
            iterable = change(stmt.iterable)
            body = inside(stmt.body)
            return replace(stmt, iterable=iterable, body=body, orelse=inside(stmt.orelse))
        case Role():
            role = change(stmt.role)
            name = None if stmt.name is None else change(stmt.name)
            return replace(stmt, role=role, name=name, body=inside(stmt.body))
        case Block():
            return replace(stmt, body=inside(stmt.body))
        case Select():
            if isinstance(stmt.options, tuple):
                return replace(stmt, options=tuple(map(inside, stmt.options)))
            return replace(stmt, options=change(stmt.options))
        case Break() | Continue():
            return stmt
        case _:
            assert_never(stmt)


def rewrite(body: Body, change: Callable[[Expr], Expr]) -> Body:
    """A body with `change` applied to every expression, innermost first."""

    def deep(expr: Expr) -> Expr:
        return change(map_children(expr, deep))

    def inside(inner: Body) -> Body:
        return tuple(map_expressions(stmt, deep, inside) for stmt in inner)

    return inside(body)
