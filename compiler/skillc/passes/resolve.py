"""Say what every call on a bare name means: an action, a skill, a function, or a variable's value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from skillc.analyses.walk import Body, expressions, map_children, map_expressions, statements
from skillc.errors import Report, did_you_mean
from skillc.ir import (
    ActionCall,
    Arg,
    Assign,
    Bind,
    Block,
    Call,
    Const,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Flow,
    FunctionCall,
    Leave,
    Name,
    Return,
    Select,
    SetComputed,
    Skill,
    Stmt,
    Void,
)
from skillc.passes.bind import bind_action, bind_skill, bind_value
from skillc.passes.settings import Settings, Unit
from skillrt.actions import CATALOGUE
from skillrt.catalogue import Action
from skillrt.errors import ActionError
from skillrt.functions import FUNCTIONS
from skillrt.kinds import Kind, as_flag

NAMED_GENERATIONS: Final = frozenset({"Gen", "GenStream"})
NOT_PROVIDED: Final = {
    "Menu": "use Gen",
    "RaiseEvent": "use SendSystemEvent",
    "GoToSkill": "use Do",
    "SendEmail": "use SendCommand",
    "SendSms": "use SendCommand",
    "Log": "use DUMMY",
}


def resolve_calls(flow: Flow, unit: Unit) -> Flow:
    """Replace calls on bare names by what they mean, and Set, Return and printing by statements.

    Before: Emit(Call(Set, name="n", value=Call(GetUser)))    After: Assign(n, ActionCall(GetUser))

    Source: project format, what a call resolves to; action catalogue, what a bare call prints.
    """
    return replace(
        flow,
        skills=tuple(
            replace(skill, body=_Resolver.of(skill, flow, unit).body(skill.body))
            for skill in flow.skills
        ),
    )


@dataclass(slots=True)
class _Resolver:
    """The names one skill can see."""

    skills: dict[str, Skill]
    variables: frozenset[str]
    report: Report
    settings: Settings

    @classmethod
    def of(cls, skill: Skill, flow: Flow, unit: Unit) -> _Resolver:
        """The resolver of one skill of a flow."""
        variables = frozenset(p.name for p in skill.parameters) | set(set_names(skill.body))
        skills = {other.idn: other for other in flow.skills}
        return cls(skills, variables, unit.reports[skill.idn], unit.settings)

    def body(self, body: Body) -> Body:
        """A body with every call resolved."""
        return tuple(self.stmt(stmt) for stmt in body)

    def stmt(self, stmt: Stmt) -> Stmt:
        """One statement; what a whole tag calls decides what kind of statement it is."""
        match stmt:
            case Emit(value=Call(callee=Name()) as call):
                return self.whole_tag(stmt, self.expr(call))
            case Emit(value=Name(span, name)) if name not in self.variables:
                if name in self.skills or CATALOGUE.find(name) is not None:
                    self.report("SK217", span, name=name)
                return stmt
            case _:
                return map_expressions(stmt, self.nested, self.body)

    def whole_tag(self, tag: Emit, value: Expr) -> Stmt:
        """A tag that is just a call: assignments and returns are statements, some calls print nothing."""
        match value:
            case Void(span, Bind(_, name, assigned)):
                return Assign(span, name, assigned)
            case Void(span, assigned):
                return Evaluate(span, assigned)
            case Leave():
                return Return(value.span, value.value)
            case ActionCall(action="Do", args=((_, Const(value=str(name))), *_)):
                target = CATALOGUE.find(name)
                printing = target is None or target.prints
                return replace(tag, value=value) if printing else Evaluate(tag.span, value)
            case ActionCall() if not CATALOGUE[value.action].prints or self.hidden(value):
                return Evaluate(tag.span, self.named(value))
            case ActionCall():
                return replace(tag, value=self.named(value))
            case _:
                return replace(tag, value=value)

    def expr(self, expr: Expr) -> Expr:
        """An expression with every call on a bare name resolved, innermost first."""
        if not isinstance(expr, Call):
            return map_children(expr, self.nested)
        args = tuple(replace(arg, value=self.nested(arg.value)) for arg in expr.args)
        if isinstance(expr.callee, Name):
            return self.call(replace(expr, args=args), expr.callee)
        callee = self.nested(expr.callee)
        return bind_value(replace(expr, callee=callee, args=args), self.report)

    def nested(self, expr: Expr) -> Expr:
        """An expression whose value is used."""
        resolved = self.expr(expr)
        return self.named(resolved) if isinstance(resolved, ActionCall) else resolved

    def named(self, call: ActionCall) -> Expr:
        """A generation with `name=` also assigns that variable."""
        if call.action not in NAMED_GENERATIONS:
            return call
        args = tuple((name, value) for name, value in call.args if name not in {"name", "hidden"})
        generation = replace(call, args=args)
        match dict(call.args).get("name"):
            case None:
                return generation
            case Const() as name:
                return Bind(call.span, self.variable(name), generation)
            case name:
                return SetComputed(call.span, name, generation, Const(call.span, value=False))

    def call(self, call: Call, callee: Name) -> Expr:
        """What a call on a bare name means; the first rule that knows the name decides."""
        name = callee.name
        entry = CATALOGUE.find(name)
        if entry is not None and entry.priority != "B":
            return self.action(entry, call)
        if name in self.skills:
            return bind_skill(self.skills[name], call, self.report)
        if entry is not None:
            return self.action(entry, call)
        if name in FUNCTIONS:
            args = bind_value(call, self.report).args
            positional = tuple(arg.value for arg in args if arg.name is None)
            named = tuple((arg.name, arg.value) for arg in args if arg.name is not None)
            return FunctionCall(call.span, name, positional, named)
        if name in self.variables:
            return bind_value(call, self.report)
        loose = CATALOGUE.find_loosely(name)
        if loose is not None:
            self.report("SK216", callee.span, action=loose.name)
            return self.action(loose, call)
        return self.unknown(call, callee)

    def unknown(self, call: Call, callee: Name) -> Expr:
        """A name that nothing has: an error, or a late-bound call when the file stands alone."""
        name = callee.name
        near = did_you_mean(name, [*CATALOGUE, *self.skills, *FUNCTIONS])
        if self.settings.lone and near is None and name not in NOT_PROVIDED:
            self.report("SK203", callee.span, name=name)
            extra = tuple((arg.name, arg.value) for arg in call.args if arg.name is not None)
            target = Const(callee.span, name)
            return ActionCall(call.span, "Do", (("action_name", target),), extra=extra)
        self.report("SK201", callee.span, name=name, hint=near or NOT_PROVIDED.get(name))
        return Const(call.span, "")

    def action(self, entry: Action, call: Call) -> Expr:
        """A call of an action; `Do` of a literal name is checked as the direct call."""
        if entry.name == "Do":
            naming = naming_argument(call)
            match naming and naming.value:
                case Const(span, str(name)):
                    target = Name(span, name.strip())
                    others = tuple(arg for arg in call.args if arg is not naming)
                    return self.call(Call(call.span, target, others), target)
                case _:
                    pass
        bound = bind_action(entry, call, self.report)
        match entry.name:
            case "Set":
                return self.assignment(bound)
            case "Return":
                return Leave(call.span, dict(bound.args).get("val", Const(call.span, "")))
            case _:
                return bound

    def assignment(self, call: ActionCall) -> Expr:
        """What a call of Set means inside an expression; its value is ""."""
        args = dict(call.args)
        value = args.get("value", Const(call.span, ""))
        when = args.get("expose", Const(call.span, value=False))
        if isinstance(when, Const):
            when = Const(when.span, self.flag("Set", "expose", when))
        match args.get("name"):
            case None:
                return Void(call.span, value)
            case Const() as literal:
                name = self.variable(literal)
                if when != Const(when.span, value=False):
                    value = Expose(call.span, name, value, when)
                return Void(call.span, Bind(call.span, name, value))
            case name:
                return Void(call.span, SetComputed(call.span, name, value, when))

    def variable(self, name: Const) -> str:
        """The variable that a literal names."""
        if not (isinstance(name.value, str) and name.value.strip().isidentifier()):
            self.report("SK311", name.span, name=name.value)
        return str(name.value).strip()

    def hidden(self, call: ActionCall) -> bool:
        """Whether a generation says that its tag prints nothing."""
        value = dict(call.args).get("hidden")
        return value is not None and self.flag(call.action, "hidden", value)

    def flag(self, action: str, parameter: str, value: Expr) -> bool:
        """The truth of an argument that must be visible."""
        try:
            if isinstance(value, Const):
                return as_flag(value.value, f"{action}.{parameter}", default=False)
        except ActionError:
            pass
        written = self.report.source.text[value.span.start : value.span.end]
        kind = Kind.FLAG.value
        self.report(
            "SK213", value.span, action=action, parameter=parameter, kind=kind, value=written
        )
        return False


def naming_argument(call: Call) -> Arg | None:
    """The argument of a `Do` that names its target; all others go there.

    Source: action catalogue, Do: `action` names it only when nothing else does.
    """
    for wanted in ("actionName", None, "action"):
        for arg in call.args:
            if arg.name == wanted:
                return arg
    return None


def set_names(body: Body) -> Iterator[str]:
    """The names that unresolved statements assign: by Set, named generations, blocks and loops."""
    for stmt in statements(body):
        match stmt:
            case Block(name=str(name)) | Select(name=str(name)) | Each(item=name):
                yield name
            case _:
                pass
    for expr in expressions(body):
        if isinstance(expr, Call) and isinstance(expr.callee, Name):
            entry = CATALOGUE.find(expr.callee.name)
            if entry is not None and entry.name in {"Set", *NAMED_GENERATIONS}:
                yield from _literal_names(expr)


def _literal_names(call: Call) -> Iterator[str]:
    for index, arg in enumerate(call.args):
        if (arg.name == "name" or (arg.name is None and index == 0)) and isinstance(
            arg.value, Const
        ):
            yield str(arg.value.value).strip()
