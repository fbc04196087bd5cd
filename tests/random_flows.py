"""Resolved flows of random statements and expressions: no sense in them, but every construct beside every other."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from emit_flows import HERE, const, flow_of, name
from skillc.errors import Report
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
    Compare,
    Continue,
    Convert,
    DictExpr,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Flow,
    FunctionCall,
    If,
    Index,
    Leave,
    ListExpr,
    Logic,
    LoopName,
    Parameter,
    Return,
    Role,
    SetComputed,
    Skill,
    SkillCall,
    Stmt,
    Unary,
    Void,
)
from skillc.passes import Settings, Unit
from skillc.passes.loops import rename_loops
from skillc.source import Source

NAMES: Final = ("a", "b", "c", "text", "LIMIT", "_", "Reply", "item", "from_")
LITERALS: Final = ("x", "", 1, 2.5, True, None, -3, 'a"b')
FUNCTIONS: Final = ("len", "str", "sorted", "int", "round", "max", "add", "equal", "range", "strip")


def random_flow(seed: int, skills: int) -> Flow:
    """A flow of `skills` skills, always the same for a seed."""
    random = Random(seed)
    idns = ["Reply", *(f"Skill{number}" for number in range(skills - 1))]
    made = (_Maker(random, idns, computed=random.random() < 0.1).skill(idn) for idn in idns)
    flow = flow_of(*made)
    reports = {skill.idn: Report(skill.source) for skill in flow.skills}
    return rename_loops(flow, Unit(Settings(), reports))


class _Maker:
    """Makes one skill."""

    def __init__(self, random: Random, idns: list[str], *, computed: bool) -> None:
        self.random = random
        self.idns = idns
        self.computed = computed
        self.loops = 0

    def skill(self, idn: str) -> Skill:
        parameters = tuple(map(Parameter, self.random.sample(NAMES, self.random.randrange(3))))
        body = self.body(3, 6)
        return Skill(idn, Source("Main.guidance", "{{x}}\n"), "guidance", body, parameters)

    def variable(self) -> str:
        return self.random.choice((*NAMES, *(f"row{number}" for number in range(3))))

    def body(self, depth: int, most: int = 3) -> tuple[Stmt, ...]:
        return tuple(self.stmt(depth) for _ in range(self.random.randint(1, most)))

    def looped(self, depth: int) -> tuple[Stmt, ...]:
        self.loops += 1
        body = self.body(depth)
        self.loops -= 1
        return body

    def stmt(self, depth: int) -> Stmt:
        small: list[Callable[[], Stmt]] = [
            lambda: Emit(HERE, const("text {x}\n")),
            lambda: Emit(HERE, name(self.variable())),
            lambda: Emit(HERE, self.expr(3)),
            lambda: Evaluate(HERE, self.expr(3)),
            lambda: Assign(HERE, self.variable(), self.expr(3)),
            lambda: Assign(HERE, self.variable(), self.expr(3)),
            lambda: self.exposing(self.random.choice(NAMES)),
        ]
        if self.random.random() < 0.2:
            small.append(lambda: Return(HERE, self.expr(3)))
        if self.loops:
            small += [lambda: Break(HERE), lambda: Continue(HERE)]
        if self.computed:
            small.append(lambda: Evaluate(HERE, self.setting(name("a"), self.expr(1))))
            small.append(lambda: Evaluate(HERE, self.setting(const("a"), const(value=True))))
        below = depth - 1
        large: list[Callable[[], Stmt]] = [
            lambda: If(HERE, self.expr(3), self.body(below), ()),
            lambda: If(HERE, self.expr(3), self.body(below), self.body(below)),
            lambda: If(HERE, self.expr(3), (), (self.stmt(below),)),
            lambda: Each(HERE, self.expr(2), f"row{depth}", self.looped(below), ()),
            lambda: Each(HERE, self.expr(2), f"row{depth}", self.looped(below), self.body(below)),
            lambda: Block(
                HERE,
                self.random.choice((None, *NAMES)),
                self.random.random() < 0.5,
                self.body(below),
            ),
            lambda: Role(
                HERE, self.expr(1), self.body(below), self.random.random() < 0.5, self.expr(1)
            ),
        ]
        return self.random.choice(small + large if depth > 0 else small)()

    def exposing(self, variable: str) -> Stmt:
        when = const(value=True) if self.random.random() < 0.7 else self.expr(1)
        return Assign(HERE, variable, Expose(HERE, variable, self.expr(2), when))

    def setting(self, variable: Expr, expose: Expr) -> Expr:
        return SetComputed(HERE, variable, self.expr(2), expose)

    def exprs(self, depth: int, most: int) -> tuple[Expr, ...]:
        return tuple(self.expr(depth) for _ in range(self.random.randint(0, most)))

    def expr(self, depth: int) -> Expr:
        leaves: list[Callable[[], Expr]] = [
            lambda: name(self.variable()),
            lambda: const(self.random.choice(LITERALS)),
        ]
        if self.loops:
            leaves.append(
                lambda: LoopName(HERE, self.random.choice(("index", "first", "last", "key")))
            )
        if depth <= 0 or self.random.random() < 0.2:
            return self.random.choice(leaves)()
        below, pick = depth - 1, self.random.choice

        def part() -> Expr:
            return self.expr(below)

        def parts() -> tuple[Expr, ...]:
            return self.exprs(below, 2)

        inner: list[Callable[[], Expr]] = [
            lambda: ListExpr(HERE, parts()),
            lambda: DictExpr(HERE, tuple((part(), value) for value in parts())),
            lambda: Attribute(HERE, part(), pick(("k", "outcome", "interrupted"))),
            lambda: Index(HERE, part(), part()),
            lambda: Unary(HERE, pick(("not", "-", "+")), part()),
            lambda: Binary(HERE, pick(("+", "-", "*", "/", "%")), part(), part()),
            lambda: Compare(HERE, part(), ((pick(("==", "!=", "<", ">=")), part()),)),
            lambda: Compare(HERE, part(), ((pick(("in", "not in", "is", "is not")), part()),)),
            lambda: Logic(HERE, pick(("and", "or")), (part(), part(), *parts())),
            lambda: Call(HERE, Attribute(HERE, part(), "f"), (Arg(HERE, None, part()),)),
            lambda: Call(
                HERE,
                Index(HERE, part(), part()),
                (Arg(HERE, "key", part()), Arg(HERE, "from", part())),
            ),
            lambda: FunctionCall(HERE, pick(FUNCTIONS), parts()),
            lambda: SkillCall(
                HERE, pick(self.idns), tuple((arg, part()) for arg in self.random.sample(NAMES, 2))
            ),
            lambda: Bind(HERE, self.variable(), part()),
            lambda: Void(HERE, part()),
            lambda: self.action(below),
        ]
        if self.random.random() < 0.1:
            inner += [
                lambda: Leave(HERE, part()),
                lambda: Bind(HERE, "a", Expose(HERE, "a", part(), part())),
            ]
            if self.computed:
                inner.append(lambda: self.setting(part(), part()))
        return pick(inner)()

    def action(self, depth: int) -> Expr:
        def converted(parameter: str) -> Expr:
            return Convert(HERE, parameter, self.expr(depth))

        actions: list[Callable[[], Expr]] = [
            lambda: ActionCall(HERE, "GetUser"),
            lambda: ActionCall(HERE, "GetActors"),
            lambda: ActionCall(HERE, "GetState", (("name", converted("GetState.name")),)),
            lambda: ActionCall(HERE, "Concat", rest=self.exprs(depth, 2)),
            lambda: ActionCall(
                HERE, "SendMessage", (("message", converted("SendMessage.message")),)
            ),
            lambda: ActionCall(
                HERE, "Do", (("action_name", const("x")),), extra=(("b", self.expr(depth)),)
            ),
            lambda: ActionCall(
                HERE,
                "GenStream",
                (
                    ("max_tokens", converted("GenStream.maxTokens")),
                    ("stop", converted("GenStream.stop")),
                    ("actor_ids", converted("GenStream.actorIds")),
                    ("interrupt_mode", converted("GenStream.interruptMode")),
                ),
            ),
        ]
        return self.random.choice(actions)()
