"""Turn Jinja's statements into those of the IR, every variable under the name that is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from jinja2 import nodes

from skillc.errors import CompilerBug
from skillc.frontends.foreign import shown
from skillc.frontends.nsl.exprs import Lowering
from skillc.frontends.nsl.reader import UnreadableTagError
from skillc.frontends.nsl.roles import END, ROLE_TAGS
from skillc.frontends.nsl.scopes import Scope, walk
from skillc.ir import (
    Assign,
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
    LoopName,
    Macro,
    MacroCall,
    MacroParameter,
    Name,
    OpenRole,
    SetField,
    Stmt,
    Target,
    Undefined,
    Unpack,
)
from skillc.source import Span

Body: TypeAlias = tuple[Stmt, ...]


@dataclass(slots=True)
class StmtLowering:
    """The statements of one template; `variables` are the names bound anywhere, which are no role tags.

    `captured` says that what is printed goes into a text, where no role can begin. `made` are the statements so far
    of the body that is being lowered.
    """

    exprs: Lowering
    variables: frozenset[str]
    captured: bool = False
    made: list[Stmt] = field(default_factory=list[Stmt])

    def span(self, node: nodes.Node) -> Span:
        """Where the token of a node stands: the tag of a statement."""
        return self.exprs.reader.tokens[node.lineno].span

    def body(self, body: Iterable[nodes.Node]) -> Body:
        """The statements that a body becomes, in the scope of the moment."""
        outer, self.made = self.made, []
        for node in body:
            lower = NODES.get(type(node))
            if lower is None:
                raise CompilerBug(f"no meaning for Jinja's {type(node).__name__}")
            try:
                lower(self, node)
            except UnreadableTagError:
                pass  # reported; what follows is lowered all the same
        made, self.made = self.made, outer
        return tuple(made)

    def scoped(self, scope: Scope, body: Iterable[nodes.Node], place: Span) -> Body:
        """The statements of a body in a scope of its own, which begin with what it inherits."""
        outer, self.exprs.scope = self.exprs.scope, scope
        made = self.body(body)
        self.exprs.scope = outer
        return (*self.inherited(scope, outer, place), *made)

    def captured_body(self, scope: Scope, body: Iterable[nodes.Node], place: Span) -> Body:
        """The statements of a body in a scope of its own, whose text goes nowhere by itself."""
        outer, self.captured = self.captured, True
        made = self.scoped(scope, body, place)
        self.captured = outer
        return made

    def inherited(self, scope: Scope, outer: Scope, place: Span) -> Iterator[Stmt]:
        """What sets the variables of a scope that may be read there before they are set.

        Source: Jinja2 3.1.6, `idtracking.py`: such a variable begins as that of the scope outside, if there is one.
        """
        scopes = self.exprs.scopes
        for name, read in scope.early.items():
            outside = outer.owner(name).parent is not None or name in scopes.assigned
            value: Expr = Undefined(read)
            if scope.inherits(name) and (outside or scopes.computed):
                value = Name(read, outer.read(name, read))
            yield Assign(place, scope.own[name], value)

    # --- assignments -------------------------------------------------------------------------------

    def assign(self, target: nodes.Node, value: Expr, place: Span) -> None:
        """Assign what a `set` or `with` names."""
        match target:
            case nodes.Name():
                self.made.append(Assign(place, self.bound(target), value))
            case nodes.NSRef():
                self.made.append(self.field(target, value, place))
            case _:
                fields: list[Stmt] = []
                targets = self.targets(target, fields, place)
                self.made.append(Unpack(place, targets, value))
                self.made.extend(fields)

    def targets(self, target: nodes.Node, fields: list[Stmt], place: Span) -> tuple[Target, ...]:
        """The variables of a tuple; what sets an attribute behind it is added to `fields`."""
        found: list[Target] = []
        for item in target.iter_child_nodes():
            match item:
                case nodes.Name():
                    found.append(self.bound(item))
                case nodes.NSRef():
                    variable = self.exprs.scopes.fresh(item.attr)
                    found.append(variable)
                    fields.append(self.field(item, Name(self.span(item), variable), place))
                case nodes.Tuple():
                    found.append(self.targets(item, fields, place))
                case _:
                    raise CompilerBug(f"assignment to Jinja's {type(item).__name__}")
        return tuple(found)

    def field(self, target: nodes.NSRef, value: Expr, place: Span) -> SetField:
        """`{% set name.attr = value %}`."""
        span = self.span(target)
        return SetField(
            place, Name(span, self.exprs.scope.read(target.name, span)), target.attr, value
        )

    def bound(self, target: nodes.Name) -> str:
        """The variable that is assigned; `loop` is none inside a loop."""
        if target.name == "loop" and any(scope.loop for scope in self.exprs.scope.around()):
            expected = "another name, as 'loop' is the loop itself"
            self.exprs.reader.report("SK109", self.span(target), found="loop", expected=expected)
        return self.exprs.scope.write(target.name)


# --- one function a node ---------------------------------------------------------------------------


def lower_output(lowering: StmtLowering, node: nodes.Output) -> None:
    """Text, a tag that prints, or a role tag."""
    span = lowering.span(node)
    for item in node.nodes:
        match item:
            case nodes.TemplateData():
                lowering.made.append(Emit(span, Const(span, item.data)))
            case nodes.Name(name=name) if name in ROLE_TAGS and name not in lowering.variables:
                if lowering.captured:
                    lowering.exprs.reader.report("SK405", span)
                role = CloseRole(span) if name == END else OpenRole(span, name)
                lowering.made.append(role)
            case _:
                lowering.made.append(Emit(span, lowering.exprs.expr(item)))


def lower_do(lowering: StmtLowering, node: nodes.ExprStmt) -> None:
    """`{% do e %}`."""
    lowering.made.append(Evaluate(lowering.span(node), lowering.exprs.expr(node.node)))


def lower_assign(lowering: StmtLowering, node: nodes.Assign) -> None:
    """`{% set x = e %}`."""
    value = lowering.exprs.expr(node.node)
    lowering.assign(node.target, value, lowering.span(node))


def lower_assign_block(lowering: StmtLowering, node: nodes.AssignBlock) -> None:
    """`{% set x | f %}...{% endset %}`: the text goes to `x`, unless only what the filter makes of it does."""
    span, exprs = lowering.span(node), lowering.exprs
    inner = exprs.scopes.inner[id(node)]
    body = lowering.captured_body(inner, node.body, span)
    applied = node.filter
    target = node.target
    read = {
        name.name for name in walk([applied] if applied else []) if isinstance(name, nodes.Name)
    }
    if isinstance(target, nodes.Name) and target.name not in read:
        text = lowering.bound(target)
    else:
        text = exprs.scopes.fresh("captured")
    lowering.made.append(Capture(span, text, body))
    value: Expr = Name(span, text)
    if applied is not None:
        value = _filtered(lowering, applied, value, inner)
    if applied is not None or not isinstance(target, nodes.Name):
        lowering.assign(target, value, span)


def _filtered(lowering: StmtLowering, applied: nodes.Filter, text: Expr, scope: Scope) -> Expr:
    """What filters make of a captured text; their arguments see what the body set."""
    exprs = lowering.exprs
    outer, exprs.scope, exprs.piped = exprs.scope, scope, text
    value = exprs.expr(applied)
    exprs.scope, exprs.piped = outer, None
    return value


def lower_filter_block(lowering: StmtLowering, node: nodes.FilterBlock) -> None:
    """`{% filter f %}...{% endfilter %}`."""
    span, scopes = lowering.span(node), lowering.exprs.scopes
    inner = scopes.inner[id(node)]
    body = lowering.captured_body(inner, node.body, span)
    text = scopes.fresh("filtered")
    lowering.made.append(Capture(span, text, body))
    value = _filtered(lowering, node.filter, Name(span, text), inner)
    lowering.made.append(Emit(span, value))


def lower_with(lowering: StmtLowering, node: nodes.With) -> None:
    """`{% with a=e %}...{% endwith %}`: the values are those outside."""
    span, exprs = lowering.span(node), lowering.exprs
    values = [exprs.expr(value) for value in node.values]
    outer, exprs.scope = exprs.scope, exprs.scopes.inner[id(node)]
    for target, value in zip(node.targets, values, strict=True):
        lowering.assign(target, value, span)
    inner, exprs.scope = exprs.scope, outer
    lowering.made.extend(lowering.scoped(inner, node.body, span))


def lower_if(lowering: StmtLowering, node: nodes.If) -> None:
    """`{% if e %}`; afterwards is set what every branch has set."""
    scope = lowering.exprs.scope
    before = scope.known
    after: list[set[str]] = []

    def branch(body: Iterable[nodes.Node]) -> Body:
        scope.known = set(before)
        made = lowering.body(body)
        after.append(scope.known)
        return made

    branches: list[tuple[Span, Expr, Body]] = []
    for part in (node, *node.elif_):
        scope.known = before
        test = lowering.exprs.expr(part.test)
        branches.append((lowering.span(part), test, branch(part.body)))
    orelse = branch(node.else_)
    scope.known = set[str].intersection(*after)
    for span, test, body in reversed(branches):
        orelse = (If(span, test, body, orelse),)
    lowering.made.extend(orelse)


def lower_for(lowering: StmtLowering, node: nodes.For) -> None:
    """`{% for x in e if c %}`."""
    span, exprs = lowering.span(node), lowering.exprs
    outer = exprs.scope
    iterable = exprs.expr(node.iter)
    exprs.scope = exprs.scopes.inner[id(node)]
    item: Target
    if isinstance(node.target, nodes.Name):
        item = lowering.bound(node.target)
    else:
        item = lowering.targets(node.target, [], span)
    inner, exprs.scope = exprs.scope, outer
    test = None if node.test is None else _loop_test(lowering, node, node.test, inner)
    body = lowering.scoped(inner, node.body, span)
    orelse = lowering.scoped(exprs.scopes.orelse[id(node)], node.else_, span)
    recursive = bool(node.recursive)
    lowering.made.append(Each(span, iterable, item, body, orelse, test, recursive))


def _loop_test(
    lowering: StmtLowering, node: nodes.For, condition: nodes.Node, inner: Scope
) -> Expr:
    """Which items a loop takes. Of the loop's variables it sees what the loop binds; `loop` is the loop around."""
    exprs, outer = lowering.exprs, lowering.exprs.scope
    bound = {name.name for name in walk([node.target]) if isinstance(name, nodes.Name)}
    own = {name: inner.own[name] for name in bound}
    read = {name.name: name for name in walk([condition]) if isinstance(name, nodes.Name)}
    if "loop" in read and outer.innermost_loop() is not None and "loop" not in own:
        own["loop"] = exprs.scopes.fresh("loop")
        span = lowering.span(read["loop"])
        lowering.made.append(Assign(span, own["loop"], LoopName(span, "loop")))
    exprs.scope = Scope(inner.symbols, outer, own=own, known=set(own))
    test = exprs.expr(condition)
    exprs.scope = outer
    return test


def lower_macro(lowering: StmtLowering, node: nodes.Macro) -> None:
    """`{% macro name(a, b=e) %}`."""
    name = lowering.exprs.scope.write(node.name)
    lowering.made.append(_macro(lowering, node, name))


def _macro(lowering: StmtLowering, node: nodes.Macro | nodes.CallBlock, name: str) -> Macro:
    span, exprs = lowering.span(node), lowering.exprs
    outer, scope = exprs.scope, exprs.scopes.inner[id(node)]
    # A default comes before all that the body assigns: of the macro's own variables it sees those that are passed.
    passed = {name: variable for name, variable in scope.own.items() if scope.given(name)}
    exprs.scope = Scope(scope.symbols, outer, own=passed, known=set(passed))
    first = len(node.args) - len(node.defaults)
    parameters: list[MacroParameter] = []
    for number, parameter in enumerate(node.args):
        default = exprs.expr(node.defaults[number - first]) if number >= first else None
        place, variable = lowering.span(parameter), scope.own[parameter.name]
        word = None if variable == parameter.name else parameter.name
        parameters.append(MacroParameter(place, variable, default, word))
    exprs.scope = outer
    body = lowering.captured_body(scope, node.body, span)
    special = {name: scope.own[name] for name in scope.special}
    return Macro(span, name, tuple(parameters), body, **special)


def lower_call_block(lowering: StmtLowering, node: nodes.CallBlock) -> None:
    """`{% call(a) f(x) %}...{% endcall %}`: a macro of its own, which `f` gets as `caller`."""
    span, exprs = lowering.span(node), lowering.exprs
    call = exprs.expr(node.call)
    if not isinstance(call, MacroCall):
        found = shown(exprs.reader.report.source.text[slice(*call.span)])
        exprs.reader.report("SK109", call.span, found=found, expected="a call of a macro")
        raise UnreadableTagError
    caller = exprs.scopes.fresh(f"{call.macro}_caller")
    lowering.made.append(_macro(lowering, node, caller))
    lowering.made.append(Emit(span, replace(call, caller=caller)))


def lower_break(lowering: StmtLowering, node: nodes.Break) -> None:
    """`{% break %}`."""
    lowering.made.append(Break(lowering.span(node)))


def lower_continue(lowering: StmtLowering, node: nodes.Continue) -> None:
    """`{% continue %}`."""
    lowering.made.append(Continue(lowering.span(node)))


NODES: Final[Mapping[type[nodes.Node], Callable[[StmtLowering, Any], None]]] = {
    nodes.Output: lower_output,
    nodes.ExprStmt: lower_do,
    nodes.Assign: lower_assign,
    nodes.AssignBlock: lower_assign_block,
    nodes.FilterBlock: lower_filter_block,
    nodes.With: lower_with,
    nodes.If: lower_if,
    nodes.For: lower_for,
    nodes.Macro: lower_macro,
    nodes.CallBlock: lower_call_block,
    nodes.Break: lower_break,
    nodes.Continue: lower_continue,
}
