"""Jinja's scopes: which variable a name means, by the analysis that Jinja's own compiler makes.

1. One name means one variable of the run afterwards. What a scope sets keeps its name if nothing else has it, else it
   is numbered; scopes side by side may share a variable, since each sets it before it reads it (`early`).
2. Nothing that a macro sets has the name of a variable around it: only so is it the macro's own.

Source: language reference, variables and scope; Jinja2 3.1.6, `idtracking.py` and `compiler.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from jinja2 import nodes
from jinja2.compiler import find_undeclared
from jinja2.idtracking import (
    VAR_LOAD_PARAMETER,
    VAR_LOAD_UNDEFINED,
    Symbols,
)

from skillc.ir import CALLER
from skillc.source import Span

SPECIAL: Final = (CALLER, "kwargs", "varargs")
ASSIGNING: Final = frozenset({"Set", "set", "Gen", "gen", "GenStream", "genstream"})


@dataclass(slots=True, eq=False)
class Scope:
    """The variables of one scope, and while it is lowered what is known of them.

    `own` maps the names it sets to variables; those of the template are as written. `macros` are the names of macros
    defined in it, `rebound` those that something else assigns there; `special` are those of `caller`, `kwargs` and
    `varargs` that a macro's body reads; `calls_back` says that `caller` is what a `call` block hands over; `defaults`
    are the names that the macro's defaults read. `loop` is the loop whose pass it is. `known` are the names set for
    sure so far; `early` those that were read before, with the place of the first read.
    """

    symbols: Symbols
    parent: Scope | None = None
    loop: nodes.For | None = None
    own: dict[str, str] = field(default_factory=dict[str, str])
    macros: set[str] = field(default_factory=set[str])
    rebound: set[str] = field(default_factory=set[str])
    special: list[str] = field(default_factory=list[str])
    calls_back: bool = False
    defaults: set[str] = field(default_factory=set[str])
    known: set[str] = field(default_factory=set[str])
    early: dict[str, Span] = field(default_factory=dict[str, Span])

    def around(self) -> Iterator[Scope]:
        """This scope and those around it, inner ones first, without the template's."""
        scope = self
        while scope.parent is not None:
            yield scope
            scope = scope.parent

    def owner(self, name: str) -> Scope:
        """The scope whose variable a name means here, the template's if no other has it."""
        scope = self
        while scope.parent is not None and name not in scope.own:
            scope = scope.parent
        return scope

    def innermost_loop(self) -> nodes.For | None:
        """The loop that `loop` is about here, None where it is an ordinary name."""
        for scope in self.around():
            if "loop" in scope.own:
                return None
            if scope.loop is not None:
                return scope.loop
        return None

    def defines_macro(self, name: str) -> bool:
        """Whether a name of this scope is that of a macro and nothing else."""
        return name in self.macros and name not in self.rebound

    def read(self, name: str, span: Span) -> str:
        """The variable that is read as `name` at a place."""
        owner = self.owner(name)
        if name in owner.own and name not in owner.known:
            owner.early.setdefault(name, span)
        return owner.own.get(name, name)

    def write(self, name: str) -> str:
        """The variable that is assigned as `name` here."""
        self.known.add(name)
        return self.own.get(name, name)

    def given(self, name: str) -> bool:
        """Whether the scope starts with this variable set: a parameter, or what a loop binds."""
        return self._load(name) == VAR_LOAD_PARAMETER

    def inherits(self, name: str) -> bool:
        """Whether a variable of this scope starts with the value that the name has outside."""
        return self._load(name) not in {VAR_LOAD_PARAMETER, VAR_LOAD_UNDEFINED}

    def _load(self, name: str) -> str:
        return str(self.symbols.loads[self.symbols.refs[name]][0])


@dataclass(slots=True)
class Scopes:
    """All scopes of a template.

    `inner` finds the scope of a body by the identity of its node, `orelse` that of a loop's `else`. `assigned` are
    the names that the template itself sets or is given, `computed` says that there may be more; `loops` are the
    loops that set a name, in order; `taken` is every name that is a variable or could be.
    """

    template: Scope
    assigned: frozenset[str]
    computed: bool
    inner: dict[int, Scope] = field(default_factory=dict[int, Scope])
    orelse: dict[int, Scope] = field(default_factory=dict[int, Scope])
    loops: dict[str, list[nodes.For]] = field(default_factory=dict[str, list[nodes.For]])
    taken: set[str] = field(default_factory=set[str])

    def fresh(self, name: str) -> str:
        """A name that nothing has, and that nothing else gets."""
        found = numbered(name, self.taken, self.taken)
        self.taken.add(found)
        return found


def scopes_of(template: nodes.Template, outside: Collection[str]) -> Scopes:
    """The scopes of a template, of which `outside` names mean something beyond its text: parameters and the like."""
    symbols = Symbols()
    symbols.analyze_node(template)
    calls, computed = assigned_by_calls(template)
    assigned = frozenset(outside) | symbols.stores | calls
    found = Scopes(Scope(symbols), assigned, computed)
    _Builder(found).build(template)
    return found


def assigned_by_calls(template: nodes.Template) -> tuple[frozenset[str], bool]:
    """The variables that calls of Set and named generations assign, and whether another name is computed."""
    names: set[str] = set()
    computed = False
    for node in walk([template]):
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            callee = node.node.name
            for number, argument in enumerate(node.kwargs if callee in ASSIGNING else ()):
                if argument.key == "name" or (argument.key == "" and number == 0):
                    literal = argument.value
                    if isinstance(literal, nodes.Const):
                        names.add(str(literal.value).strip())
                    else:
                        computed = computed or callee in {"Set", "set"} or argument.key == "name"
    return frozenset(names), computed


def walk(todo: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    """The nodes and all inside them, outer ones first. Nothing recurses: chains are as long as they like."""
    stack = list(todo)[::-1]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(list(node.iter_child_nodes())[::-1])


def bound_names(template: nodes.Template) -> Iterator[str]:
    """Every name that the template binds anywhere, in whatever scope."""
    for node in walk([template]):
        match node:
            case nodes.Name(ctx="store" | "param") | nodes.Macro():
                yield node.name
            case _:
                pass


def numbered(name: str, taken: Collection[str], known: Collection[str]) -> str:
    """The name, numbered if it is `taken`; with a number it is none of those `known` either."""
    candidate, number = name, 1
    while candidate in taken or (number > 1 and candidate in known):
        number += 1
        candidate = f"{name}_{number}"
    return candidate


@dataclass(slots=True)
class _Function:
    """A macro, or the template: the scopes that run in it, outer ones first, and the names of their variables."""

    outer: _Function | None = None
    scopes: list[Scope] = field(default_factory=list[Scope])
    variables: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class _Builder:
    """Builds the scopes of one template; `functions` are all of them, outer ones first."""

    found: Scopes
    functions: list[_Function] = field(default_factory=list[_Function])

    def build(self, template: nodes.Template) -> None:
        """Find all scopes, then name their variables."""
        function = _Function()
        self.functions.append(function)
        self.body(template.body, self.found.template, function)
        self.name_variables()

    def body(self, body: Iterable[nodes.Node], scope: Scope, function: _Function) -> None:
        """Find the scopes inside a body."""
        for node in body:
            match node:
                case nodes.If():
                    for part in (node.body, *(branch.body for branch in node.elif_), node.else_):
                        self.body(part, scope, function)
                case nodes.Assign():
                    scope.rebound.update(_names(node.target))
                case nodes.For():
                    self.loop(node, scope, function)
                case nodes.Macro():
                    scope.macros.add(node.name)
                    self.macro(node, scope, function)
                case nodes.CallBlock():
                    self.macro(node, scope, function)
                case nodes.AssignBlock():
                    scope.rebound.update(_names(node.target))
                    self.inside(node, scope, function)
                case nodes.FilterBlock() | nodes.With():
                    self.inside(node, scope, function)
                case _:
                    pass

    def inside(
        self,
        node: nodes.AssignBlock | nodes.FilterBlock | nodes.With,
        outer: Scope,
        function: _Function,
    ) -> None:
        """The scope of a body that runs once, where it stands."""
        scope = Scope(Symbols(outer.symbols), outer)
        scope.symbols.analyze_node(node)
        self.found.inner[id(node)] = scope
        function.scopes.append(scope)
        self.body(node.body, scope, function)

    def loop(self, node: nodes.For, outer: Scope, function: _Function) -> None:
        """The scopes of a loop's pass and of its `else`."""
        scope = Scope(Symbols(outer.symbols), outer, loop=node)
        scope.symbols.analyze_node(node, for_branch="body")
        self.found.inner[id(node)] = scope
        function.scopes.append(scope)
        for name in scope.symbols.stores:
            self.found.loops.setdefault(name, []).append(node)
        self.body(node.body, scope, function)
        # Nothing is lowered in this one, but what the condition reads of the scopes around counts.
        condition = Scope(Symbols(outer.symbols), outer)
        condition.symbols.analyze_node(node, for_branch="test")
        function.scopes.append(condition)
        orelse = Scope(Symbols(outer.symbols), outer)
        orelse.symbols.analyze_node(node, for_branch="else")
        self.found.orelse[id(node)] = orelse
        function.scopes.append(orelse)
        self.body(node.else_, orelse, function)

    def macro(self, node: nodes.Macro | nodes.CallBlock, outer: Scope, function: _Function) -> None:
        """The scope of a macro, with those special names that its body reads and no parameter has."""
        scope = Scope(Symbols(outer.symbols), outer)
        scope.symbols.analyze_node(node)
        parameters = {parameter.name for parameter in node.args}
        for name in sorted(find_undeclared(node.body, SPECIAL) - parameters):
            scope.symbols.declare_parameter(name)
            scope.special.append(name)
        scope.calls_back = CALLER in parameters.union(scope.special)
        scope.defaults.update(name for each in node.defaults for name in _names(each))
        inner = _Function(function, [scope])
        self.functions.append(inner)
        self.found.inner[id(node)] = scope
        self.body(node.body, scope, inner)

    def name_variables(self) -> None:
        """Name what each scope sets (rules 1 and 2)."""
        template = self.found.template
        scopes = [scope for function in self.functions for scope in function.scopes]
        template.own = {name: name for name in template.symbols.stores}
        template.rebound |= self.found.assigned - template.symbols.stores
        every = {name for scope in (template, *scopes) for name in scope.symbols.refs}
        every |= self.found.assigned
        outside = set(template.symbols.refs) | self.found.assigned
        outside.update(name for scope in scopes for name in _free(scope))
        allocated: set[str] = set()
        macros: set[str] = set()
        for function in self.functions:
            around = outside | (function.outer.variables if function.outer else set[str]())
            for scope in function.scopes:
                for name in filter(scope.symbols.stores.__contains__, scope.symbols.refs):
                    # What is called by its name shares it with nothing, other variables with those beside them.
                    others = allocated if name in scope.macros else macros
                    taken = {*around, *others, *_visible(scope)}
                    if self.found.computed:  # whatever is plain may be assigned at run time
                        taken.add(name)
                    variable = numbered(name, taken, every)
                    scope.own[name] = variable
                    allocated.add(variable)
                    if name in scope.macros:
                        macros.add(variable)
                scope.known.update(filter(scope.given, scope.own))
                function.variables.update(scope.own.values())
            function.variables |= around
        self.found.taken = every | outside | allocated


def _free(scope: Scope) -> Iterator[str]:
    """The names in a scope that no scope around sets, so that they mean the template's variables.

    A macro's default sees what is around the macro, and its parameters.
    """
    for name in scope.symbols.refs:
        around = list(scope.around())
        if name in scope.defaults and not scope.given(name):
            around.remove(scope)
        if not any(name in each.symbols.stores for each in around):
            yield name


def _visible(scope: Scope) -> Iterator[str]:
    """The variables that a scope and those around it have, without the template's."""
    for around in scope.around():
        yield from around.own.values()


def _names(expr: nodes.Expr) -> Iterator[str]:
    """The names that an expression reads, or an assignment binds."""
    for node in walk([expr]):
        if isinstance(node, nodes.Name):
            yield node.name
