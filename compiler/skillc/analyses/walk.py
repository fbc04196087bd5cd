"""The one place that knows which nodes lie inside which: reading them, and rebuilding a tree around new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias, assert_never

from skillc.ir import (
    CALLER,
    ActionCall,
    Arg,
    Assign,
    Attribute,
    Binary,
    Bind,
    Block,
    Break,
    Call,
    Capture,
    CloseRole,
    Compare,
    Concat,
    Conditional,
    Const,
    Continue,
    Convert,
    DictExpr,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Filter,
    FunctionCall,
    If,
    Index,
    Invoke,
    Leave,
    ListExpr,
    Logic,
    LoopName,
    Macro,
    MacroCall,
    Name,
    OpenRole,
    Recur,
    Return,
    Role,
    Select,
    SetComputed,
    SetField,
    SkillCall,
    Slice,
    Stmt,
    Test,
    TupleExpr,
    Unary,
    Undefined,
    Unpack,
    Void,
    target_names,
)

Body: TypeAlias = tuple[Stmt, ...]


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression, in order of evaluation."""
    match expr:
        case Const() | Name() | Undefined() | LoopName():
            return ()
        case ListExpr() | TupleExpr():
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
        case Slice():
            return tuple(part for part in (expr.start, expr.stop, expr.step) if part is not None)
        case Binary():
            return (expr.left, expr.right)
        case Compare():
            return (expr.first, *(operand for _, operand in expr.rest))
        case Logic() | Concat():
            return expr.values
        case Conditional():
            return (expr.test, expr.body, expr.orelse)
        case Call():
            return (expr.callee, *(arg.value for arg in expr.args))
        case Filter() | Test():
            return (expr.value, *(arg.value for arg in expr.args))
        case MacroCall():
            return tuple(arg.value for arg in expr.args)
        case Invoke():
            return (expr.name, *(arg.value for arg in expr.args))
        case Recur():
            return (expr.items,)
        case ActionCall():
            named = (*expr.args, *expr.extra)
            return (*expr.rest, *(value for _, value in named))
        case SkillCall():
            return tuple(value for _, value in expr.args)
        case FunctionCall():
            unpacked = (arg.value for arg in expr.unpacked)
            return (*expr.args, *(value for _, value in expr.named), *unpacked)
        case _:
            assert_never(expr)


def own_expressions(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions a statement evaluates itself, not those of the bodies inside it.

    Those of a macro are the defaults of its parameters: they are evaluated when it is called.
    """
    match stmt:
        case Emit() | Evaluate() | Assign() | Unpack() | Return():
            return (stmt.value,)
        case SetField():
            return (stmt.owner, stmt.value)
        case Macro():
            return tuple(p.default for p in stmt.parameters if p.default is not None)
        case If():
            return (stmt.test,)
        case Each():
            return (stmt.iterable,) if stmt.test is None else (stmt.iterable, stmt.test)
        case Role():
            return (stmt.role,) if stmt.name is None else (stmt.role, stmt.name)
        case Select():
            return () if isinstance(stmt.options, tuple) else (stmt.options,)
        case Capture() | OpenRole() | CloseRole() | Block() | Break() | Continue():
            return ()
        case _:
            assert_never(stmt)


def bodies(stmt: Stmt) -> tuple[Body, ...]:
    """The statement sequences inside a statement, in the order of the template."""
    match stmt:
        case If() | Each():
            return (stmt.body, stmt.orelse)
        case Role() | Block() | Capture() | Macro():
            return (stmt.body,)
        case Select():
            return stmt.options if isinstance(stmt.options, tuple) else ()
        case Emit() | Evaluate() | Assign() | Unpack() | SetField() | OpenRole() | CloseRole():
            return ()
        case Return() | Break() | Continue():
            return ()
        case _:
            assert_never(stmt)


def bound_names(stmt: Stmt) -> tuple[str, ...]:
    """The variables that a statement assigns itself, not those of the expressions and bodies inside it."""
    match stmt:
        case Assign(name=name) | Capture(name=name) | Macro(name=name):
            return (name,)
        case Unpack():
            return target_names(stmt.targets)
        case Each():
            return target_names(stmt.item)
        case Block(name=str(name)) | Select(name=str(name)):
            return (name,)
        case _:
            return ()


def parameter_names(macro: Macro) -> tuple[str, ...]:
    """The variables that a call of a macro binds."""
    special = (macro.varargs, macro.kwargs, macro.caller)
    return (*(p.name for p in macro.parameters), *(name for name in special if name is not None))


def taken_names(macro: Macro) -> Iterator[tuple[str, str]]:
    """What calls of a macro may name: the name that they use, and that of the variable it becomes."""
    yield from ((parameter.word, parameter.name) for parameter in macro.parameters)
    if macro.caller is not None:
        yield CALLER, macro.caller


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
        case Const() | Name() | Undefined() | LoopName():
            return expr
        case ListExpr() | TupleExpr():
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
        case Slice():
            start, stop, step = (
                None if part is None else change(part)
                for part in (expr.start, expr.stop, expr.step)
            )
            return replace(expr, start=start, stop=stop, step=step)
        case Binary():
            return replace(expr, left=change(expr.left), right=change(expr.right))
        case Compare():
            first = change(expr.first)
            return replace(expr, first=first, rest=tuple((op, change(e)) for op, e in expr.rest))
        case Logic() | Concat():
            return replace(expr, values=tuple(map(change, expr.values)))
        case Conditional():
            test, body = change(expr.test), change(expr.body)
            return replace(expr, test=test, body=body, orelse=change(expr.orelse))
        case Call():
            callee = change(expr.callee)
            return replace(expr, callee=callee, args=map_args(expr.args, change))
        case Filter() | Test():
            value = change(expr.value)
            return replace(expr, value=value, args=map_args(expr.args, change))
        case MacroCall():
            return replace(expr, args=map_args(expr.args, change))
        case Invoke():
            name = change(expr.name)
            return replace(expr, name=name, args=map_args(expr.args, change))
        case Recur():
            return replace(expr, items=change(expr.items))
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
            unpacked = map_args(expr.unpacked, change)
            return replace(expr, args=positional, named=named, unpacked=unpacked)
        case _:
            assert_never(expr)


def map_args(args: tuple[Arg, ...], change: Callable[[Expr], Expr]) -> tuple[Arg, ...]:
    """The same arguments with `change` applied to their values."""
    return tuple(replace(arg, value=change(arg.value)) for arg in args)


def map_expressions(
    stmt: Stmt, change: Callable[[Expr], Expr], inside: Callable[[Body], Body]
) -> Stmt:
    """The same statement with `change` applied to its own expressions and `inside` to its bodies."""
    match stmt:
        case Emit() | Evaluate() | Assign() | Unpack() | Return():
            return replace(stmt, value=change(stmt.value))
        case SetField():
            owner = change(stmt.owner)
            return replace(stmt, owner=owner, value=change(stmt.value))
        case Macro():
            parameters = tuple(
                p if p.default is None else replace(p, default=change(p.default))
                for p in stmt.parameters
            )
            return replace(stmt, parameters=parameters, body=inside(stmt.body))
        case If():
            test = change(stmt.test)
            return replace(stmt, test=test, body=inside(stmt.body), orelse=inside(stmt.orelse))
        case Each():
            iterable = change(stmt.iterable)
            chosen = None if stmt.test is None else change(stmt.test)
            body, orelse = inside(stmt.body), inside(stmt.orelse)
            return replace(stmt, iterable=iterable, test=chosen, body=body, orelse=orelse)
        case Role():
            role = change(stmt.role)
            name = None if stmt.name is None else change(stmt.name)
            return replace(stmt, role=role, name=name, body=inside(stmt.body))
        case Block() | Capture():
            return replace(stmt, body=inside(stmt.body))
        case Select():
            if isinstance(stmt.options, tuple):
                return replace(stmt, options=tuple(map(inside, stmt.options)))
            return replace(stmt, options=change(stmt.options))
        case OpenRole() | CloseRole() | Break() | Continue():
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
