"""Match the arguments of a call with the parameters of what it calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from skillc.dump import dump_expr
from skillc.errors import Report, did_you_mean
from skillc.ir import (
    CALLER,
    ActionCall,
    Arg,
    Attribute,
    Call,
    Expr,
    Filter,
    Macro,
    MacroCall,
    Name,
    Signature,
    Skill,
    SkillCall,
    Test,
)
from skillc.source import Span
from skillrt.catalogue import Action, ActionParameter
from skillrt.filters import FILTERS, TESTS

# Arguments that are looked for in the wrong action.
ELSEWHERE: Final[Mapping[tuple[str, str], str]] = {
    ("Gen", "prompt"): "use FastPrompt",
    ("GenStream", "jsonSchema"): "use Gen",
    ("GenStream", "validateSchema"): "use Gen",
}


def bind_action(
    entry: Action, call: Call, report: Report, verbatim: Container[Arg] = ()
) -> ActionCall:
    """The call with every argument under its Python parameter name.

    Named arguments match exactly, by alias, or without case and `_`; positional ones bind in order of
    declaration. Those that are `verbatim` are none of the parameters. Source: action catalogue, arguments.
    """
    named: dict[str, tuple[Arg, Expr]] = {}
    extra: list[tuple[str, Expr]] = []
    rest: list[Expr] = []
    positional = positional_parameters(entry, call)
    in_order = ordered(call.args, report)
    unnamed = [arg for arg in in_order if arg.name is None]
    limit = len(positional)
    if len(unnamed) > limit and not entry.variadic:
        place = unnamed[limit].span
        report("SK209", place, action=entry.name, n=limit, given=len(unnamed))
    for arg in in_order:
        if arg.name is None:
            if entry.variadic:
                rest.append(arg.value)
            elif positional:
                keep(named, positional.pop(0).python, arg, entry.name, report)
            continue
        parameter = None if arg in verbatim else entry.parameter(arg.name)
        if parameter is not None:
            if arg.name != parameter.name and arg.name not in parameter.aliases:
                report("SK215", arg.span, parameter=parameter.name)
            keep(named, parameter.python, arg, entry.name, report)
        elif entry.open:
            same = next((value for name, value in extra if name == arg.name), None)
            if same is None:
                extra.append((arg.name, arg.value))
            else:
                repeated(same, arg, arg.name, entry.name, report)
        else:
            near = did_you_mean(arg.name, (p.name for p in entry.parameters))
            hint = near or ELSEWHERE.get((entry.name, arg.name))
            report("SK205", arg.span, action=entry.name, parameter=arg.name, hint=hint)
    complete = len(in_order) == len(call.args)
    for parameter in entry.parameters:
        if parameter.required and parameter.python not in named and complete:
            report("SK202", call.callee.span, action=entry.name, parameter=parameter.name)
    if len(rest) < entry.least and complete:
        report("SK202", call.callee.span, action=entry.name, parameter=entry.variadic)
    args = tuple((name, value) for name, (_, value) in named.items())
    return ActionCall(call.span, entry.name, args, tuple(rest), tuple(extra))


def positional_parameters(entry: Action, call: Call) -> list[ActionParameter]:
    """The parameters that positional arguments bind to, in order; `gen` and `genstream` begin with the name."""
    parameters = list(entry.parameters)
    if getattr(call.callee, "name", "") in {"gen", "genstream"}:
        parameters.sort(key=lambda parameter: parameter.name != "name")
    return parameters


def bind_skill(
    skill: Skill | Signature, call: Call, report: Report, library: str | None = None
) -> SkillCall:
    """The call of a skill, maybe of a library: named arguments only; what it does not declare is passed on too.

    Source: language reference, calling actions and skills.
    """
    declared = {parameter.name: parameter for parameter in skill.parameters}
    args: dict[str, tuple[Arg, Expr]] = {}
    for arg in ordered(call.args, report):
        if arg.name is None:
            report("SK219", arg.span, skill=skill.idn)
            continue
        if declared and arg.name not in declared:
            near = did_you_mean(arg.name, declared)
            report("SK206", arg.span, skill=skill.idn, parameter=arg.name, hint=near)
        keep(args, arg.name, arg, skill.idn, report)
    for parameter in skill.parameters:
        if parameter.default is None and parameter.name not in args:
            report("SK204", call.callee.span, skill=skill.idn, parameter=parameter.name)
    named = tuple((name, value) for name, (_, value) in args.items())
    return SkillCall(call.span, skill.idn, named, library)


def bind_value(call: Call, report: Report) -> Call:
    """The call of a function or of any value; what it takes is Python's business, but names stand once."""
    match call.callee:
        case Name(name=name) | Attribute(name=name):
            callee = name
        case _:
            callee = "call"
    return replace(call, args=bind_names(Takes(callee, more=True, others=True), call.args, report))


def bind_macro(macro: Macro, call: MacroCall, report: Report) -> MacroCall:
    """The call of a macro; what it does not declare, its body has to ask for. Source: Jinja 3.1, macros."""
    takes = Takes(
        macro.name,
        tuple(parameter.word for parameter in macro.parameters),
        named=() if macro.caller is None else (CALLER,),
        more=macro.varargs is not None,
        others=macro.kwargs is not None,
    )
    return replace(call, args=bind_names(takes, call.args, report))


def bind_filter(use: Filter, report: Report) -> Filter:
    """The use of a filter, with the arguments behind its value."""
    takes = takes_behind_value(use.name, FILTERS[use.name])
    return replace(use, args=bind_names(takes, use.args, report, use.span))


def bind_test(use: Test, report: Report) -> Test:
    """The use of a test, with the arguments behind its value."""
    takes = takes_behind_value(use.name, TESTS[use.name])
    return replace(use, args=bind_names(takes, use.args, report, use.span))


@dataclass(frozen=True, slots=True)
class Takes:
    """What something can be called with, whose arguments may be named or not; `named` ones have to be.

    `more` are positional ones without a name, `others` named ones that it does not declare.
    """

    callee: str
    names: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    more: bool = False
    others: bool = False


def takes_behind_value(name: str, function: Callable[..., object]) -> Takes:
    """What a filter or test takes beside the value it is applied to."""
    _, *parameters = inspect.signature(function).parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    named = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    return Takes(
        name,
        tuple(p.name for p in named),
        tuple(p.name for p in named if p.default is p.empty),
        more=inspect.Parameter.VAR_POSITIONAL in kinds,
        others=inspect.Parameter.VAR_KEYWORD in kinds,
    )


def bind_names(
    takes: Takes, args: tuple[Arg, ...], report: Report, place: Span | None = None
) -> tuple[Arg, ...]:
    """The arguments in Python's order: positional ones, named ones once each, those to be unpacked.

    `place` is where an argument is missing.
    """
    in_order = ordered(args, report)
    unpacked = [arg for arg in in_order if arg.unpack]
    positional = [arg for arg in in_order if arg.name is None and not arg.unpack]
    named: dict[str, tuple[Arg, Expr]] = {}
    for arg in in_order:
        if arg.name is not None:
            known = takes.names + takes.named
            if arg.name not in known and not takes.others:
                near = did_you_mean(arg.name, known)
                about = {"action": takes.callee, "parameter": arg.name}
                report("SK205", arg.span, hint=near, **about)
            keep(named, arg.name, arg, takes.callee, report)
    n, given = len(takes.names), len(positional)
    if given > n and not takes.more:
        report("SK209", positional[n].span, action=takes.callee, n=n, given=given)
    if place is not None and not unpacked:
        for name in takes.required[given:]:
            if name not in named:
                report("SK202", place, action=takes.callee, parameter=name)
    return (*positional, *(arg for arg, _ in named.values()), *unpacked)


def ordered(args: Iterable[Arg], report: Report) -> Sequence[Arg]:
    """The arguments as written, without positional ones behind a named one: those are errors."""
    kept: list[Arg] = []
    named = False
    for arg in args:
        named = named or arg.name is not None
        if arg.name is None and named and not arg.unpack:
            report("SK208", arg.span)
        else:
            kept.append(arg)
    return kept


def keep(
    found: dict[str, tuple[Arg, Expr]], name: str, arg: Arg, callee: str, report: Report
) -> None:
    """Note an argument; the first of a repeated one is kept."""
    if name in found:
        repeated(found[name][1], arg, arg.name or name, callee, report)
    else:
        found[name] = (arg, arg.value)


def repeated(first: Expr, arg: Arg, name: str, callee: str, report: Report) -> None:
    """Say whether a repeated keyword is a harmless copy or a contradiction."""
    code = "SK207" if same_expression(first, arg.value) else "SK218"
    report(code, arg.span, callee=callee, parameter=name)


def same_expression(one: Expr, other: Expr) -> bool:
    """Whether two expressions are written the same, wherever they stand."""
    return dump_expr(one) == dump_expr(other)
