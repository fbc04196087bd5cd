"""Expressions: IR to Python, in the template's order of evaluation, whatever has to be tucked into one expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, assert_never

import libcst as cst

from skillc.analyses.scopes import received
from skillc.analyses.types import REPLY_ATTRIBUTES, is_text
from skillc.emit import py
from skillc.emit.names import IMPORTS
from skillc.emit.native import (
    Step,
    are,
    compares_natively,
    distinct,
    fits,
    is_hashable,
    is_literal,
    is_native,
    signs_natively,
    steps,
)
from skillc.emit.scope import Loop, Scope, first_part
from skillc.errors import CompilerBug
from skillc.ir import (
    CALLER,
    ActionCall,
    Arg,
    Attribute,
    Binary,
    Bind,
    Call,
    Compare,
    CompareOp,
    Concat,
    Conditional,
    Const,
    Convert,
    DictExpr,
    Expose,
    Expr,
    Filter,
    FunctionCall,
    Index,
    Invoke,
    Leave,
    ListExpr,
    Logic,
    LoopFact,
    LoopName,
    MacroCall,
    Name,
    Recur,
    SetComputed,
    SkillCall,
    Slice,
    Test,
    TupleExpr,
    Unary,
    Undefined,
    Void,
)
from skillrt.catalogue import CATALOGUE, Action, ActionParameter
from skillrt.filters import FILTERS, TESTS
from skillrt.functions import FUNCTIONS
from skillrt.kinds import Kind
from skillrt.modules import MODULES
from skillrt.names import KEYWORDS, python_name

LONGEST_CHAIN: Final = 40
"""Python and libcst nest a chain of operators as deep as it is long; longer ones are cut into parts."""

GUARDED: Final[Mapping[str, str]] = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "%": "modulo",
    "//": "floor_divide",
    "**": "power",
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
REPLY: Final = frozenset({"Reply"})
BY_CHANCE: Final = frozenset({"random"})
OF_LOOP: Final[Mapping[LoopFact, str]] = {"index": "index0", "index1": "index"}
"""How the runtime's object calls what it knows, where that differs."""


def emit_expr(scope: Scope, expr: Expr) -> cst.BaseExpression:
    """The Python expression of an expression."""
    chain = [expr]
    while (first := first_part(chain[-1])) is not None:
        chain.append(first)
    node = emit_start(scope, chain.pop())
    parts: list[cst.BaseExpression] = []
    length = 0
    while chain:
        length += 1
        if length > LONGEST_CHAIN:
            part = scope.fresh("part")
            parts.append(py.bound(part, node))
            node, length = py.name(part), 0
        node = emit_link(scope, chain.pop(), node)
    return py.sequence([*parts, node], -1) if parts else node


def emit_link(scope: Scope, expr: Expr, first: cst.BaseExpression) -> cst.BaseExpression:
    """One link of a chain whose first operand is emitted already."""
    match expr:
        case Attribute():
            if expr.name in REPLY_ATTRIBUTES and are(REPLY, scope.type_of(expr.value)):
                return py.attribute(first, expr.name)
            return scope.uses.call("get", first, py.string(expr.name))
        case Index():
            return scope.uses.call("item", first, emit_expr(scope, expr.index))
        case Unary(op="not"):
            return py.negation(first)
        case Unary():
            if signs_natively(expr, scope.type_of):
                return py.signed(expr.op, first)
            return scope.uses.call("negate" if expr.op == "-" else "positive", first)
        case Binary():
            right = emit_expr(scope, expr.right)
            if is_native(expr, scope.type_of):
                return py.arithmetic(first, expr.op, right)
            return scope.uses.call(GUARDED[expr.op], first, right)
        case Call():
            call = scope.uses.call("call", first)
            return call.with_changes(args=[*call.args, *emit_arguments(scope, expr.args)])
        case Filter():
            function = py.attribute(scope.uses.name("filters"), FILTERS[expr.name].__name__)
            chance = [py.argument(py.attribute(py.name("ctx"), "random"), "source")]
            return cst.Call(
                function,
                [
                    py.argument(first),
                    *emit_arguments(scope, expr.args),
                    *(chance if expr.name in BY_CHANCE else []),
                ],
            )
        case Test():
            return emit_test(scope, expr, first)
        case _:
            raise CompilerBug(f"{type(expr).__name__} is no link of a chain")


def emit_start(scope: Scope, expr: Expr) -> cst.BaseExpression:
    """An expression that is no chain of operators."""
    match expr:
        case Const():
            return py.constant(expr.value)
        case Name():
            return emit_name(scope, expr.name)
        case Undefined():
            return scope.uses.name("UNDEFINED")
        case LoopName():
            return emit_loop_name(scope, expr)
        case TupleExpr():
            return py.tuple_of(emit_expr(scope, item) for item in expr.items)
        case ListExpr(items=()):
            return py.call(scope.uses.annotation(frozenset({"list[Any]"})))
        case ListExpr():
            return py.list_of(emit_expr(scope, item) for item in expr.items)
        case DictExpr(pairs=()):
            return py.call(scope.uses.annotation(frozenset({"dict[Any, Any]"})))
        case DictExpr():
            return emit_dict(scope, expr)
        case Compare():
            return emit_compare(scope, expr)
        case Logic():
            scope.uses.repeats = True
            return joined(expr.op, [emit_operand(scope, value) for value in expr.values])
        case Concat():
            return scope.uses.call("concatenate", *(emit_expr(scope, part) for part in expr.values))
        case Conditional():
            scope.uses.repeats = True
            parts = (expr.test, expr.body, expr.orelse)
            return py.conditional(*(emit_operand(scope, part) for part in parts))
        case Slice():
            return emit_slice(scope, expr)
        case ActionCall():
            return with_received(scope, expr, emit_action(scope, expr))
        case SkillCall():
            return with_received(scope, expr, emit_skill(scope, expr))
        case Invoke():
            return with_received(scope, expr, emit_invoke(scope, expr))
        case MacroCall():
            return emit_macro_call(scope, expr)
        case Recur():
            return emit_recursion(scope, expr)
        case FunctionCall():
            return emit_function(scope, expr)
        case Convert():
            return emit_convert(scope, expr)
        case Bind():
            return emit_bind(scope, expr)
        case SetComputed():
            return emit_set_computed(scope, expr)
        case Expose():
            value = emit_expr(scope, expr.value)
            return exposing(scope, py.string(expr.name), value, expr.when)
        case Void():
            return py.sequence([emit_expr(scope, expr.value), py.string("")], 1)
        case Leave():
            return scope.uses.call("leave", defined(scope, expr.value))
        case Call(callee=Attribute(value=LoopName(), name=name)):
            method = py.attribute(py.name(scope.loops[-1].whole), name)
            return cst.Call(method, emit_arguments(scope, expr.args))
        case Attribute() | Index() | Unary() | Binary() | Call() | Filter() | Test():
            raise CompilerBug(f"{type(expr).__name__} does not start a chain")
        case _:
            assert_never(expr)


# --- variables -----------------------------------------------------------------------------------


def emit_name(scope: Scope, name: str) -> cst.BaseExpression:
    """Read a variable, or what a module or function of the language is as a value."""
    if scope.in_names(name):
        key = py.string(python_name(name))
        return py.call(py.attribute(py.name(scope.names), "get"), key, scope.uses.name("UNDEFINED"))
    if name in scope.pending:
        return scope.uses.call("or_undefined", py.name(python_name(name)))
    return py.name(python_name(name)) if scope.is_local(name) else emit_builtin(scope, name)


def emit_builtin(scope: Scope, name: str) -> cst.BaseExpression:
    """`FUNCTIONS["len"]`"""
    table = next(table for table, known in TABLES.items() if name in known)
    return py.subscript(scope.uses.name(table), py.string(name))


TABLES: Final[Mapping[str, Mapping[str, Any]]] = {"MODULES": MODULES, "FUNCTIONS": FUNCTIONS}


def emit_loop_name(scope: Scope, expr: LoopName) -> cst.BaseExpression:
    """What the innermost loop knows: number and key are variables, the ends are computed from the number."""
    loop = scope.loops[-1]
    if loop.whole:
        if expr.name == "loop":
            return py.name(loop.whole)
        return py.attribute(py.name(loop.whole), OF_LOOP.get(expr.name, expr.name))
    match expr.name:
        case "index":
            return py.name(loop.index)
        case "index1":
            return from_one(loop)
        case "key":
            return py.name(loop.key)
        case "first":
            return py.comparison(py.name(loop.index), ("==", py.constant(0)))
        case "last":
            last = py.arithmetic(count_of(loop), "-", py.constant(1))
            return py.comparison(py.name(loop.index), ("==", last))
        case "length":
            return count_of(loop)
        case "revindex":
            return py.arithmetic(count_of(loop), "-", py.name(loop.index))
        case "revindex0":
            left = py.arithmetic(count_of(loop), "-", py.name(loop.index))
            return py.arithmetic(left, "-", py.constant(1))
        case "depth":
            one = py.constant(1)
            return py.arithmetic(py.name(loop.depth), "+", one) if loop.depth else one
        case "depth0":
            return py.name(loop.depth) if loop.depth else py.constant(0)
        case "previtem" | "nextitem" | "loop":
            raise CompilerBug(f"nothing knows {expr.name} of this loop")


def from_one(loop: Loop) -> cst.BaseExpression:
    """The number of the pass, from one."""
    if loop.start:
        return py.name(loop.index)
    return py.arithmetic(py.name(loop.index), "+", py.constant(1))


def count_of(loop: Loop) -> cst.BaseExpression:
    """The number of passes."""
    return py.call(py.name("len"), py.name(loop.items))


def emit_dict(scope: Scope, expr: DictExpr) -> cst.BaseExpression:
    """A dict; one whose keys type checkers or linters can see to be wrong, or there twice, is made at run time."""
    pairs = [(emit_expr(scope, key), emit_expr(scope, value)) for key, value in expr.pairs]
    keys = [key for key, _ in expr.pairs]
    if distinct(keys) and all(is_hashable(key, scope.type_of) for key in keys):
        return py.dict_of(pairs)
    return scope.uses.call("safe_dict", py.list_of(map(py.tuple_of, pairs)))


def emit_bind(scope: Scope, expr: Bind) -> cst.BaseExpression:
    """Assign inside an expression."""
    value = emit_expr(scope, expr.value)
    if not scope.is_used(expr.name):
        return value
    if not scope.in_names(expr.name):
        scope.note_assignment(expr.name)
        return py.bound(python_name(expr.name), value)
    return set_variable(scope, py.string(expr.name), value)


def emit_set_computed(scope: Scope, expr: SetComputed) -> cst.BaseExpression:
    """`set_variable(names, variable_name(n), <value>)`; the name is looked at before the value is made."""
    action = () if expr.action == "Set" else (py.string(expr.action),)
    name: cst.BaseExpression = scope.uses.call(
        "variable_name", emit_expr(scope, expr.name), *action
    )
    if isinstance(expr.expose, Const) and expr.expose.value is False:
        return set_variable(scope, name, emit_expr(scope, expr.value))
    local = scope.fresh("name")
    value = exposing(scope, py.name(local), emit_expr(scope, expr.value), expr.expose)
    return set_variable(scope, py.bound(local, name), value)


def set_variable(
    scope: Scope, name: cst.BaseExpression, value: cst.BaseExpression
) -> cst.BaseExpression:
    """`set_variable(names, <name>, <value>)`, where variables live in a dict."""
    return scope.uses.call("set_variable", py.name(scope.names), name, value)


def exposing(
    scope: Scope, name: cst.BaseExpression, value: cst.BaseExpression, when: Expr
) -> cst.BaseExpression:
    """`out.expose(<name>, <value>)`, with a third argument where it is not sure to happen."""
    scope.prints = True
    arguments = [name, value]
    if isinstance(when, Const) and when.value is None:
        arguments.append(py.constant(None))
    elif not (isinstance(when, Const) and when.value is True):
        arguments.append(emit_convert(scope, Convert(when.span, "Set.expose", when)))
    return py.call(py.attribute(py.name("out"), "expose"), *arguments)


def defined(scope: Scope, expr: Expr) -> cst.BaseExpression:
    """A value that leaves the skill: undefined becomes ""."""
    return leaving(scope, expr, emit_expr(scope, expr))


def leaving(scope: Scope, expr: Expr, value: cst.BaseExpression) -> cst.BaseExpression:
    """The same of a value whose code is made already."""
    return scope.uses.call("defined", value) if scope.may_be_undefined(expr) else value


def printed(scope: Scope, expr: Expr) -> cst.BaseExpression:
    """The text form of a value."""
    value = emit_expr(scope, expr)
    return value if is_text(scope.type_of(expr)) else scope.text(value)


def emit_slice(scope: Scope, expr: Slice) -> cst.BaseExpression:
    """`slice(1, None)`, as the index of a value that may be anything."""
    parts = [expr.start, expr.stop, expr.step]
    while len(parts) > 2 and parts[-1] is None:
        parts.pop()
    nodes = (py.constant(None) if part is None else emit_expr(scope, part) for part in parts)
    return py.call(py.name("slice"), *nodes)


# --- comparisons and logic -----------------------------------------------------------------------


def emit_compare(scope: Scope, expr: Compare) -> cst.BaseExpression:
    """A comparison; a chain of them becomes Python's own, or one of pairs if any pair needs a guard."""
    pairs = steps(expr)
    if all(compares_natively(pair, scope.type_of) for pair in pairs):
        note_repeats(scope, (op for op, _, _ in pairs))
        first = emit_expr(scope, expr.first)
        return py.comparison(first, *((op, emit_expr(scope, right)) for op, _, right in pairs))
    comparisons: list[cst.BaseExpression] = []
    node = emit_expr(scope, expr.first)
    for number, step in enumerate(pairs, 1):
        operand = again = emit_expr(scope, step[2])
        if number < len(pairs) and isinstance(step[2], Const | Name):
            again = emit_expr(scope, step[2])
        elif number < len(pairs):
            part = scope.fresh("part")
            operand, again = py.bound(part, operand), py.name(part)
        comparisons.append(compared(scope, step, node, operand))
        node = again
    return joined("and", comparisons)


def compared(
    scope: Scope, step: Step, left: cst.BaseExpression, right: cst.BaseExpression
) -> cst.BaseExpression:
    """One comparison of a chain."""
    op = step[0]
    if compares_natively(step, scope.type_of):
        note_repeats(scope, [op])
        return py.comparison(left, (op, right))
    match op:
        case "in":
            return scope.uses.call("inside", left, right)
        case "not in":
            return py.negation(scope.uses.call("inside", left, right))
        case "is":
            return scope.uses.call("same", left, right)
        case "is not":
            return py.negation(scope.uses.call("same", left, right))
        case _:
            return scope.uses.call(GUARDED[op], left, right)


def note_repeats(scope: Scope, ops: Iterable[CompareOp]) -> None:
    """Note a comparison whose result type checkers may foresee; they never foresee which of two values is larger."""
    scope.uses.repeats = scope.uses.repeats or not ORDERING.issuperset(ops)


ORDERING: Final[frozenset[CompareOp]] = frozenset({"<", "<=", ">", ">="})


def emit_test(scope: Scope, expr: Test, value: cst.BaseExpression) -> cst.BaseExpression:
    """`x is not UNDEFINED` and the like, else a call of the runtime's test."""
    if expr.name in IDENTITIES and not is_literal(expr.value):
        scope.uses.repeats = True
        op, name = IDENTITIES[expr.name]
        other = scope.uses.name(name) if name in IMPORTS else cst.Name(name)
        return py.comparison(value, (op, other))
    function = py.attribute(scope.uses.name("filters"), TESTS[expr.name].__name__)
    return cst.Call(function, [py.argument(value), *emit_arguments(scope, expr.args)])


IDENTITIES: Final[Mapping[str, tuple[str, str]]] = {
    "defined": ("is not", "UNDEFINED"),
    "undefined": ("is", "UNDEFINED"),
    "none": ("is", "None"),
}


def emit_operand(scope: Scope, expr: Expr) -> cst.BaseExpression:
    """An operand of `and` or `or`; a literal says its type there, or it would have to agree with its neighbour's."""
    node = emit_expr(scope, expr)
    if isinstance(node, cst.List | cst.Dict):
        return py.call(scope.uses.annotation(scope.type_of(expr)), node)
    return node


def joined(op: str, nodes: Sequence[cst.BaseExpression]) -> cst.BaseExpression:
    """`<a> and <b> and ...`; a long chain is grouped, which changes neither order nor value."""
    while len(nodes) > LONGEST_CHAIN:
        starts = range(0, len(nodes), LONGEST_CHAIN)
        groups = [joined(op, nodes[start : start + LONGEST_CHAIN]) for start in starts]
        nodes = [py.operand(group, py.ATOM) for group in groups]
    whole, *others = nodes
    for node in others:
        whole = py.logic(op, whole, node)
    return whole


# --- calls ---------------------------------------------------------------------------------------


def emit_arguments(scope: Scope, args: Iterable[Arg]) -> list[cst.Arg]:
    """Arguments of a value that templates call, in Python's order; what stands for several is looked at first."""
    args = list(args)
    named = [(arg.name, arg.value) for arg in args if arg.name is not None]
    plain = [arg.value for arg in args if arg.name is None and not arg.unpack]
    made = [py.argument(emit_expr(scope, value)) for value in plain] + keywords(scope, named)
    for arg in args:
        if arg.unpack:
            items = scope.uses.call(UNPACKED[arg.unpack], emit_expr(scope, arg.value))
            made.append(cst.Arg(items, star=arg.unpack))
    return made


UNPACKED: Final[Mapping[str, str]] = {"*": "nsl_items", "**": "named_arguments"}


def keywords(scope: Scope, named: Iterable[tuple[str, Expr]]) -> list[cst.Arg]:
    """Keyword arguments of a value that templates call; from the first that Python reserves on, in a dict."""
    plain: list[cst.Arg] = []
    odd: list[tuple[cst.BaseExpression, cst.BaseExpression]] = []
    for name, value in named:
        node = emit_expr(scope, value)
        if odd or name in KEYWORDS or name.startswith("__") or not name.isascii():
            odd.append((py.string(name), node))
        else:
            plain.append(py.argument(node, name))
    return [*plain, *([cst.Arg(py.dict_of(odd), star="**")] if odd else [])]


def emit_action(scope: Scope, expr: ActionCall) -> cst.BaseExpression:
    """`await actions.get_memory(ctx, count=1)`; pure actions are plain functions."""
    entry = CATALOGUE[expr.action]
    arguments = [cst.Arg(py.name("ctx"))] if entry.awaited else []
    arguments += [py.argument(defined(scope, value)) for value in expr.rest]
    arguments += [
        py.argument(emit_argument(scope, entry, name, value), name) for name, value in expr.args
    ]
    if expr.extra:
        pairs = [(py.string(name), defined(scope, value)) for name, value in expr.extra]
        arguments.append(py.argument(py.dict_of(pairs), "arguments"))
    call = cst.Call(py.attribute(scope.uses.name("actions"), entry.python), arguments)
    return py.awaited(call) if entry.awaited else call


def emit_argument(scope: Scope, entry: Action, name: str, value: Expr) -> cst.BaseExpression:
    """A named argument of an action; what an empty list holds is told by its parameter."""
    kinds = {parameter.python: parameter.kind for parameter in entry.parameters}
    match value:
        case ListExpr(items=()) if kinds[name] is not Kind.ANY:
            return py.list_of([])
        case _:
            return defined(scope, value)


def emit_skill(scope: Scope, expr: SkillCall) -> cst.BaseExpression:
    """`await Reply(ctx, boat="double")`, `await libraries.shared.tidy(ctx)`"""
    if expr.library is None:
        function: cst.BaseExpression = scope.function(expr.skill)
    else:
        library = py.attribute(scope.uses.name("libraries"), scope.flow.libraries[expr.library])
        function = py.attribute(library, python_name(expr.skill))
    arguments = [py.argument(defined(scope, value), python_name(name)) for name, value in expr.args]
    return py.awaited(cst.Call(function, [cst.Arg(py.name("ctx")), *arguments]))


def emit_invoke(scope: Scope, expr: Invoke) -> cst.BaseExpression:
    """`await actions.invoke(ctx, "Reply", *more, **named)`"""
    function = py.attribute(scope.uses.name("actions"), "invoke")
    name = py.argument(emit_expr(scope, expr.name))
    arguments = emit_arguments(scope, expr.args)
    return py.awaited(cst.Call(function, [cst.Arg(py.name("ctx")), name, *arguments]))


def emit_macro_call(scope: Scope, expr: MacroCall) -> cst.BaseExpression:
    """`await tag("x", n="i")`; who is called as the caller is known at run time alone."""
    words = scope.words(expr.macro)
    args = [a if a.name is None else replace(a, name=words.get(a.name, a.name)) for a in expr.args]
    arguments = emit_arguments(scope, args)
    if expr.caller is not None:
        function = py.name(scope.macros[expr.caller])
        arguments.append(py.argument(function, words.get(CALLER, CALLER)))
    if expr.macro in scope.callers:
        call = scope.uses.call("call", py.name(python_name(expr.macro)))
        return scope.text(py.awaited(call.with_changes(args=[*call.args, *arguments])))
    if expr.macro not in scope.macros:  # it is defined where no run gets to
        call = scope.uses.call("call", scope.uses.name("UNDEFINED"))
        return scope.text(call.with_changes(args=[*call.args, *arguments]))
    call = cst.Call(py.name(scope.macros[expr.macro]), arguments)
    return py.awaited(call) if expr.macro in scope.waiting else call


def emit_recursion(scope: Scope, expr: Recur) -> cst.BaseExpression:
    """`await out.printed(branch(items, depth + 1))`"""
    scope.prints = True
    recursion = scope.recursions[-1]
    arguments = [emit_expr(scope, expr.items)]
    if recursion.depth:
        arguments.append(py.arithmetic(py.name(recursion.depth), "+", py.constant(1)))
    printing = py.call(py.name(recursion.function), *arguments)
    return py.awaited(py.call(py.attribute(py.name("out"), "printed"), printing))


def with_received(
    scope: Scope, expr: ActionCall | SkillCall | Invoke, call: cst.BaseExpression
) -> cst.BaseExpression:
    """A call inside an expression, and the variables that the callee handed to its caller."""
    taken: list[cst.BaseExpression] = []
    for name in received_names(scope, expr):
        value = take(scope, name)
        if scope.in_names(name):
            taken.append(set_variable(scope, py.string(name), value))
        else:
            scope.note_assignment(name)
            taken.append(py.bound(python_name(name), value))
    return py.sequence([call, *taken], 0) if taken else call


def received_names(scope: Scope, expr: Expr) -> list[str]:
    """The variables of this skill that a call may set, as far as anything reads them."""
    given = received(expr, scope.flow.exposed) - scope.scopes.loop_names - scope.scopes.local
    return sorted(filter(scope.is_used, given))


def take(scope: Scope, name: str) -> cst.BaseExpression:
    """`out.take("shared", shared)`"""
    scope.prints = True
    function = py.attribute(py.name("out"), "take")
    return py.call(function, py.string(name), emit_name(scope, name))


def emit_function(scope: Scope, expr: FunctionCall) -> cst.BaseExpression:
    """A call of a built-in function, directly where a type checker can see that it fits."""
    function = FUNCTIONS[expr.function]
    positional = [emit_expr(scope, value) for value in expr.args]
    others = [*keywords(scope, expr.named), *emit_arguments(scope, expr.unpacked)]
    if fits(expr, scope.type_of):
        call = scope.uses.call(function.__name__, *positional)
    else:
        whole = py.subscript(scope.uses.name("FUNCTIONS"), py.string(expr.function))
        call = scope.uses.call("call", whole, *positional)
    return call.with_changes(args=[*call.args, *others])


def emit_convert(scope: Scope, expr: Convert) -> cst.BaseExpression:
    """`as_int(limit, "GenStream.maxTokens", None)`, with the default of an optional parameter."""
    action, _, name = expr.parameter.partition(".")
    parameter = next(p for p in CATALOGUE[action].parameters if p.name == name)
    value = emit_expr(scope, expr.value)
    if parameter.kind is Kind.ANY:
        return scope.uses.call("defined", value)
    function = f"as_{parameter.kind.name.lower()}"
    default = () if parameter.required else (emit_default(parameter),)
    return scope.uses.call(function, value, py.string(expr.parameter), *default)


def emit_default(parameter: ActionParameter) -> cst.BaseExpression:
    """The literal of a parameter's default."""
    default: object = parameter.default
    if default is None or isinstance(default, str | int | float):
        return py.constant(default)
    raise CompilerBug(f"default of {parameter.name}: {default!r}")
