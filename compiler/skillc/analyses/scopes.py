"""Which variables a skill has, and which of them may be read before they are set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, assert_never

from typing_extensions import TypeIs

from skillc.analyses.walk import (
    Body,
    bodies,
    bound_names,
    children,
    expressions,
    own_expressions,
    parameter_names,
    statements,
)
from skillc.ir import (
    ActionCall,
    Assign,
    Bind,
    Block,
    Break,
    Capture,
    CloseRole,
    Compare,
    Conditional,
    Const,
    Continue,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Flow,
    If,
    Index,
    Invoke,
    Logic,
    Macro,
    MacroCall,
    Name,
    OpenRole,
    Return,
    Role,
    Select,
    SetComputed,
    SetField,
    Skill,
    SkillCall,
    Stmt,
    Unary,
    Unpack,
    target_names,
)

Exposed: TypeAlias = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Scopes:
    """The variables of one skill, by their template names. Loop names are none of them: they are unique.

    Nor are macros, or `local` ones, of which each call of a macro or recursive loop has its own; of these, those in
    `unset` may be read before they are assigned there. `loose` are the macros of which only the run knows whether
    they are defined when they are called, or which of several definitions counts.

    `assigned` maps each to the offset behind its first assignment; `free` are read but never assigned and no
    parameter; `early` are the reads that no assignment surely precedes (of free names too), `late` those among
    them inside macros, which run when they are called; `unused` are
    assigned and never read, not exposed and not the result. `computed` says that a name is computed at run
    time, so that any name may be assigned there.
    """

    parameters: frozenset[str]
    assigned: Mapping[str, int]
    loop_names: frozenset[str]
    local: frozenset[str]
    unset: frozenset[str]
    loose: frozenset[str]
    free: frozenset[str]
    maybe_unset: frozenset[str]
    unused: frozenset[str]
    early: tuple[Name, ...]
    late: frozenset[Name]
    result_bound: bool
    computed: bool

    def is_free(self, name: str) -> bool:
        """Whether the name is surely no variable of the skill, so that it may mean a module or a function."""
        variables = (self.parameters, self.assigned, self.loop_names, self.local)
        return not self.computed and not any(name in names for names in variables)


class Assignment(NamedTuple):
    """One assignment: its value, None where it is printed text, and the offset behind it."""

    name: str
    value: Expr | None
    end: int


def exposed(flow: Flow) -> Exposed:
    """For each skill that a flow can call, the names its callers may receive from it; under "" those of all.

    A skill that computes what it exposes may expose every name that anybody in the flow reads.
    """
    found = {skill.idn: list(expressions(skill.body)) for skill in flow.skills}
    read = {e.name for exprs in found.values() for e in exprs if isinstance(e, Name)}
    read.update(skill.result_variable for skill in flow.skills)
    by_skill = {
        idn: frozenset(name for expr in exprs for name in _exposed_by(expr, read))
        for idn, exprs in found.items()
    }
    for library in flow.libraries:
        for one in library.skills:
            names = frozenset(read) if one.exposed is None else one.exposed
            by_skill.setdefault(f"{library.idn}.{one.idn}", names)
    return by_skill | {"": frozenset[str]().union(*by_skill.values())}


def computes_exposed(skill: Skill) -> bool:
    """Whether a skill may expose names that it computes."""
    computed = (expr for expr in expressions(skill.body) if isinstance(expr, SetComputed))
    return any(not _exposes_nothing_new(expr) for expr in computed)


def _exposes_nothing_new(expr: SetComputed) -> bool:
    return isinstance(expr.expose, Const) and not expr.expose.value


def _exposed_by(expr: Expr, read: Iterable[str]) -> Iterable[str]:
    match expr:
        case Expose():
            return (expr.name,)
        case SetComputed() if not _exposes_nothing_new(expr):
            return read
        case _:
            return ()


def received(expr: Expr, given: Exposed) -> frozenset[str]:
    """The names that a call may set in its caller: what the called skill exposes."""
    match expr:
        case SkillCall():
            return given.get(expr.target, frozenset())
        case Invoke(name=Const(value=str(name))):
            return given.get(name, frozenset())
        case ActionCall(action="Do") | Invoke():
            return given[""]
        case _:
            return frozenset()


def is_function(stmt: Stmt) -> TypeIs[Macro | Each]:
    """Whether the body of a statement runs each time something calls it, with variables of its own."""
    return isinstance(stmt, Macro) or (isinstance(stmt, Each) and stmt.recursive)


def local_names(function: Macro | Each) -> frozenset[str]:
    """The variables of which each call of a macro or recursive loop has its own: what its statements assign."""
    inner = (name for body in bodies(function) for name in _bound_in(body))
    given = bound_names(function) if isinstance(function, Each) else parameter_names(function)
    return frozenset((*inner, *given))


def _bound_in(body: Body) -> Iterator[str]:
    """What statements assign, without those inside the macros and recursive loops among them."""
    todo = list(body)
    while todo:
        stmt = todo.pop()
        if not is_function(stmt):
            yield from bound_names(stmt)
            todo.extend(inner for body in bodies(stmt) for inner in body)


def scopes(skill: Skill, given: Exposed) -> Scopes:
    """The scopes of a resolved skill whose loop names are unique; `given` is what its flow exposes."""
    parameters = frozenset(parameter.name for parameter in skill.parameters)
    all_statements = list(statements(skill.body))
    loops = (stmt for stmt in all_statements if isinstance(stmt, Each))
    loop_names = frozenset(name for stmt in loops for name in target_names(stmt.item))
    all_expressions = list(expressions(skill.body))
    local = frozenset[str]().union(*map(local_names, filter(is_function, all_statements)))
    macros = Counter(stmt.name for stmt in all_statements if isinstance(stmt, Macro))
    local -= frozenset(_bound_in(skill.body))
    local -= {expr.name for expr in all_expressions if isinstance(expr, Bind)}
    assigned: dict[str, int] = {}
    for name, end in _assigned(skill, given):
        if name not in loop_names | local:
            assigned[name] = min(end, assigned.get(name, end))
    names = frozenset(assigned)
    flow = _Flow(given, parameters | loop_names, frozenset(macros))
    ends = flow.body(skill.body, frozenset(parameters))
    read = frozenset(e.name for e in all_expressions if isinstance(e, Name))
    computed = any(isinstance(expr, SetComputed) for expr in all_expressions)
    kept = {expr.name for expr in all_expressions if isinstance(expr, Expose)}
    kept.add(skill.result_variable)
    early = frozenset(name.name for name, _ in flow.early)
    result = skill.result_variable
    if result in assigned and ends is not None and result not in ends:
        early |= {result}
    return Scopes(
        parameters=parameters,
        assigned=assigned,
        loop_names=loop_names,
        local=local,
        unset=frozenset(flow.unset),
        loose=frozenset(flow.loose | {name for name, count in macros.items() if count > 1}),
        free=read - names - parameters - loop_names - local,
        maybe_unset=early & names,
        unused=frozenset() if computed else names - read - kept - parameters,
        early=tuple(name for name, _ in flow.early),
        late=frozenset(name for name, deferred in flow.early if deferred),
        result_bound=computed or result in assigned or result in parameters,
        computed=computed,
    )


def assignments(skill: Skill) -> Iterator[Assignment]:
    """Every assignment a skill makes itself; what its calls may hand it is not among them."""
    for stmt in statements(skill.body):
        match stmt:
            case Assign():
                yield Assignment(stmt.name, stmt.value, stmt.span.end)
            case Unpack():
                item = Index(stmt.span, stmt.value, Const(stmt.span, 0))  # one of its items
                for name in target_names(stmt.targets):
                    yield Assignment(name, item, stmt.span.end)
            case Capture():
                yield Assignment(stmt.name, None, stmt.span.end)
            case Block(name=str(name)) | Select(name=str(name)):
                yield Assignment(name, None, stmt.span.end)
            case _:
                pass
    for expr in expressions(skill.body):
        if isinstance(expr, Bind):
            yield Assignment(expr.name, expr.value, expr.span.end)


def _assigned(skill: Skill, given: Exposed) -> Iterator[tuple[str, int]]:
    for assignment in assignments(skill):
        yield assignment.name, assignment.end
    for expr in expressions(skill.body):
        for name in received(expr, given):
            yield name, expr.span.end


class _Flow:
    """Definite assignment: walks a body with the set of names surely set, None where nothing gets to.

    `early` are the reads that no assignment surely precedes, with whether they happen in a macro, at some later time;
    `unset` are the variables of macros among them, `loose` the macros that are called before they surely exist.
    """

    def __init__(self, given: Exposed, always: frozenset[str], macros: frozenset[str]) -> None:
        self.given = given
        self.always = always
        self.macros = macros
        self.loose: set[str] = set()
        self.early: list[tuple[Name, bool]] = []
        self.unset: set[str] = set()

    def expr(self, expr: Expr, known: frozenset[str]) -> frozenset[str]:
        """Note the reads of an expression; return what is set after it."""
        match expr:
            case Name():
                if expr.name not in known and expr.name not in self.always:
                    self.early.append((expr, False))
                return known
            case MacroCall():
                called = {expr.macro, expr.caller or expr.macro} & self.macros
                self.loose |= called - known
                for child in children(expr):
                    known = self.expr(child, known)
                return known
            case Logic():
                after = self.expr(expr.values[0], known)
                inner = after
                for value in expr.values[1:]:
                    inner = self.expr(value, inner)
                return after
            case Compare():
                after = self.expr(expr.rest[0][1], self.expr(expr.first, known))
                inner = after
                for _, operand in expr.rest[1:]:
                    inner = self.expr(operand, inner)
                return after
            case Conditional():
                tested = self.expr(expr.test, known)
                body = self.expr(expr.body, tested | _sure(expr.test, truth=True))
                return body & self.expr(expr.orelse, tested | _sure(expr.test, truth=False))
            case Bind():
                return self.expr(expr.value, known) | {expr.name}
            case _:
                for child in children(expr):
                    known = self.expr(child, known)
                return known

    def body(self, body: Body, known: frozenset[str] | None) -> frozenset[str] | None:
        """What is surely set after a sequence; None when its end is not reached."""
        for stmt in body:
            if known is None:
                return None
            if not isinstance(stmt, Macro):
                for expr in own_expressions(stmt):
                    known = self.expr(expr, known)
            known = self.after(stmt, known)
        return known

    def after(self, stmt: Stmt, known: frozenset[str]) -> frozenset[str] | None:
        """What is surely set after a statement whose own expressions were walked."""
        match stmt:
            case Emit() | Evaluate() | SetField() | OpenRole() | CloseRole():
                return known
            case Assign() | Unpack():
                return known.union(bound_names(stmt))
            case Macro():
                self.function(stmt, known | {stmt.name})
                return known | {stmt.name}
            case Capture():
                captured = self.body(stmt.body, known)
                return None if captured is None else captured | {stmt.name}
            case If():
                body = self.body(stmt.body, known | _sure(stmt.test, truth=True))
                orelse = self.body(stmt.orelse, known | _sure(stmt.test, truth=False))
                return _meet(body, orelse)
            case Each():
                if stmt.recursive:
                    self.function(stmt, known)
                    return known
                self.body(stmt.body, known)
                self.body(stmt.orelse, known)
                return known
            case Role():
                return self.body(stmt.body, known)
            case Block():
                inner = self.body(stmt.body, known)
                return inner if inner is None or stmt.name is None else inner | {stmt.name}
            case Select():
                inner_: frozenset[str] | None = known
                if isinstance(stmt.options, tuple):
                    for option in stmt.options:
                        inner_ = self.body(option, inner_)
                return inner_ if inner_ is None or stmt.name is None else inner_ | {stmt.name}
            case Return() | Break() | Continue():
                return None
            case _:
                assert_never(stmt)

    def function(self, stmt: Macro | Each, known: frozenset[str]) -> None:
        """Note the reads of a body that runs later: what is set before it is defined is set then."""
        own = local_names(stmt)
        before, self.early = self.early, []
        inside = known - (own - self.macros)
        if isinstance(stmt, Macro):
            inside |= frozenset(parameter_names(stmt))
            for default in own_expressions(stmt):
                self.expr(default, inside)
        for body in bodies(stmt):
            self.body(body, inside)
        found, self.early = self.early, before
        self.unset.update(read.name for read, _ in found if read.name in own)
        self.early += [(read, True) for read, _ in found if read.name not in own]


def _sure(test: Expr, *, truth: bool) -> frozenset[str]:
    """The names that are set when a test has come out as `truth`: what is undefined is false."""
    match test:
        case Name() if truth:
            return frozenset({test.name})
        case Unary(op="not"):
            return _sure(test.value, truth=not truth)
        case Logic(op=op) if (op == "and") is truth:
            return frozenset[str]().union(*(_sure(value, truth=truth) for value in test.values))
        case _:
            return frozenset()


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
