"""The IR as stable readable text: one line a statement, for goldens, comparisons and `skillc dump`.

Nothing here recurses: operator and `else if` chains are as long as their author likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    Flow,
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
    MacroParameter,
    Name,
    OpenRole,
    Recur,
    Return,
    Role,
    Select,
    SetComputed,
    SetField,
    Skill,
    SkillCall,
    Slice,
    Stmt,
    Target,
    Test,
    TupleExpr,
    Unary,
    Undefined,
    Unpack,
    Void,
)
from skillc.source import Source

Part: TypeAlias = str | Expr
Row: TypeAlias = str | Stmt
INDENT = "  "


def dump_flow(flow: Flow, *, spans: bool = False) -> str:
    """All skills of a flow; with `spans` each statement starts with its line and column."""
    return f"flow {flow.idn} as {flow.module}\n" + "".join(
        dump_skill(skill, spans=spans) for skill in flow.skills
    )


def dump_skill(skill: Skill, *, spans: bool = False) -> str:
    """One skill: a line for its head, then its body, indented."""
    parameters = ", ".join(
        p.name if p.default is None else f"{p.name}={p.default!r}" for p in skill.parameters
    )
    head = f"skill {skill.idn}({parameters}) {skill.runner} -> {skill.result_variable}"
    lines = _lines(skill.body, skill.source if spans else None)
    return "\n".join([head, *lines]) + "\n"


def dump_body(body: tuple[Stmt, ...]) -> str:
    """A sequence of statements, a line each; "" for none."""
    return "".join(f"{line[len(INDENT) :]}\n" for line in _lines(body, None))


def dump_expr(expr: Expr) -> str:
    """An expression, fully parenthesised, without its spans: equal texts are equal expressions."""
    pieces: list[str] = []
    todo: list[Part] = [expr]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            pieces.append(part)
        else:
            todo.extend(reversed(list(_parts(part))))
    return "".join(pieces)


def _lines(body: tuple[Stmt, ...], source: Source | None) -> Iterator[str]:
    todo: list[tuple[int, Row]] = [(1, stmt) for stmt in reversed(body)]
    while todo:
        depth, row = todo.pop()
        if isinstance(row, str):
            yield INDENT * depth + row
            continue
        place = ""
        if source is not None:
            line, column = source.line_column(row.span.start)
            place = f"{line}:{column} "
        head, *inner = _rows(row)
        yield f"{INDENT * depth}{place}{head[1]}"
        todo.extend((depth + below, part) for below, part in reversed(inner))


def _rows(stmt: Stmt) -> Iterator[tuple[int, Row]]:
    """The lines and statements that a statement is made of, with how much deeper each stands."""
    match stmt:
        case Emit():
            yield 0, f"emit {dump_expr(stmt.value)}"
        case Evaluate():
            yield 0, f"evaluate {dump_expr(stmt.value)}"
        case Assign():
            yield 0, f"assign {stmt.name} = {dump_expr(stmt.value)}"
        case Unpack():
            yield 0, f"assign {dump_target(stmt.targets)} = {dump_expr(stmt.value)}"
        case SetField():
            yield (
                0,
                f"assign field {stmt.name} of {dump_expr(stmt.owner)} = {dump_expr(stmt.value)}",
            )
        case Capture():
            yield 0, f"capture {stmt.name}"
            yield from _deeper(stmt.body)
        case Macro():
            yield 0, f"macro {stmt.name}({', '.join(_signature(stmt))})"
            yield from _deeper(stmt.body)
        case If():
            yield 0, f"if {dump_expr(stmt.test)}"
            yield from _deeper(stmt.body)
            while len(stmt.orelse) == 1 and isinstance(stmt.orelse[0], If):
                stmt = stmt.orelse[0]
                yield 0, f"else if {dump_expr(stmt.test)}"
                yield from _deeper(stmt.body)
            yield from _branch("else", stmt.orelse)
        case Each():
            head = f"each {dump_target(stmt.item)} in {dump_expr(stmt.iterable)}"
            test = "" if stmt.test is None else f" if {dump_expr(stmt.test)}"
            yield 0, f"{head}{test}{' recursive' if stmt.recursive else ''}"
            yield from _deeper(stmt.body)
            yield from _branch("else", stmt.orelse)
        case Role():
            name = "" if stmt.name is None else f" name {dump_expr(stmt.name)}"
            yield 0, f"role {dump_expr(stmt.role)}{name}{' hidden' if stmt.hidden else ''}"
            yield from _deeper(stmt.body)
        case OpenRole():
            yield 0, f"open role {stmt.role}"
        case CloseRole():
            yield 0, "close role"
        case Block():
            yield 0, f"block {stmt.name or '-'}{' hidden' if stmt.hidden else ''}"
            yield from _deeper(stmt.body)
        case Select():
            if isinstance(stmt.options, tuple):
                yield 0, f"select {stmt.name or '-'}"
                for option in stmt.options:
                    yield 1, "option"
                    yield from ((depth + 1, inner) for depth, inner in _deeper(option))
            else:
                yield 0, f"select {stmt.name or '-'} of {dump_expr(stmt.options)}"
        case Return():
            yield 0, f"return {dump_expr(stmt.value)}"
        case Break():
            yield 0, "break"
        case Continue():
            yield 0, "continue"
        case _:
            assert_never(stmt)


def dump_target(target: Target) -> str:
    """What a loop or an assignment binds, as templates write it."""
    if isinstance(target, str):
        return target
    return ", ".join(part if isinstance(part, str) else f"({dump_target(part)})" for part in target)


def _signature(macro: Macro) -> Iterator[str]:
    for parameter in macro.parameters:
        yield _parameter(parameter)
    for mark, name in (("*", macro.varargs), ("**", macro.kwargs), ("&", macro.caller)):
        if name is not None:
            yield f"{mark}{name}"


def _parameter(parameter: MacroParameter) -> str:
    name = parameter.name if parameter.passed is None else f"{parameter.passed} as {parameter.name}"
    return name if parameter.default is None else f"{name}={dump_expr(parameter.default)}"


def _deeper(body: tuple[Stmt, ...]) -> Iterator[tuple[int, Row]]:
    for stmt in body:
        yield 1, stmt


def _branch(head: str, body: tuple[Stmt, ...]) -> Iterator[tuple[int, Row]]:
    if body:
        yield 0, head
        yield from _deeper(body)


def _parts(expr: Expr) -> Iterator[Part]:
    """The text and the inner expressions that an expression is written with."""
    match expr:
        case Const():
            yield repr(expr.value)
        case Name():
            yield expr.name
        case Undefined():
            yield "undefined"
        case LoopName():
            yield f"@{expr.name}"
        case ListExpr():
            yield "["
            yield from _separated((item,) for item in expr.items)
            yield "]"
        case TupleExpr():
            yield "("
            yield from _separated((item,) for item in expr.items)
            yield ",)"
        case DictExpr():
            yield "{"
            yield from _separated((key, ": ", value) for key, value in expr.pairs)
            yield "}"
        case Attribute():
            yield from (expr.value, f".{expr.name}")
        case Index():
            yield from (expr.value, "[", expr.index, "]")
        case Slice():
            yield from (expr.start or "", ":", expr.stop or "", ":", expr.step or "")
        case Unary():
            yield from (f"({expr.op} ", expr.value, ")")
        case Binary():
            yield from ("(", expr.left, f" {expr.op} ", expr.right, ")")
        case Compare():
            yield from ("(", expr.first)
            for op, operand in expr.rest:
                yield from (f" {op} ", operand)
            yield ")"
        case Logic():
            yield "("
            yield from _separated(((value,) for value in expr.values), f" {expr.op} ")
            yield ")"
        case Concat():
            yield "("
            yield from _separated(((value,) for value in expr.values), " ~ ")
            yield ")"
        case Conditional():
            yield from ("(", expr.body, " if ", expr.test, " else ", expr.orelse, ")")
        case Call():
            yield from ("(", expr.callee, ")(")
            yield from _separated(map(_argument, expr.args))
            yield ")"
        case Filter():
            yield from ("(", expr.value, f" | {expr.name}(")
            yield from _separated(map(_argument, expr.args))
            yield "))"
        case Test():
            yield from ("(", expr.value, f" is {expr.name}(")
            yield from _separated(map(_argument, expr.args))
            yield "))"
        case MacroCall():
            yield f"macro {expr.macro}("
            caller = () if expr.caller is None else ((f"&{expr.caller}",),)
            yield from _separated((*map(_argument, expr.args), *caller))
            yield ")"
        case Recur():
            yield from ("recur(", expr.items, ")")
        case ActionCall():
            yield f"!{expr.action}("
            yield from _separated([*((v,) for v in expr.rest), *map(_named, expr.args)])
            if expr.extra:
                yield " | "
                yield from _separated(map(_named, expr.extra))
            yield ")"
        case SkillCall():
            yield f"@{expr.target}("
            yield from _separated(map(_named, expr.args))
            yield ")"
        case Invoke():
            yield from ("invoke[", expr.name, "](")
            yield from _separated(map(_argument, expr.args))
            yield ")"
        case FunctionCall():
            yield f"{expr.function}("
            arguments = [*((v,) for v in expr.args), *map(_named, expr.named)]
            yield from _separated([*arguments, *map(_argument, expr.unpacked)])
            yield ")"
        case Convert():
            yield from (f"<{expr.parameter}>(", expr.value, ")")
        case Bind():
            yield from (f"({expr.name} := ", expr.value, ")")
        case SetComputed():
            yield from ("([", expr.name, "] := ", expr.value, " exposed ", expr.expose, ")")
        case Expose():
            yield from (f"expose({expr.name} = ", expr.value, " if ", expr.when, ")")
        case Void():
            yield from ("void(", expr.value, ")")
        case Leave():
            yield from ("leave(", expr.value, ")")
        case _:
            assert_never(expr)


def _named(argument: tuple[str, Expr]) -> tuple[Part, ...]:
    name, value = argument
    return (f"{name}=", value)


def _argument(arg: Arg) -> tuple[Part, ...]:
    return (arg.unpack, arg.value) if arg.name is None else (f"{arg.name}=", arg.value)


def _separated(groups: Iterable[tuple[Part, ...]], separator: str = ", ") -> Iterator[Part]:
    for number, group in enumerate(groups):
        if number:
            yield separator
        yield from group
