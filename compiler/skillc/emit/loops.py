"""Loops: over what their dialect walks, with as little beside the items as their bodies ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, TypeAlias

import libcst as cst

from skillc.analyses.waiting import passes_point
from skillc.analyses.walk import bodies, expressions, own_expressions, subexpressions
from skillc.emit import py
from skillc.emit.exprs import emit_expr
from skillc.emit.functions import inside_function
from skillc.emit.printing import Code, set_apart
from skillc.emit.scope import Loop, Recursion, Scope
from skillc.ir import Each, LoopFact, LoopName, Name, Stmt, Target, target_names
from skillrt.names import python_name

EmitBody: TypeAlias = Callable[[Scope, Sequence[Stmt]], Code]

OBJECT: Final[frozenset[LoopFact]] = frozenset({"previtem", "nextitem", "loop"})
LENGTH: Final[frozenset[LoopFact]] = frozenset({"last", "length", "revindex", "revindex0"})
FROM_ONE: Final[frozenset[LoopFact]] = frozenset({"index1"})
PLACE: Final[frozenset[LoopFact]] = frozenset(
    {"index", "index1", "first", "last", "revindex", "revindex0"}
)


def emit_each(scope: Scope, line: int, stmt: Each, emit_body: EmitBody) -> Code:
    """A loop; its `else` runs when there was no item. A recursive one is a function, called at once."""
    items = emit_expr(scope, stmt.iterable)
    if not stmt.recursive:
        return emit_loop(scope, line, stmt, items, emit_body)
    name, given = scope.fresh("branch"), scope.fresh("items")
    asks = {"depth", "depth0"} & set(loop_names(stmt.body))
    depth = scope.fresh("depth") if asks else ""
    scope.recursions.append(Recursion(name, depth))
    with inside_function(scope, stmt) as before:
        code = emit_loop(scope, line, stmt, py.name(given), emit_body, depth)
    scope.recursions.pop()
    parameters = [cst.Param(py.name(given), cst.Annotation(scope.uses.name("Any")))]
    if depth:
        integer = cst.Annotation(py.name("int"))
        parameters.append(cst.Param(py.name(depth), integer, default=py.constant(0)))
    body = [*(scope.mark(stmt, line, fails=False) for stmt in before), *code]
    made = py.function(name, cst.Parameters(parameters), body, py.constant(None), waits=True)
    call = py.evaluate(py.awaited(py.call(py.name(name), items)))
    return [scope.mark(made, line, fails=False), scope.mark(call, line)]


def emit_loop(
    scope: Scope,
    line: int,
    stmt: Each,
    iterable: cst.BaseExpression,
    emit_body: EmitBody,
    depth: str = "",
) -> Code:
    """The `for` over an iterable; `depth` is the variable that says how deep it is."""
    asked = frozenset(loop_names(stmt.body))
    loop, code = Loop(depth=depth), list[cst.BaseStatement]()
    for name in target_names(stmt.item):
        scope.note_assignment(name)
    if asked & OBJECT:
        loop.whole = scope.fresh("loop")
    else:
        loop.start = int(asked & PLACE == FROM_ONE)
        loop.index = scope.fresh("index") if asked & PLACE else ""
        loop.key = scope.fresh("key") if "key" in asked else ""
        loop.items = scope.fresh("items") if asked & LENGTH or stmt.orelse else ""
    whole = loop.whole or loop.items
    items: cst.BaseExpression = walked(scope, loop, iterable)
    used = {expr.name for expr in expressions(stmt.body) if isinstance(expr, Name)}
    skip: Code = []
    if stmt.test is not None:
        test = emit_expr(scope, stmt.test)
        if whole or loop.index:
            place = target(scope, stmt.item, target_names(stmt.item))
            if py.binds(items):  # what Python refuses inside
                source = scope.fresh("walked")
                code.append(scope.mark(py.assign([py.name(source)], items), line))
                items = py.name(source)
            chosen = py.chosen(item(stmt.item), place, items, test)
            items = scope.uses.call("Steps", py.name("ctx"), chosen)
        else:
            used.update(e.name for e in subexpressions(stmt.test) if isinstance(e, Name))
            leave = scope.mark(py.line(cst.Continue()), line, fails=False)
            skip = [scope.mark(py.branch(py.negation(test), [leave]), line)]
    if loop.whole:
        extra = [py.name(depth)] if depth else []
        items = scope.uses.call("Loop", items, *extra)
    if whole:
        code.append(scope.mark(py.assign([py.name(whole)], items), line))
        items = py.name(whole)
    bound = target(scope, stmt.item, used)
    if loop.key:
        bound = py.targets(py.name(loop.key), bound)
    if loop.index:
        start = [py.constant(loop.start)] if loop.start else []
        items = py.call(py.name("enumerate"), items, *start)
        bound = py.targets(
            py.name(loop.index), py.grouped(bound) if isinstance(bound, cst.Tuple) else bound
        )
    scope.loops.append(loop)
    scope.nesting += 1
    body = set_apart(scope, [*point(scope, line, stmt), *skip, *emit_body(scope, stmt.body)])
    scope.nesting -= 1
    scope.loops.pop()
    code.append(scope.mark(py.loop(bound, items, body), line))
    if stmt.orelse:
        empty = py.negation(py.name(whole))
        code.append(scope.mark(py.branch(empty, emit_body(scope, stmt.orelse)), line, fails=False))
    return code


def walked(scope: Scope, loop: Loop, iterable: cst.BaseExpression) -> cst.Call:
    """What the loop walks, its steps counted: `each(ctx, xs)`."""
    function = "walk" if scope.skill.runner == "nsl" else "keyed" if loop.key else "each"
    return scope.uses.call(function, py.name("ctx"), iterable)


def point(scope: Scope, line: int, stmt: Each) -> Code:
    """`if ctx.due: await ctx.point()`, unless every pass reaches such a point by itself."""
    if passes_point(stmt.body):
        return []
    stop = py.awaited(py.call(py.attribute(py.name("ctx"), "point")))
    body = [scope.mark(py.evaluate(stop), line, fails=False)]
    return [scope.mark(py.branch(py.attribute(py.name("ctx"), "due"), body), line, fails=False)]


def target(scope: Scope, target_: Target, used: Collection[str]) -> cst.BaseAssignTargetExpression:
    """What a `for` binds; `_` stands for a name that is not used."""
    if isinstance(target_, str):
        return py.name(python_name(target_) if target_ in used else scope.nobody())
    parts = [target(scope, part, used) for part in target_]
    return py.targets(
        *(py.grouped(part) if isinstance(part, cst.Tuple) else part for part in parts)
    )


def item(target_: Target) -> cst.BaseExpression:
    """The value that a target was bound from."""
    if isinstance(target_, str):
        return py.name(python_name(target_))
    return py.tuple_of(map(item, target_))


def loop_names(body: Sequence[Stmt]) -> Iterator[LoopFact]:
    """What a loop's body asks of this loop."""
    todo = list(body)
    while todo:
        stmt = todo.pop()
        for own in own_expressions(stmt):
            for expr in subexpressions(own):
                if isinstance(expr, LoopName):
                    yield expr.name
        inner = bodies(stmt)[1:] if isinstance(stmt, Each) else bodies(stmt)
        todo.extend(part for inside in inner for part in inside)
