"""Statements: IR to Python, a line of code for each line and tag of the template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

import libcst as cst

from skillc.analyses.types import ANY, is_text
from skillc.analyses.walk import bodies, expressions, own_expressions, subexpressions
from skillc.emit import py
from skillc.emit.exprs import (
    defined,
    emit_action,
    emit_expr,
    emit_name,
    emit_skill,
    exposing,
    leaving,
    printed,
    received_names,
    take,
)
from skillc.emit.native import is_loose
from skillc.emit.printing import Code, Line, template_lines, write
from skillc.emit.scope import Loop, Scope
from skillc.errors import CompilerBug
from skillc.ir import (
    ActionCall,
    Assign,
    Bind,
    Block,
    Break,
    Const,
    Continue,
    DictExpr,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    If,
    ListExpr,
    LoopName,
    Name,
    Return,
    Role,
    Select,
    SkillCall,
    Stmt,
    Unary,
    Void,
)
from skillc.source import Span
from skillrt.names import python_name

LONGEST_CHAIN: Final = 30
"""Branches of one `if` statement: Python and libcst nest each `elif` in the one before."""


def emit_body(scope: Scope, body: Sequence[Stmt]) -> Code:
    """The code of a sequence of statements."""
    code: Code = []
    printing = Line()
    for stmt in body:
        match stmt:
            case Emit(value=Const(value=None)):
                pass
            case Emit(value=Const(value=value)):
                for line, text in template_lines(scope.skill.source, stmt, str(value)):
                    code += printing.add(scope, line, text)
            case Emit(value=Name() as name) if scope.is_local(name.name):
                code += printing.add(scope, scope.line(stmt), printed(scope, name))
            case _:
                code += printing.end(scope)
                code += emit_stmt(scope, stmt)
    return code + printing.end(scope)


def emit_stmt(scope: Scope, stmt: Stmt) -> Code:
    """The code of one statement."""
    line = scope.line(stmt)
    match stmt:
        case Emit():
            return emit_print(scope, line, stmt.value)
        case Evaluate():
            return emit_effect(scope, line, stmt.value)
        case Assign(name=name, value=Expose(name=shown, value=value, when=Const(value=True))):
            return [*emit_assign(scope, line, name, value), expose(scope, line, shown, name)]
        case Assign():
            return emit_assign(scope, line, stmt.name, stmt.value)
        case If():
            return emit_if(scope, stmt)
        case Each():
            return emit_each(scope, line, stmt)
        case Role():
            return [emit_role(scope, line, stmt)]
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
            text = node if plain else scope.uses.call("text", node)
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
            ignored = scope.ignored if scope.ignored == "_" else scope.fresh("_")
            return [scope.mark(py.assign([py.name(ignored)], node), line), *after]


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


def expose(scope: Scope, line: int, shown: str, name: str) -> cst.BaseStatement:
    """`out.expose("shared", shared)`"""
    call = exposing(scope, py.string(shown), emit_name(scope, name), Const(Span(0, 0), value=True))
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


def emit_each(scope: Scope, line: int, stmt: Each) -> Code:
    """A loop over pairs of key and item, numbered if the body asks; its `else` runs when there was no item."""
    items: cst.BaseExpression = scope.uses.call("each", emit_expr(scope, stmt.iterable))
    asked = set(loop_names(stmt.body))
    loop = Loop(
        index=scope.fresh("index") if asked & {"index", "first", "last"} else "",
        key=scope.fresh("key") if "key" in asked else "",
        items=scope.fresh("items") if "last" in asked or stmt.orelse else "",
    )
    code: Code = []
    if loop.items:
        code.append(scope.mark(py.assign([py.name(loop.items)], items), line))
        items = py.name(loop.items)
    read = {expr.name for expr in expressions(stmt.body) if isinstance(expr, Name)}
    item = python_name(stmt.item) if stmt.item in read else scope.ignored
    scope.note_assignment(stmt.item)
    target: cst.BaseAssignTargetExpression = py.name(scope.ignored)
    if loop.key or item != scope.ignored:
        target = py.targets(py.name(loop.key or scope.ignored), py.name(item))
    if loop.index:
        items = py.call(py.name("enumerate"), items)
        if isinstance(target, cst.Tuple):
            target = target.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        target = py.targets(py.name(loop.index), target)
    scope.loops.append(loop)
    body = emit_body(scope, stmt.body)
    scope.loops.pop()
    code.append(scope.mark(py.loop(target, items, body), line))
    if stmt.orelse:
        empty = py.negation(py.name(loop.items))
        code.append(scope.mark(py.branch(empty, emit_body(scope, stmt.orelse)), line, fails=False))
    return code


def loop_names(body: Sequence[Stmt]) -> Iterator[str]:
    """What a loop's body asks of this loop: `index`, `first`, `last`, `key`."""
    todo = list(body)
    while todo:
        stmt = todo.pop()
        for own in own_expressions(stmt):
            for expr in subexpressions(own):
                if isinstance(expr, LoopName):
                    yield expr.name
        todo.extend(
            inner
            for inside in (bodies(stmt)[1:] if isinstance(stmt, Each) else bodies(stmt))
            for inner in inside
        )


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


def tap() -> cst.BaseExpression:
    """`out.tap()`"""
    return py.call(py.attribute(py.name("out"), "tap"))


def joined_pieces(pieces: str) -> cst.BaseExpression:
    """`"".join(<pieces>)`"""
    return py.call(py.attribute(py.string(""), "join"), py.name(pieces))


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
