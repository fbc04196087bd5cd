"""Statements: IR to Python, a line of code for each line and tag of the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

import libcst as cst

from skillc.analyses.types import ANY, is_text
from skillc.emit import py
from skillc.emit.exprs import (
    defined,
    emit_action,
    emit_expr,
    emit_invoke,
    emit_name,
    emit_skill,
    exposing,
    leaving,
    printed,
    received_names,
    take,
)
from skillc.emit.functions import (
    capture,
    capturing,
    inside_function,
    joined_pieces,
    macro_body,
    macro_function,
    macro_start,
    sole_text,
)
from skillc.emit.loops import emit_each
from skillc.emit.native import is_loose
from skillc.emit.printing import Code, Printing, set_apart, template_lines, write
from skillc.emit.scope import Scope
from skillc.errors import CompilerBug
from skillc.ir import (
    ActionCall,
    Assign,
    Bind,
    Block,
    Break,
    Capture,
    CloseRole,
    Const,
    Continue,
    DictExpr,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    If,
    Invoke,
    ListExpr,
    LoopName,
    Macro,
    Name,
    OpenRole,
    Return,
    Role,
    Select,
    SetField,
    SkillCall,
    Stmt,
    Target,
    Unary,
    Unpack,
    Void,
    target_names,
)
from skillc.source import Span
from skillrt.names import python_name

LONGEST_CHAIN: Final = 30
"""Branches of one `if` statement: Python and libcst nest each `elif` in the one before."""


def emit_body(scope: Scope, body: Sequence[Stmt]) -> Code:
    """The code of a sequence of statements."""
    code: Code = []
    printing = Printing()
    for stmt in body:
        match stmt:
            case Emit(value=Const(value=None)) if scope.skill.runner == "guidance":
                pass
            case Emit(value=Const(value=value)):
                for line, text in template_lines(scope.skill.source, stmt, str(value)):
                    code += printing.add(scope, line, text)
            case Emit(value=Name() as name) if scope.is_local(name.name):
                code += printing.add(scope, scope.line(stmt), printed(scope, name))
            case Emit(value=LoopName(name="index" | "index1") as place) if isinstance(
                emit_expr(scope, place), cst.Name
            ):
                node = emit_expr(scope, place)
                code += printing.add(scope, scope.line(stmt), node, is_number=True)
            case _:
                code += printing.end(scope)
                code += emit_stmt(scope, stmt)
    return set_apart(scope, code + printing.end(scope))


def emit_stmt(scope: Scope, stmt: Stmt) -> Code:
    """The code of one statement."""
    line = scope.line(stmt)
    match stmt:
        case Emit():
            return emit_print(scope, line, stmt.value)
        case Evaluate():
            return emit_effect(scope, line, stmt.value)
        case Assign(name=name, value=Expose(name=shown, value=value, when=Const() as when)):
            return [*emit_assign(scope, line, name, value), expose(scope, line, shown, name, when)]
        case Assign():
            return emit_assign(scope, line, stmt.name, stmt.value)
        case Unpack():
            return emit_unpack(scope, line, stmt)
        case SetField():
            return [emit_set_field(scope, line, stmt)]
        case Capture():
            return emit_capture(scope, line, stmt)
        case Macro():
            return emit_macro(scope, line, stmt)
        case If():
            return emit_if(scope, stmt)
        case Each():
            return emit_each(scope, line, stmt, emit_body)
        case Role():
            return [emit_role(scope, line, stmt)]
        case OpenRole():
            return [emit_role_tag(scope, line, "open_role", py.string(stmt.role))]
        case CloseRole():
            return [emit_role_tag(scope, line, "close_role")]
        case Block():
            return emit_block(scope, line, stmt)
        case Select():
            return emit_select(scope, line, stmt)
        case Return():
            return emit_return(scope, line, stmt.value)
        case Break():
            return [scope.mark(py.line(cst.Break()), line, fails=False)]
        case Continue():
            return [scope.mark(py.line(cst.Continue()), line, fails=False)]
        case _:
            assert_never(stmt)


def emit_whole(scope: Scope, line: int, expr: Expr) -> tuple[cst.BaseExpression, Code]:
    """An expression that is all a statement evaluates, and what is to be done after the statement."""
    match expr:
        case ActionCall():
            node = emit_action(scope, expr)
        case SkillCall():
            node = emit_skill(scope, expr)
        case Invoke():
            node = emit_invoke(scope, expr)
        case _:
            return emit_expr(scope, expr), []
    names = received_names(scope, expr)
    taken = [set_variables(scope, line, [name], take(scope, name)) for name in names]
    return node, [stmt for code in taken for stmt in code]


def emit_print(scope: Scope, line: int, expr: Expr) -> Code:
    """Print the text form of a value."""
    match expr:
        case Void():
            return emit_effect(scope, line, expr.value)
        case Bind() if scope.is_used(expr.name) and not scope.in_names(expr.name):
            name = Name(expr.span, expr.name)
            code = emit_assign(scope, line, expr.name, expr.value)
            return [*code, scope.mark(write(scope, printed(scope, name)), line)]
        case _:
            node, after = emit_whole(scope, line, expr)
            plain = is_text(scope.type_of(expr)) and not isinstance(node, cst.SimpleString)
            text = node if plain else scope.text(node)
            return [scope.mark(write(scope, text), line), *after]


def emit_effect(scope: Scope, line: int, expr: Expr) -> Code:
    """Evaluate a value that nobody wants."""
    match expr:
        case Const():
            return []
        case Void():
            return emit_effect(scope, line, expr.value)
        case Bind() if scope.is_used(expr.name):
            return emit_assign(scope, line, expr.name, expr.value)
        case Bind():
            return emit_effect(scope, line, expr.value)
        case _:
            node, after = emit_whole(scope, line, expr)
            if isinstance(node, cst.Call | cst.Await):
                return [scope.mark(py.evaluate(node), line), *after]
            return [scope.mark(py.assign([py.name(scope.nobody())], node), line), *after]


def emit_assign(scope: Scope, line: int, name: str, expr: Expr) -> Code:
    """Assign a variable, and those bound on the way; those that nothing reads leave only effects."""
    names = [name]
    while isinstance(expr, Bind):
        names.append(expr.name)
        expr = expr.value
    names = [name for name in names if scope.is_used(name)]
    if not names:
        return emit_effect(scope, line, expr)
    before: Code = []
    after: Code = []
    value: cst.BaseExpression
    match expr:
        case Void():
            before, value = emit_effect(scope, line, expr.value), py.string("")
        case ListExpr(items=()):
            value = py.list_of([])
        case DictExpr(pairs=()):
            value = py.dict_of([])
        case _:
            value, after = emit_whole(scope, line, expr)
    fails = not isinstance(expr, Const | Void)
    return [*before, *set_variables(scope, line, names, value, fails=fails), *after]


def set_variables(
    scope: Scope, line: int, names: Sequence[str], value: cst.BaseExpression, *, fails: bool = True
) -> Code:
    """`<a> = <b> = <value>`, with types where they are first assigned and the value does not tell them."""
    annotated: list[tuple[str, cst.BaseExpression]] = []
    targets: list[cst.BaseAssignTargetExpression] = []
    for name in names:
        identifier = python_name(name)
        if scope.in_names(name):
            targets.append(py.subscript(py.name(scope.names), py.string(identifier)))
            continue
        scope.note_assignment(name)
        targets.append(py.name(identifier))
        if name in scope.typed and name not in scope.declared:
            scope.declared.add(name)
            annotated.append((identifier, scope.uses.annotation(scope.variables[name])))
    if len(names) == 1 and annotated:
        ((identifier, annotation),) = annotated
        return [scope.mark(py.declare(identifier, annotation, value), line, fails=fails)]
    declared = [scope.mark(py.declare(*pair), line, fails=False) for pair in annotated]
    return [*declared, scope.mark(py.assign(targets, value), line, fails=fails)]


def emit_unpack(scope: Scope, line: int, stmt: Unpack) -> Code:
    """`a, b = unpack(pair, 2)`; where variables live in a dict, names of the moment take the items first."""
    count = py.constant(len(stmt.targets))
    value = scope.uses.call("unpack", emit_expr(scope, stmt.value), count)
    used = [name for name in target_names(stmt.targets) if scope.is_used(name)]
    parts = {name: scope.fresh("part") for name in used if scope.in_names(name)}
    declared: Code = []
    for name in used:
        if name in parts:
            continue
        scope.note_assignment(name)
        if name in scope.typed and name not in scope.declared:
            scope.declared.add(name)
            annotation = scope.uses.annotation(scope.variables[name])
            declaration = py.declare(python_name(name), annotation)
            declared.append(scope.mark(declaration, line, fails=False))
    names = {name: python_name(name) for name in used} | parts
    assign = py.assign([unpacked(scope, stmt.targets, names)], value)
    code = [*declared, scope.mark(assign, line)]
    for name, part in parts.items():
        code += set_variables(scope, line, [name], py.name(part), fails=False)
    return code


def unpacked(
    scope: Scope, target: Target, names: Mapping[str, str]
) -> cst.BaseAssignTargetExpression:
    """A target by the Python names of its variables; `_` for what nobody reads."""
    if isinstance(target, str):
        return py.name(names.get(target) or scope.nobody())
    parts = [unpacked(scope, part, names) for part in target]
    return py.targets(
        *(py.grouped(part) if isinstance(part, cst.Tuple) else part for part in parts)
    )


def emit_set_field(scope: Scope, line: int, stmt: SetField) -> cst.BaseStatement:
    """`set_field(ns, "n", 1)`"""
    owner, value = emit_expr(scope, stmt.owner), emit_expr(scope, stmt.value)
    return scope.mark(
        py.evaluate(scope.uses.call("set_field", owner, py.string(stmt.name), value)), line
    )


def expose(scope: Scope, line: int, shown: str, name: str, when: Const) -> cst.BaseStatement:
    """`out.expose("shared", shared)`"""
    call = exposing(scope, py.string(shown), emit_name(scope, name), when)
    return scope.mark(py.evaluate(call), line)


# --- branches and loops --------------------------------------------------------------------------


def emit_if(scope: Scope, stmt: If) -> Code:
    """A chain of branches; a long one is cut: the next part runs when no branch of the one before did.

    A sole branch that does nothing beside an `else` is turned round.
    """
    line = scope.line(stmt)
    if not stmt.body and stmt.orelse and not isinstance(stmt.orelse[0], If):
        stmt = If(stmt.span, turned_round(stmt.test), stmt.orelse, ())
    branches: list[tuple[int, cst.BaseExpression, Code]] = []
    orelse: Sequence[Stmt] = [stmt]
    while len(orelse) == 1 and isinstance(orelse[0], If):
        branch = orelse[0]
        test = emit_expr(scope, branch.test)
        branches.append((scope.line(branch), test, emit_body(scope, branch.body)))
        orelse = branch.orelse
    last = emit_body(scope, orelse)
    if len(branches) <= LONGEST_CHAIN:
        return [chained(scope, branches, py.otherwise(last) if last else None)]
    matched = scope.fresh("matched")
    code: Code = [scope.mark(py.assign([py.name(matched)], py.constant(True)), line, fails=False)]
    for start in range(0, len(branches), LONGEST_CHAIN):
        part = branches[start : start + LONGEST_CHAIN]
        if start:
            part.insert(0, (part[0][0], py.name(matched), []))
        if start + LONGEST_CHAIN < len(branches):
            missed = py.assign([py.name(matched)], py.constant(False))
            final = py.otherwise([scope.mark(missed, part[-1][0], fails=False)])
            code.append(chained(scope, part, final))
        else:
            code.append(chained(scope, part, py.otherwise(last) if last else None))
    return code


def turned_round(test: Expr) -> Expr:
    """The test that holds when `test` does not."""
    match test:
        case Unary(op="not"):
            return test.value
        case _:
            return Unary(test.span, "not", test)


def chained(
    scope: Scope, branches: list[tuple[int, cst.BaseExpression, Code]], last: cst.Else | None
) -> cst.If:
    """`if ...: ... elif ...: ... else: ...`"""
    whole: cst.If | cst.Else | None = last
    for line, test, body in reversed(branches):
        whole = scope.mark(py.branch(test, body, whole), line)
    if not isinstance(whole, cst.If):
        raise CompilerBug("an if statement without a branch")
    return whole


# --- roles, captures, choices --------------------------------------------------------------------


def emit_role(scope: Scope, line: int, stmt: Role) -> cst.BaseStatement:
    """`with out.role("system"): ...`"""
    role = py.call(py.attribute(py.name("out"), "role"), printed(scope, stmt.role))
    if stmt.name is not None:
        name = py.argument(printed(scope, stmt.name), "name")
        role = role.with_changes(args=[*role.args, name])
    items: list[tuple[cst.BaseExpression, str | None]] = [(role, None)]
    return captured(scope, line, items, emit_body(scope, stmt.body), hidden=stmt.hidden)


def emit_block(scope: Scope, line: int, stmt: Block) -> Code:
    """A part of the template whose text is kept, or forgotten, or both."""
    if stmt.name is None or not scope.is_used(stmt.name):
        body = emit_body(scope, stmt.body)
        return [captured(scope, line, [], body, hidden=True)] if stmt.hidden else body
    pieces = scope.fresh("pieces")
    body = emit_body(scope, stmt.body)
    code: Code = [captured(scope, line, [(tap(), pieces)], body, hidden=stmt.hidden)]
    return code + set_variables(scope, line, [stmt.name], joined_pieces(pieces), fails=False)


def emit_select(scope: Scope, line: int, stmt: Select) -> Code:
    """Let the model choose: from a list, or from what the options print when nobody sees it."""
    code: Code = []
    if isinstance(stmt.options, tuple):
        texts: list[cst.BaseExpression] = []
        for option in stmt.options:
            pieces = scope.fresh("option")
            body = emit_body(scope, option)
            code.append(captured(scope, line, [(tap(), pieces)], body, hidden=True))
            texts.append(joined_pieces(pieces))
        options: cst.BaseExpression = py.list_of(texts)
    else:
        options = defined(scope, stmt.options)
    function = py.attribute(scope.uses.name("actions"), "choose")
    choice = py.awaited(py.call(function, py.name("ctx"), options=options))
    if stmt.name is None or not scope.is_used(stmt.name):
        return [*code, scope.mark(write(scope, choice), line)]
    code += set_variables(scope, line, [stmt.name], choice)
    return [*code, scope.mark(write(scope, printed(scope, Name(stmt.span, stmt.name))), line)]


def captured(
    scope: Scope,
    line: int,
    items: list[tuple[cst.BaseExpression, str | None]],
    body: Code,
    *,
    hidden: bool,
) -> cst.BaseStatement:
    """`with <items>: ...`, hidden if asked."""
    scope.prints = True
    if hidden:
        forget = py.call(py.attribute(py.name("out"), "hidden"))
        items = [(forget, None), *items]
    return scope.mark(py.within(items, body), line, fails=False)


def emit_role_tag(
    scope: Scope, line: int, method: str, *role: cst.BaseExpression
) -> cst.BaseStatement:
    """`out.open_role("system")`, `out.close_role()`"""
    scope.prints = True
    call = py.call(py.attribute(py.name("out"), method), *role)
    return scope.mark(py.evaluate(call), line, fails=False)


def emit_capture(scope: Scope, line: int, stmt: Capture) -> Code:
    """A part of the template whose text goes into a variable alone."""
    sole = sole_text(scope, stmt.body)
    if sole is not None and scope.is_used(stmt.name):
        return set_variables(scope, scope.line(stmt.body[0]), [stmt.name], sole)
    body = emit_body(scope, stmt.body)
    if not scope.is_used(stmt.name):
        return [captured(scope, line, [(capture(), None)], body, hidden=False)]
    whole, text = capturing(scope, line, body)
    return [whole, *set_variables(scope, line, [stmt.name], text, fails=False)]


def emit_macro(scope: Scope, line: int, stmt: Macro) -> Code:
    """A function inside the skill's."""
    with inside_function(scope, stmt) as before:
        start = macro_start(scope, stmt)
        sole = sole_text(scope, stmt.body)
        if sole is None:
            code = macro_body(scope, line, [*start, *emit_body(scope, stmt.body)])
        else:
            code = [*start, scope.mark(py.returns(sole), scope.line(stmt.body[0]))]
    first = [scope.mark(statement, line, fails=False) for statement in before]
    return macro_function(scope, line, stmt, [*first, *code])


def tap() -> cst.BaseExpression:
    """`out.tap()`"""
    return py.call(py.attribute(py.name("out"), "tap"))


# --- the end -------------------------------------------------------------------------------------


def emit_return(scope: Scope, line: int, expr: Expr) -> Code:
    """End the skill with a value; what a skill called here exposes comes too late to be taken."""
    value = leaving(scope, expr, emit_whole(scope, line, expr)[0])
    fails = not isinstance(expr, Const)
    if scope.types.result <= ANY or not is_loose(expr, scope.type_of):
        return [scope.mark(py.returns(value), line, fails=fails)]
    result = scope.fresh("result")
    annotation = scope.uses.annotation(scope.types.result)
    return [
        scope.mark(py.declare(result, annotation, value), line),
        scope.mark(py.returns(py.name(result)), line, fails=False),
    ]


def emit_end(scope: Scope) -> cst.BaseStatement:
    """The return at the end of a body: the result variable if the skill has one, else ""."""
    source = scope.skill.source
    line = source.line(len(source.text))
    name = scope.skill.result_variable
    if not scope.scopes.result_bound:
        return scope.mark(py.returns(py.string("")), line, fails=False)
    value = defined(scope, Name(Span(0, 0), name))
    return scope.mark(py.returns(value), line, fails=False)
