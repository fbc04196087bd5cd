"""Which variables a skill has, and which of them may be read before they are set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, assert_never

from skillc.analyses.walk import Body, children, expressions, own_expressions, statements
from skillc.ir import (
    ActionCall,
    Assign,
    Bind,
    Block,
    Break,
    Compare,
    Const,
    Continue,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Flow,
    If,
    Logic,
    Name,
    Return,
    Role,
    Select,
    SetComputed,
    Skill,
    SkillCall,
    Stmt,
    Unary,
)

Exposed: TypeAlias = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Scopes:
    """The variables of one skill, by their template names. Loop names are none of them: they are unique.

    `assigned` maps each to the offset behind its first assignment; `free` are read but never assigned and no
    parameter; `early` are the reads that no assignment surely precedes (of free names too); `unused` are
    assigned and never read, not exposed and not the result. `computed` says that a name is computed at run
    time, so that any name may be assigned there.
    """

    parameters: frozenset[str]
    assigned: Mapping[str, int]
    loop_names: frozenset[str]
    free: frozenset[str]
    maybe_unset: frozenset[str]
    unused: frozenset[str]
    early: tuple[Name, ...]
    result_bound: bool
    computed: bool

    def is_free(self, name: str) -> bool:
        """Whether the name is surely no variable of the skill, so that it may mean a module or a function."""
        variables = (self.parameters, self.assigned, self.loop_names)
        return not self.computed and not any(name in names for names in variables)


class Assignment(NamedTuple):
    """One assignment: its value, None where it is printed text, and the offset behind it."""

    name: str
    value: Expr | None
    end: int


def exposed(flow: Flow) -> Exposed:
    """For each skill of a flow, the names its callers may receive from it; under "" those of all.

    A skill that computes what it exposes may expose every name that anybody reads.
    """
    found = {skill.idn: list(expressions(skill.body)) for skill in flow.skills}
    read = {e.name for exprs in found.values() for e in exprs if isinstance(e, Name)}
    read.update(skill.result_variable for skill in flow.skills)
    by_skill = {
        idn: frozenset(name for expr in exprs for name in _exposed_by(expr, read))
        for idn, exprs in found.items()
    }
    return by_skill | {"": frozenset[str]().union(*by_skill.values())}


def _exposed_by(expr: Expr, read: Iterable[str]) -> Iterable[str]:
    match expr:
        case Expose():
            return (expr.name,)
        case SetComputed(expose=Const(value=False)):
            return ()
        case SetComputed():
            return read
        case _:
            return ()


def received(expr: Expr, given: Exposed) -> frozenset[str]:
    """The names that a call may set in its caller: what the called skill exposes."""
    match expr:
        case SkillCall():
            return given.get(expr.skill, frozenset())
        case ActionCall(action="Do"):
            return given[""]
        case _:
            return frozenset()


def scopes(skill: Skill, given: Exposed) -> Scopes:
    """The scopes of a resolved skill whose loop names are unique; `given` is what its flow exposes."""
    parameters = frozenset(parameter.name for parameter in skill.parameters)
    all_statements = list(statements(skill.body))
    loop_names = frozenset(stmt.item for stmt in all_statements if isinstance(stmt, Each))
    all_expressions = list(expressions(skill.body))
    assigned: dict[str, int] = {}
    for name, end in _assigned(skill, given):
        if name not in loop_names:
            assigned[name] = min(end, assigned.get(name, end))
    names = frozenset(assigned)
    flow = _Flow(given, parameters | loop_names)
    ends = flow.body(skill.body, frozenset(parameters))
    read = frozenset(e.name for e in all_expressions if isinstance(e, Name))
    computed = any(isinstance(expr, SetComputed) for expr in all_expressions)
    kept = {expr.name for expr in all_expressions if isinstance(expr, Expose)}
    kept.add(skill.result_variable)
    early = frozenset(name.name for name in flow.early)
    result = skill.result_variable
    if result in assigned and ends is not None and result not in ends:
        early |= {result}
    return Scopes(
        parameters=parameters,
        assigned=assigned,
        loop_names=loop_names,
        free=read - names - parameters - loop_names,
        maybe_unset=early & names,
        unused=frozenset() if computed else names - read - kept - parameters,
        early=tuple(flow.early),
        result_bound=computed or result in assigned or result in parameters,
        computed=computed,
    )


def assignments(skill: Skill) -> Iterator[Assignment]:
    """Every assignment a skill makes itself; what its calls may hand it is not among them."""
    for stmt in statements(skill.body):
        match stmt:
            case Assign():
                yield Assignment(stmt.name, stmt.value, stmt.span.end)
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
    """Definite assignment: walks a body with the set of names surely set, None where nothing gets to."""

    def __init__(self, given: Exposed, always: frozenset[str]) -> None:
        self.given = given
        self.always = always
        self.early: list[Name] = []

    def expr(self, expr: Expr, known: frozenset[str]) -> frozenset[str]:
        """Note the reads of an expression; return what is set after it."""
        match expr:
            case Name():
                if expr.name not in known and expr.name not in self.always:
                    self.early.append(expr)
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
            for expr in own_expressions(stmt):
                known = self.expr(expr, known)
            known = self.after(stmt, known)
        return known

    def after(self, stmt: Stmt, known: frozenset[str]) -> frozenset[str] | None:
        """What is surely set after a statement whose own expressions were walked."""
        match stmt:
            case Emit() | Evaluate():
                return known
            case Assign():
                return known | {stmt.name}
            case If():
                body = self.body(stmt.body, known | _sure(stmt.test, truth=True))
                orelse = self.body(stmt.orelse, known | _sure(stmt.test, truth=False))
                return _meet(body, orelse)
            case Each():
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
