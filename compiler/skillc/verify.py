"""Invariants of the IR, checked between passes: what may stand where, and that every name means something."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final

from skillc.errors import CompilerBug
from skillc.ir import (
    ActionCall,
    Arg,
    Assign,
    Attribute,
    Bind,
    Block,
    Break,
    Call,
    Capture,
    Compare,
    Concat,
    Const,
    Continue,
    Convert,
    Each,
    Expose,
    Filter,
    Flow,
    FunctionCall,
    Index,
    Invoke,
    Leave,
    Logic,
    LoopName,
    Macro,
    MacroCall,
    MacroParameter,
    Name,
    Recur,
    Return,
    Select,
    SetComputed,
    SetField,
    Skill,
    SkillCall,
    Slice,
    Test,
    Unpack,
    Void,
    target_names,
)
from skillrt.catalogue import CATALOGUE
from skillrt.filters import FILTERS, TESTS
from skillrt.functions import FUNCTIONS
from skillrt.guards import is_tuple

RESOLVED: Final = (
    *(ActionCall, SkillCall, Invoke, FunctionCall, Convert),
    *(Bind, SetComputed, Expose, Void, Leave),
)
BY_NODES: Final = frozenset({"Set", "Return"})
VALUES: Final = (str, int, float, bool, type(None))


def verify(flow: Flow, *, resolved: bool = True) -> None:
    """Check all skills of a flow; `resolved` tells whether calls on bare names have got their meaning.

    Raises:
        CompilerBug: a node stands where it may not, or names something that does not exist.
    """
    idns = [skill.idn for skill in flow.skills]
    if idns != sorted(set(idns)):
        raise CompilerBug(f"flow {flow.idn}: skills are not sorted, or not unique: {idns}")
    for skill in flow.skills:
        _Verifier(flow, skill, resolved=resolved).run()


@dataclass(frozen=True, slots=True)
class Place:
    """A node, and whether it stands in the body of a loop, of a recursive one, of a macro, in an index."""

    node: Any
    in_loop: bool = False
    in_recursive: bool = False
    in_macro: bool = False
    in_index: bool = False

    def part(self, name: str) -> Place:
        """The place of one field of the node."""
        body = name == "body"
        macro = body and isinstance(self.node, Macro)
        loop = body and isinstance(self.node, Each)
        recursive = isinstance(self.node, Each) and loop and self.node.recursive
        return Place(
            getattr(self.node, name),
            in_loop=self.in_loop or loop,
            in_recursive=self.in_recursive or recursive,
            in_macro=self.in_macro or macro or recursive,
            in_index=name == "index" and isinstance(self.node, Index),
        )


class _Verifier:
    """Walks one skill without recursion: chains are as long as their author likes."""

    def __init__(self, flow: Flow, skill: Skill, *, resolved: bool) -> None:
        libraries = (f"{each.idn}.{one.idn}" for each in flow.libraries for one in each.skills)
        self.skills = frozenset((*(other.idn for other in flow.skills), *libraries))
        self.skill = skill
        self.resolved = resolved
        self.length = len(skill.source.text)
        self.variables = {parameter.name for parameter in skill.parameters}
        self.macros: set[str] = set()

    def run(self) -> None:
        """Check the names first, then every node."""
        for parameter in self.skill.parameters:
            self.must(parameter.name.isidentifier(), f"parameter {parameter.name!r}")
        places = list(self.places())
        for place in places:
            self.variables.update(bound_names(place.node))
            self.macros.update(macro_names(place.node))
        for place in places:
            self.check(place)

    def must(self, condition: bool, what: str) -> None:
        """Fail unless `condition` holds."""
        if not condition:
            raise CompilerBug(f"skill {self.skill.idn}: {what}")

    def places(self) -> Iterator[Place]:
        """Every node of the skill, outer ones first."""
        todo = [Place(self.skill.body)]
        while todo:
            place = todo.pop()
            node = place.node
            if is_tuple(node):
                todo.extend(replace(place, node=part) for part in reversed(node))
            elif is_dataclass(node):
                yield place
                todo.extend(place.part(part.name) for part in reversed(fields(node)))

    def check(self, place: Place) -> None:
        """One node, without those inside it."""
        node = place.node
        name = type(node).__name__
        start, end = node.span
        self.must(0 <= start <= end <= self.length, f"{name} outside the source: {node.span}")
        self.must(self.resolved or not isinstance(node, RESOLVED), f"{name} before resolution")
        for bound in bound_names(node):
            self.must(bound.isidentifier(), f"{name} binds {bound!r}")
        match node:
            case Const():
                self.must(type(node.value) in VALUES, f"literal of type {type(node.value)}")
            case Name() | Attribute() | Expose() | SetField() | MacroParameter():
                self.must(node.name.isidentifier(), f"{name} {node.name!r}")
            case Call(callee=Name(name=callee)) if self.resolved:
                self.must(callee in self.variables, f"call of {callee!r} is not resolved")
            case Break() | Continue() | LoopName():
                self.must(place.in_loop, f"{name} outside a loop")
            case Recur():
                self.must(place.in_recursive, "recursion outside a recursive loop")
            case Slice():
                self.must(place.in_index, "slice outside an index")
            case Return() if self.resolved:
                self.must(not place.in_macro, "return inside a macro")
            case Filter():
                self.must(node.name in FILTERS, f"filter {node.name!r}")
            case Test():
                self.must(node.name in TESTS, f"test {node.name!r}")
            case MacroCall():
                for macro in (node.macro, node.caller or node.macro):
                    self.must(macro in self.macros, f"call of macro {macro!r}")
            case Logic():
                self.must(len(node.values) > 1, f"{node.op} of {len(node.values)} operands")
            case Concat():
                self.must(len(node.values) > 1, f"concatenation of {len(node.values)} operands")
            case Invoke():
                self.must(any(arg.unpack for arg in node.args), "invocation by known arguments")
            case Arg():
                self.must(not (node.unpack and node.name), "a name for several arguments")
            case Compare():
                self.must(bool(node.rest), "comparison of one operand")
            case SkillCall():
                self.must(node.target in self.skills, f"call of skill {node.target!r}")
            case FunctionCall():
                self.must(node.function in FUNCTIONS, f"call of function {node.function!r}")
            case ActionCall():
                self.check_action(node)
            case Convert():
                action, _, parameter = node.parameter.partition(".")
                entry = CATALOGUE.get(action)
                known = entry is not None and any(p.name == parameter for p in entry.parameters)
                self.must(known, f"conversion for {node.parameter!r}")
            case _:
                pass

    def check_action(self, call: ActionCall) -> None:
        """That the function of the action can be called like this."""
        entry = CATALOGUE.get(call.action)
        if entry is None:
            raise CompilerBug(f"skill {self.skill.idn}: call of action {call.action!r}")
        self.must(call.action not in BY_NODES, f"{call.action} has nodes of its own")
        known = inspect.signature(entry.function).parameters
        for name, _ in call.args:
            self.must(name in known, f"{call.action} has no argument {name!r}")
        self.must(bool(entry.variadic) or not call.rest, f"{call.action} is not variadic")
        self.must(entry.open or not call.extra, f"{call.action} takes no other arguments")
        given = [name for name, _ in (*call.args, *call.extra)]
        self.must(len(given) == len(set(given)), f"{call.action}: argument given twice: {given}")


def bound_names(node: Any) -> tuple[str, ...]:
    """The variables that a node itself assigns."""
    match node:
        case Assign(name=name) | Bind(name=name) | Capture(name=name):
            return (name,)
        case Each(item=target) | Unpack(targets=target):
            return target_names(target)
        case Macro():
            special = (node.varargs, node.kwargs, node.caller)
            parameters = (parameter.name for parameter in node.parameters)
            return (node.name, *parameters, *(name for name in special if name is not None))
        case Block(name=str(name)) | Select(name=str(name)):
            return (name,)
        case _:
            return ()


def macro_names(node: Any) -> tuple[str, ...]:
    """The names by which a macro can be called: its own, and inside it that of its caller."""
    if isinstance(node, Macro):
        return (node.name,) if node.called_back is None else (node.name, node.called_back)
    return ()
