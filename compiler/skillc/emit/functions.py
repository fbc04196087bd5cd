"""Macros, captures and their calls: functions inside the coroutine of a skill, whose text goes to who calls them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Literal, get_origin

import libcst as cst

from skillc.analyses.scopes import is_function, local_names
from skillc.analyses.types import ANY
from skillc.analyses.walk import bodies, own_expressions, subexpressions, taken_names
from skillc.emit import py
from skillc.emit.exprs import emit_expr, received_names
from skillc.emit.printing import Code
from skillc.emit.scope import Scope
from skillc.ir import (
    CALLER,
    ActionCall,
    Assign,
    Bind,
    Const,
    Each,
    Emit,
    Macro,
    MacroParameter,
    Name,
    Stmt,
)
from skillrt.actions import CATALOGUE
from skillrt.catalogue import Effect
from skillrt.names import python_name


@contextmanager
def inside_function(scope: Scope, stmt: Macro | Each) -> Generator[Code]:
    """Emit the body of a macro or recursive loop; the statements given here are those it begins with.

    They say which variables of the run it assigns, and that its own which may be read before they are set are unset.
    """
    own = local_names(stmt)
    declared = set(scope.declared)
    assigned = set(scope.assigned)
    scope.declared -= own
    outer = sorted({python_name(name) for name in assigned_outside(scope, stmt)})
    before: Code = [py.outer(outer)] if outer else []
    for name in sorted(own & (scope.scopes.unset | scope.scopes.loose)):
        if scope.is_used(name) or name in scope.macros:
            annotation = scope.uses.annotation(scope.variables.get(name, ANY))
            undefined = scope.uses.name("UNDEFINED")
            before.append(py.declare(python_name(name), annotation, undefined))
            scope.declared.add(name)
    scope.nesting, nesting = 0, scope.nesting
    scope.uses.closures = scope.uses.closures or nesting > 0
    yield before
    scope.nesting = nesting
    scope.declared = declared | (scope.declared - own)
    scope.assigned = assigned | (scope.assigned - own)


def assigned_outside(scope: Scope, stmt: Macro | Each) -> set[str]:
    """The variables of the run that a body assigns, if they are Python's; what macros inside assign is theirs."""
    found: set[str] = set()
    todo: list[Stmt] = [part for body in bodies(stmt) for part in body]
    own = list(own_expressions(stmt)) if isinstance(stmt, Macro) else []
    while todo:
        inner = todo.pop()
        if is_function(inner):
            own += [inner.iterable] if isinstance(inner, Each) else []
            continue
        own += own_expressions(inner)
        todo.extend(part for body in bodies(inner) for part in body)
    for expr in (part for whole in own for part in subexpressions(whole)):
        found.update(received_names(scope, expr))
        if isinstance(expr, Bind) and scope.is_used(expr.name):
            found.add(expr.name)
    return {name for name in found if not scope.in_names(name)}


def macro_start(scope: Scope, stmt: Macro) -> Code:
    """The variables that do not have the names that calls use, and defaults that are computed at each call."""
    code: Code = []
    first = scope.line(stmt)
    for word, variable in taken_names(stmt):
        name, parameter = python_name(variable), scope.parameter(word, variable)
        if name != parameter:
            declared = py.declare(name, scope.uses.name("Any"), py.name(parameter))
            code.append(scope.mark(declared, first, fails=False))
            scope.declared.add(variable)
    computed = computed_defaults(stmt)
    for number, (name, default) in enumerate(computed.items()):
        variable, line = python_name(name), scope.line(default)
        missing = py.comparison(py.name(variable), ("is", scope.uses.name("MISSING")))
        scope.pending = frozenset(list(computed)[number:])
        value = emit_expr(scope, default.value)
        scope.pending = frozenset()
        assigned = scope.mark(py.assign([py.name(variable)], value), line)
        code.append(scope.mark(py.branch(missing, [assigned]), line, fails=False))
    return code


def computed_defaults(stmt: Macro) -> dict[str, Assign]:
    """The defaults that each call assigns, by the names of their parameters: in order, as in Jinja.

    A constant is one only where a default before it reads its parameter, which is undefined until then.
    """
    found: dict[str, Assign] = {}
    read: set[str] = set()
    for each in stmt.parameters:
        if each.default is None or (isinstance(each.default, Const) and each.name not in read):
            continue
        found[each.name] = Assign(each.span, each.name, each.default)
        read |= {part.name for part in subexpressions(each.default) if isinstance(part, Name)}
    return found


def macro_function(scope: Scope, line: int, stmt: Macro, body: Code) -> Code:
    """`async def tag(w: Any = UNDEFINED, n: Any = "b") -> str: ...`

    Where the run decides what the name means, the function is a value that is assigned to it.
    """
    loose = stmt.name in scope.scopes.loose
    name = scope.fresh(scope.macros[stmt.name]) if loose else scope.macros[stmt.name]
    waits = stmt.name in scope.waiting
    made = py.function(name, parameters(scope, stmt), body, py.name("str"), waits=waits)
    code: Code = [scope.mark(made, line, fails=False)]
    if loose:
        assign = py.assign([py.name(scope.macros[stmt.name])], py.name(name))
        code.append(scope.mark(assign, line, fails=False))
    return code


def parameters(scope: Scope, stmt: Macro) -> cst.Parameters:
    """What a macro can be called with; what is not passed is undefined, or its default."""
    computed = computed_defaults(stmt)
    made = [
        any_parameter(
            scope,
            scope.parameter(each.word, each.name),
            scope.uses.name("MISSING") if each.name in computed else constant_default(scope, each),
        )
        for each in stmt.parameters
    ]
    star: cst.Param | cst.MaybeSentinel = cst.MaybeSentinel.DEFAULT
    others: cst.Param | None = None
    if stmt.varargs is not None:
        star = any_parameter(scope, python_name(stmt.varargs))
    if stmt.kwargs is not None:
        others = any_parameter(scope, python_name(stmt.kwargs))
    named: list[cst.Param] = []
    if stmt.caller is not None:
        undefined = scope.uses.name("UNDEFINED")
        named.append(any_parameter(scope, scope.parameter(CALLER, stmt.caller), undefined))
    return cst.Parameters(made, star_arg=star, kwonly_params=named, star_kwarg=others)


def any_parameter(scope: Scope, name: str, default_: cst.BaseExpression | None = None) -> cst.Param:
    """`<name>: Any = <default>`"""
    annotation = cst.Annotation(scope.uses.name("Any"))
    return cst.Param(py.name(name), annotation, default=default_)


def constant_default(scope: Scope, parameter: MacroParameter) -> cst.BaseExpression:
    """The default of a parameter, if it is known before any call."""
    if isinstance(parameter.default, Const):
        return py.constant(parameter.default.value)
    return scope.uses.name("UNDEFINED")


def sole_text(scope: Scope, body: Sequence[Stmt]) -> cst.BaseExpression | None:
    """The text that a macro or capture makes, where it is that of one action and needs no printing.

    None where macros call each other, since how deep they do is counted by their captures.
    """
    match body:
        case [Emit(value=ActionCall() as call)] if scope.shallow and looks_up(call):
            return emit_expr(scope, call)
        case _:
            return None


def looks_up(call: ActionCall) -> bool:
    """Whether an action does nothing but look up a text, which is no more than that: no record, no reply."""
    entry = CATALOGUE[call.action]
    plain = entry.returns is str or get_origin(entry.returns) is Literal
    return plain and not entry.effects & ~(Effect.READ | Effect.VOLATILE)


def capturing(scope: Scope, line: int, body: Code) -> tuple[cst.BaseStatement, cst.BaseExpression]:
    """`with out.capture() as pieces: ...`, and the text that it captured."""
    scope.prints = True
    pieces = scope.fresh("pieces")
    whole = py.within([(capture(), pieces)], body)
    return scope.mark(whole, line, fails=False), joined_pieces(pieces)


def capture() -> cst.BaseExpression:
    """`out.capture()`"""
    return py.call(py.attribute(py.name("out"), "capture"))


def joined_pieces(pieces: str) -> cst.BaseExpression:
    """`"".join(<pieces>)`"""
    return py.call(py.attribute(py.string(""), "join"), py.name(pieces))


def macro_body(scope: Scope, line: int, code: Code) -> Code:
    """What a macro prints, and the text as its value."""
    whole, text = capturing(scope, line, code)
    return [whole, scope.mark(py.returns(text), line, fails=False)]
