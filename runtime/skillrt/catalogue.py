"""The catalogue of actions, made from their signatures: the single source of what can be called.

An action is a function with `@action("Name", ...)`. Its parameters, their kinds, ranges, choices and defaults are
read from its signature; this module only adds what a signature cannot say. Signatures are read when somebody
asks for an entry (the compiler, `Do`), not at import.
"""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from skillrt.kinds import Blank, Kind, Range


class Effect(Flag):
    """What a call does beside its value; decides what an optimiser may do with it."""

    PURE = 0
    READ = auto()
    VOLATILE = auto()
    WRITE = auto()
    IO = auto()
    LLM = auto()
    CONTROL = auto()


Point: TypeAlias = Literal["all", "start", "LLM", "stop", "target", "none"]
Priority: TypeAlias = Literal["S", "A", "B"]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ActionParameter:
    """One parameter. `name` is what templates write, `python` what the function calls it.

    `keeps_blank`: blank text is a value that finds nothing, not a sign that nothing was given.
    """

    name: str
    python: str
    kind: Kind
    required: bool
    default: Any = None
    range: Range | None = None
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    keeps_blank: bool = False


@dataclass(frozen=True)
class Action:
    """One entry of the catalogue."""

    name: str
    function: Callable[..., Any]
    effects: Effect
    point: Point
    priority: Priority
    aliases: tuple[str, ...]
    parameter_aliases: Mapping[str, str]
    prints: bool
    void: bool
    least: int

    @property
    def python(self) -> str:
        """The name of the function in `skillrt.actions`."""
        return self.function.__name__

    @property
    def family(self) -> str:
        """The module of `skillrt.actions` that holds the function."""
        return self.function.__module__.rpartition(".")[2]

    @property
    def awaited(self) -> bool:
        """Whether the function is a coroutine that takes the context: every action that is not pure."""
        return inspect.iscoroutinefunction(self.function)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @cached_property
    def returns(self) -> Any:
        """The clean type of the value: the function's return annotation."""
        return get_type_hints(self.function).get("return", Any)

    @cached_property
    def parameters(self) -> tuple[ActionParameter, ...]:
        """The named parameters in order of declaration."""
        return tuple(self._parameters())

    @cached_property
    def variadic(self) -> str:
        """What positional arguments are collected in: of `Concat(*parts)`, "parts"; "" when they are not."""
        parameters = inspect.signature(self.function).parameters.values()
        return next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "")

    @cached_property
    def open(self) -> bool:
        """Whether any other keyword is taken, verbatim: the function has a parameter `arguments`."""
        return "arguments" in inspect.signature(self.function).parameters

    def parameter(self, name: str) -> ActionParameter | None:
        """The parameter that a template means by `name`: exact, alias, then without case and `_`."""
        for parameter in self.parameters:
            if name == parameter.name or name in parameter.aliases:
                return parameter
        folded = fold(name)
        for parameter in self.parameters:
            if folded in {fold(parameter.name), *map(fold, parameter.aliases)}:
                return parameter
        return None

    def _parameters(self) -> Iterator[ActionParameter]:
        hints = get_type_hints(self.function, include_extras=True)
        for p in inspect.signature(self.function).parameters.values():
            if p.kind is not p.KEYWORD_ONLY and p.kind is not p.POSITIONAL_OR_KEYWORD:
                continue
            if p.name in HIDDEN_PARAMETERS:
                continue
            marks = tuple(annotation_marks(hints[p.name]))
            name = template_name(p.name)
            yield ActionParameter(
                name=name,
                python=p.name,
                kind=next(
                    (m for m in marks if isinstance(m, Kind)),
                    Kind.CHOICE if any(isinstance(m, str) for m in marks) else Kind.ANY,
                ),
                required=p.default is p.empty,
                default=None if p.default is p.empty else p.default,
                range=next((m for m in marks if isinstance(m, Range)), None),
                choices=tuple(m for m in marks if isinstance(m, str)),
                aliases=tuple(a for a, target in self.parameter_aliases.items() if target == name),
                keeps_blank=Blank.KEPT in marks,
            )


HIDDEN_PARAMETERS: Final = frozenset({"ctx", "arguments", "normalized", "printed"})


def fold(name: str) -> str:
    """A name without case and underscores: how spelling variants are matched."""
    return name.replace("_", "").lower()


def template_name(python: str) -> str:
    """`filter_by_actor_ids` → `filterByActorIds`; `from_` → `from`."""
    head, *rest = python.rstrip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)


def python_parameter(name: str) -> str:
    """`filterByActorIds` → `filter_by_actor_ids`; `from` → `from_`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return snake + "_" if keyword.iskeyword(snake) else snake


def annotation_marks(annotation: Any) -> Iterator[Any]:
    """The kinds, ranges and choices inside an annotation: through unions, `Annotated` and `Literal`."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif metadata := getattr(annotation, "__metadata__", None):
        yield from reversed(metadata)
        yield from annotation_marks(annotation.__origin__)
    else:
        for part in get_args(annotation):
            yield from annotation_marks(part)


class Catalogue(Mapping[str, Action]):
    """All actions by canonical name, in order of definition."""

    def __init__(self) -> None:
        """Start empty; `action` fills it."""
        self._entries: dict[str, Action] = {}
        self._aliases: dict[str, str] = {}

    def __getitem__(self, name: str) -> Action:
        """The entry of a canonical name."""
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        """Canonical names."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many actions there are."""
        return len(self._entries)

    def add(self, entry: Action) -> None:
        """Take one more action; its name and aliases must be new."""
        for name in (entry.name, *entry.aliases):
            if name in self._aliases:
                raise ValueError(f"two actions are called '{name}'")
            self._aliases[name] = entry.name
        self._entries[entry.name] = entry

    def find(self, name: str) -> Action | None:
        """The action of an exact name or listed alias."""
        canonical = self._aliases.get(name)
        return None if canonical is None else self._entries[canonical]

    def find_loosely(self, name: str) -> Action | None:
        """The action of a name in another case."""
        wanted = name.lower()
        for known, canonical in self._aliases.items():
            if known.lower() == wanted:
                return self._entries[canonical]
        return None


CATALOGUE: Final = Catalogue()


def action(
    name: str,
    *,
    effects: Effect = Effect.PURE,
    point: Point = "none",
    priority: Priority = "S",
    aliases: tuple[str, ...] = (),
    parameter_aliases: Mapping[str, str] | None = None,
    prints: bool | None = None,
    void: bool = False,
    least: int = 0,
) -> Callable[[Function], Function]:
    """Enter a function into the catalogue under its template name.

    Args:
        name: the canonical name.
        effects: what it does beside its value.
        point: where a requested interruption takes effect.
        priority: S (named by the founding document), A (official), B (community).
        aliases: other names that mean it.
        parameter_aliases: other spelling → parameter name, both as templates write them.
        prints: whether a bare tag prints the result; by default, iff it neither writes nor talks to the world.
        void: whether the value is always "".
        least: how many of any number of arguments there must be.
    """
    if prints is None:
        prints = not effects & (Effect.WRITE | Effect.IO | Effect.CONTROL)

    def enter(function: Function) -> Function:
        CATALOGUE.add(
            Action(
                name,
                function,
                effects,
                point,
                priority,
                aliases,
                parameter_aliases or {},
                prints,
                void,
                least,
            )
        )
        return function

    return enter
