"""Invariants of the IR, checked between passes: what may stand where, and that every name means something."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

from skillc.errors import CompilerBug
from skillc.ir import (
    ActionCall,
    Assign,
    Attribute,
    Bind,
    Block,
    Break,
    Call,
    Compare,
    Const,
    Continue,
    Convert,
    Each,
    Expose,
    Flow,
    FunctionCall,
    Leave,
    Logic,
    LoopName,
    Name,
    Select,
    SetComputed,
    Skill,
    SkillCall,
    Void,
)
from skillrt.catalogue import CATALOGUE
from skillrt.functions import FUNCTIONS
from skillrt.guards import is_tuple

RESOLVED: Final = (
    *(ActionCall, SkillCall, FunctionCall, Convert),
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
    """A node, and whether it stands in the body of a loop."""

    node: Any
    in_loop: bool


class _Verifier:
    """Walks one skill without recursion: chains are as long as their author likes."""

    def __init__(self, flow: Flow, skill: Skill, *, resolved: bool) -> None:
        self.skills = frozenset(other.idn for other in flow.skills)
        self.skill = skill
        self.resolved = resolved
        self.length = len(skill.source.text)
        self.variables = {parameter.name for parameter in skill.parameters}

    def run(self) -> None:
        """Check the names first, then every node."""
        for parameter in self.skill.parameters:
            self.must(parameter.name.isidentifier(), f"parameter {parameter.name!r}")
        places = list(self.places())
        for place in places:
            self.variables.update(bound_names(place.node))
        for place in places:
            self.check(place)

    def must(self, condition: bool, what: str) -> None:
        """Fail unless `condition` holds."""
        if not condition:
            raise CompilerBug(f"skill {self.skill.idn}: {what}")

    def places(self) -> Iterator[Place]:
        """Every node of the skill, outer ones first."""
        todo = [Place(self.skill.body, in_loop=False)]
        while todo:
            place = todo.pop()
            node = place.node
            if is_tuple(node):
                todo.extend(Place(part, place.in_loop) for part in reversed(node))
            elif is_dataclass(node):
                yield place
                for part in reversed(fields(node)):
                    looped = isinstance(node, Each) and part.name == "body"
                    todo.append(Place(getattr(node, part.name), place.in_loop or looped))

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
            case Name() | Attribute() | Expose():
                self.must(node.name.isidentifier(), f"{name} {node.name!r}")
            case Call(callee=Name(name=callee)) if self.resolved:
                self.must(callee in self.variables, f"call of {callee!r} is not resolved")
            case Break() | Continue() | LoopName():
                self.must(place.in_loop, f"{name} outside a loop")
            case Logic():
                self.must(len(node.values) > 1, f"{node.op} of {len(node.values)} operands")
            case Compare():
                self.must(bool(node.rest), "comparison of one operand")
            case SkillCall():
                self.must(node.skill in self.skills, f"call of skill {node.skill!r}")
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
        self.must(entry.variadic or not call.rest, f"{call.action} is not variadic")
        self.must(entry.open or not call.extra, f"{call.action} takes no other arguments")
        given = [name for name, _ in (*call.args, *call.extra)]
        self.must(len(given) == len(set(given)), f"{call.action}: argument given twice: {given}")


def bound_names(node: Any) -> tuple[str, ...]:
    """The variables that a node itself assigns."""
    match node:
        case Assign(name=name) | Bind(name=name) | Each(item=name):
            return (name,)
        case Block(name=str(name)) | Select(name=str(name)):
            return (name,)
        case _:
            return ()
