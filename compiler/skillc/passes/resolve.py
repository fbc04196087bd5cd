"""Say what every call on a bare name means: an action, a skill, a function, or a variable's value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from skillc.analyses.scopes import is_function
from skillc.analyses.walk import (
    Body,
    bound_names,
    expressions,
    map_args,
    map_children,
    map_expressions,
    parameter_names,
    statements,
)
from skillc.errors import Report, did_you_mean
from skillc.ir import (
    CALLER,
    ActionCall,
    Arg,
    Assign,
    Attribute,
    Bind,
    Call,
    Const,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Filter,
    Flow,
    FunctionCall,
    Invoke,
    Leave,
    Library,
    Macro,
    MacroCall,
    Name,
    Return,
    SetComputed,
    Signature,
    Skill,
    Stmt,
    Test,
    Void,
)
from skillc.passes.bind import (
    bind_action,
    bind_filter,
    bind_macro,
    bind_skill,
    bind_test,
    bind_value,
)
from skillc.passes.settings import Settings, Unit
from skillc.source import Source, Span
from skillrt.actions import CATALOGUE
from skillrt.catalogue import Action
from skillrt.errors import ActionError
from skillrt.functions import FUNCTIONS
from skillrt.kinds import Kind, as_flag

BY_NAME: Final = frozenset({"Set", "Return", "Do"})
"""Actions whose arguments must be seen when they are compiled."""

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
    """The names one skill can see; whether it is at what macros and recursive loops run when they are called.

    There `Set` still assigns a variable of the run, and `Return` ends the run: they stay expressions, since the
    statements assign variables of the macro, and return its text.
    """

    flow: Flow
    skills: dict[str, Skill]
    variables: frozenset[str]
    macros: dict[str, Macro | str]
    report: Report
    settings: Settings
    inside: bool = False

    @classmethod
    def of(cls, skill: Skill, flow: Flow, unit: Unit) -> _Resolver:
        """The resolver of one skill of a flow."""
        variables = frozenset(p.name for p in skill.parameters) | set(set_names(skill.body))
        skills = {other.idn: other for other in flow.skills}
        macros = macro_names(skill.body)
        found = cls(flow, skills, variables, macros, unit.reports[skill.idn], unit.settings)
        for parameter in skill.parameters:
            found.check_hiding(parameter.name, Span(0, 0))
        return found

    def body(self, body: Body) -> Body:
        """A body with every call resolved."""
        return tuple(self.stmt(stmt) for stmt in body)

    def stmt(self, stmt: Stmt) -> Stmt:
        """One statement; what a whole tag calls decides what kind of statement it is."""
        for name in bound_names(stmt):
            self.check_hiding(name, first_word(name, stmt.span, self.report.source))
        match stmt:
            case Emit(value=Call(callee=Name()) as call):
                return self.whole_tag(stmt, self.expr(call))
            case Emit(value=Name(span, name)) if name not in self.variables:
                if self.is_skill(name) or CATALOGUE.find(name) is not None:
                    self.report("SK217", span, name=name)
                return replace(stmt, value=self.expr(stmt.value))
            case _ if is_function(stmt):
                return map_expressions(stmt, self.nested, replace(self, inside=True).body)
            case _:
                return map_expressions(stmt, self.nested, self.body)

    def whole_tag(self, tag: Emit, value: Expr) -> Stmt:
        """A tag that is just a call: assignments and returns are statements, some calls print nothing."""
        match value:
            case Void(span, Bind(_, name, assigned)) if not self.inside:
                return Assign(span, name, assigned)
            case Void(span, assigned):
                return Evaluate(span, assigned)
            case Leave() if self.inside:
                return Evaluate(value.span, value)
            case Leave():
                return Return(value.span, value.value)
            case (
                ActionCall(action="Do", args=((_, Const(value=str(name))), *_))
                | Invoke(name=Const(value=str(name)))
            ):
                target = CATALOGUE.find(name)
                printing = target is None or target.prints
                return replace(tag, value=value) if printing else Evaluate(tag.span, value)
            case ActionCall(action="Do"):
                printed = ("printed", Const(tag.span, value=True))
                return replace(tag, value=replace(value, args=(*value.args, printed)))
            case ActionCall() if not CATALOGUE[value.action].prints or self.hidden(value):
                return Evaluate(tag.span, self.named(value))
            case ActionCall():
                return replace(tag, value=self.named(value))
            case _:
                return replace(tag, value=value)

    def expr(self, expr: Expr) -> Expr:
        """An expression with every call on a bare name resolved, innermost first."""
        match expr:
            case Call(callee=Name() as callee):
                return self.call(replace(expr, args=map_args(expr.args, self.nested)), callee)
            case Call(callee=Attribute(span, Name() as owner, name)) if self.is_library(owner.name):
                qualified = Name(Span(owner.span.start, span.end), f"{owner.name}.{name}")
                return self.call(replace(expr, args=map_args(expr.args, self.nested)), qualified)
            case Name() if self.macros.get(expr.name, HANDED) is not HANDED:
                self.report("SK217", expr.span, name=expr.name)
                return expr
            case _:
                pass
        resolved = map_children(expr, self.nested)
        match resolved:
            case Call():
                return bind_value(resolved, self.report)
            case Filter():
                return bind_filter(resolved, self.report)
            case Test():
                return bind_test(resolved, self.report)
            case MacroCall():
                return self.macro_call(resolved)
            case _:
                return resolved

    def macro_call(self, call: MacroCall) -> MacroCall:
        """The call of a macro; what the one behind `caller` takes differs from call to call."""
        macro = self.macros.get(call.macro)
        if not isinstance(macro, Macro):
            return call
        if call.caller is not None and not (macro.called_back or macro.kwargs):
            self.report("SK205", call.span, action=call.macro, parameter=CALLER, hint=None)
        return bind_macro(macro, call, self.report)

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
        name = dict(call.args).get("name")
        return generation if name is None else self.kept(generation, call.action, name)

    def kept(self, generation: Expr, action: str, name: Expr) -> Expr:
        """A generation whose reply is assigned to the variable `name`, unless that is blank."""
        match name:
            case Const(value=value) if value is None or not str(value).strip():
                return generation
            case Const():
                return Bind(generation.span, self.variable(name), generation)
            case _:
                off = Const(generation.span, value=False)
                return SetComputed(generation.span, name, generation, off, action)

    def call(self, call: Call, callee: Name) -> Expr:
        """What a call on a bare name means; the first rule that knows the name decides."""
        own = f"{self.flow.idn}." if self.flow.is_library else ""
        callee = replace(callee, name=callee.name.removeprefix(own))
        name = callee.name
        if name in self.macros:
            return self.macro_call(MacroCall(call.span, name, call.args))
        entry = CATALOGUE.find(name)
        if entry is not None and entry.priority != "B":
            return self.action(entry, call)
        if name in self.skills and unpacks(call):
            return self.invoke(name, call)
        if name in self.skills:
            return bind_skill(self.skills[name], call, self.report)
        found = self.in_libraries(callee)
        if found is not None and unpacks(call):
            return self.invoke(f"{found[0].idn}.{found[1].idn}", call)
        if found is not None:
            return bind_skill(found[1], call, self.report, found[0].idn)
        if entry is not None:
            return self.action(entry, call)
        if name in FUNCTIONS:
            args = bind_value(call, self.report).args
            positional = tuple(a.value for a in args if a.name is None and not a.unpack)
            named = tuple((arg.name, arg.value) for arg in args if arg.name is not None)
            unpacked = tuple(arg for arg in args if arg.unpack)
            return FunctionCall(call.span, name, positional, named, unpacked)
        if name in self.variables:
            return bind_value(call, self.report)
        loose = CATALOGUE.find_loosely(name)
        if loose is not None:
            self.report("SK216", callee.span, action=loose.name)
            return self.action(loose, call)
        return self.unknown(call, callee)

    def is_library(self, name: str) -> bool:
        """Whether a name in front of a skill's is that of a library and no variable; inside it, its own counts too.

        Source: language reference, calls.
        """
        own = self.flow.is_library and self.flow.idn == name
        known = own or any(library.idn == name for library in self.flow.libraries)
        return known and name not in self.variables

    def is_skill(self, name: str) -> bool:
        """Whether a skill can be called by that name alone."""
        public = not name.startswith("_") and any(map(with_skill(name), self.flow.libraries))
        return name in self.skills or public

    def in_libraries(self, callee: Name) -> tuple[Library, Signature] | None:
        """The skill of another library that a name means, alone or behind its library's; errors are reported.

        Source: project format, what a call resolves to, private skills.
        """
        name = callee.name
        for library in self.flow.libraries:
            idn = name.removeprefix(f"{library.idn}.")
            skill = with_skill(idn)(library)
            if idn != name and skill is not None:
                if idn.startswith("_"):
                    self.report("SK221", callee.span, name=idn, library=library.idn)
                return library, skill
        having = [
            (each, skill) for each in self.flow.libraries if (skill := with_skill(name)(each))
        ]
        if not having or (name.startswith("_") and name in self.variables):
            return None  # what is private hides no variable
        library, skill = having[0]
        if name.startswith("_"):
            self.report("SK221", callee.span, name=name, library=library.idn)
        elif len(having) > 1:
            shown = ", ".join(each.idn for each, _ in having)
            self.report("SK220", callee.span, name=name, libraries=shown, library=library.idn)
        return library, skill

    def unknown(self, call: Call, callee: Name) -> Expr:
        """A name that nothing has: an error, or a late-bound call when the file stands alone."""
        name = callee.name
        near = did_you_mean(name, [*CATALOGUE, *self.skills, *visible_names(self.flow), *FUNCTIONS])
        if flow := self.flow.elsewhere.get(name):
            near = f"flow {flow} has a skill of that name: send an event, or move it to a library"
        may_exist = did_you_mean(name, CATALOGUE) is None and name not in NOT_PROVIDED
        if self.settings.lone and may_exist:
            self.report("SK203", callee.span, name=name, hint=near)
            if unpacks(call):
                return self.invoke(name, call)
            stranger = Skill(name, self.report.source, "guidance", ())
            extra = bind_skill(stranger, call, self.report).args
            target = Const(callee.span, name)
            return ActionCall(call.span, "Do", (("action_name", target),), extra=extra)
        self.report("SK201", callee.span, name=name, hint=near or NOT_PROVIDED.get(name))
        return Const(call.span, "")

    def action(self, entry: Action, call: Call) -> Expr:
        """A call of an action; `Do` of a literal name is checked as the direct call."""
        verbatim: tuple[Arg, ...] = ()
        if entry.name == "Do":
            naming = naming_argument(call)
            verbatim = tuple(a for a in call.args if a.name == "action" and a is not naming)
            match naming and naming.value:
                case Const(span, str(name)):
                    target = Name(span, name.strip())
                    others = tuple(arg for arg in call.args if arg is not naming)
                    return self.call(Call(call.span, target, others), target)
                case _ if naming is not None and unpacks(call):
                    others = tuple(arg for arg in call.args if arg is not naming)
                    return Invoke(call.span, naming.value, others)
                case _:
                    pass
        if unpacks(call):
            return self.invoke(entry.name, call)
        bound = bind_action(entry, call, self.report, verbatim)
        match entry.name:
            case "Set":
                return self.assignment(bound)
            case "Return":
                return Leave(call.span, dict(bound.args).get("val", Const(call.span, "")))
            case _:
                return bound

    def invoke(self, name: str, call: Call) -> Expr:
        """A call of an action or skill some of whose arguments are known at run time alone."""
        report = self.report
        if name in BY_NAME:
            star = next(arg for arg in call.args if arg.unpack)
            report("SK109", star.span, found=star.unpack, expected=f"the arguments of {name}")
        naming = next((arg for arg in call.args if arg.name == "name"), None)
        bound = bind_value(call, report)
        if name not in NAMED_GENERATIONS or naming is None:
            return Invoke(call.span, Const(call.callee.span, name), bound.args)
        args = tuple(arg for arg in bound.args if arg.name not in {"name", "hidden"})
        generation = Invoke(call.span, Const(call.callee.span, name), args)
        return self.kept(generation, name, naming.value)

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
        written = str(name.value).strip()
        self.check_hiding(written, name.span)
        return written

    def check_hiding(self, name: str, span: Span) -> None:
        """A variable or parameter that calls of its name do not mean (SK306).

        Source: project format, what a call resolves to.
        """
        if CATALOGUE.find(name) is not None:
            self.report("SK306", span, name=name, kind="action")
        elif self.is_skill(name):
            self.report("SK306", span, name=name, kind="skill")
        elif name in FUNCTIONS:
            self.report("SK306", span, name=name, kind="function")

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


HANDED: Final = "handed"
SEVERAL: Final = "several"


def macro_names(body: Body) -> dict[str, Macro | str]:
    """What can be called as a macro: macros by name, HANDED for a variable that holds what a `call` block hands over.

    SEVERAL stands for the name of more than one: which of them it means is known when it is called.
    """
    found: dict[str, Macro | str] = {}
    for stmt in statements(body):
        if isinstance(stmt, Macro):
            found[stmt.name] = SEVERAL if stmt.name in found else stmt
            if stmt.called_back is not None:
                found[stmt.called_back] = HANDED
    return found


def first_word(word: str, span: Span, source: Source) -> Span:
    """Where a word first stands in a part of a source; the whole part if it does not."""
    part = source.text[span.start : span.end]
    found = re.search(rf"\b{re.escape(word)}\b", part)
    return Span(span.start + found.start(), span.start + found.end()) if found else span


def unpacks(call: Call) -> bool:
    """Whether some of its arguments are known at run time alone."""
    return any(arg.unpack for arg in call.args)


def with_skill(idn: str) -> Callable[[Library], Signature | None]:
    """What looks a skill up in a library."""
    return lambda library: next((one for one in library.skills if one.idn == idn), None)


def visible_names(flow: Flow) -> Iterator[str]:
    """The names under which the skills of a flow's libraries can be called."""
    for library in flow.libraries:
        for one in library.skills:
            if not one.idn.startswith("_"):
                yield from (one.idn, f"{library.idn}.{one.idn}")


def naming_argument(call: Call) -> Arg | None:
    """The argument of a `Do` that names its target; all others go there.

    Source: action catalogue, Do: `action` names it only when nothing else does.
    """
    for wanted in ("actionName", None, "action"):
        for arg in call.args:
            if arg.name == wanted and not arg.unpack:
                return arg
    return None


def set_names(body: Body) -> Iterator[str]:
    """The names that unresolved statements assign, themselves or by Set and named generations."""
    for stmt in statements(body):
        yield from bound_names(stmt)
        if isinstance(stmt, Macro):
            yield from parameter_names(stmt)
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
