"""The one IR: what a skill means, whichever dialect it was written in.

1. Two closed unions, `Stmt` and `Expr`; adding a node makes the type checkers list what must learn of it.
2. A node is frozen data with a span. Front ends build the nodes above the line "resolved"; the passes
   replace every call on a bare name by one of those below it (`verify.py` says when which may occur).
3. Whitespace control, escapes and comments are gone: text is what will be printed.
4. Jinja's scopes are gone too: the NSL front end gives every variable of an inner scope a name of its own, so
   that one name means one variable of the run, whatever the dialect.
5. A skill's runner decides two things only: how none prints ("" or `None`), and what a loop over a dict yields
   (values or keys) or over none does (nothing or an error).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from skillc.source import Source, Span
from skillrt.manifest import ProjectManifest, StateFieldManifest, SubscriptionManifest

# --- expressions ---------------------------------------------------------------------------------

Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Const:
    """A literal: text, number, boolean or none. Template text is one too."""

    span: Span
    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """Read a variable or parameter, or name a module or function; never assigned = undefined."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Undefined:
    """The value of what was never assigned."""

    span: Span


LoopFact: TypeAlias = Literal[
    "index",
    "first",
    "last",
    "key",
    "index1",
    "revindex",
    "revindex0",
    "length",
    "depth",
    "depth0",
    "previtem",
    "nextitem",
    "loop",
]


@dataclass(frozen=True, slots=True)
class LoopName:
    """Read what the innermost `Each` knows: `@index` from 0, `@first`, `@last`, `@key`, or Jinja's `loop.*`.

    `index1` counts from 1; `loop` is the whole object, where a template passes it on or calls its methods.
    """

    span: Span
    name: LoopFact


@dataclass(frozen=True, slots=True)
class ListExpr:
    """A new plain list."""

    span: Span
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class TupleExpr:
    """A new tuple."""

    span: Span
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class DictExpr:
    """A new plain dict; later pairs win over earlier ones with an equal key."""

    span: Span
    pairs: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """`value.name`: the attribute, else the key, else undefined. `span` is that of the name."""

    span: Span
    value: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`value[index]`: the item, else the attribute of that name, else undefined."""

    span: Span
    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop:step`, only as the index of an `Index`; None where a part is left out."""

    span: Span
    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Unary:
    """`not` yields a boolean by template truth; `-` and `+` are Python's."""

    span: Span
    op: Literal["not", "-", "+"]
    value: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """Python's arithmetic, guarded against results over the size limit."""

    span: Span
    op: Literal["+", "-", "*", "/", "%", "//", "**"]
    left: Expr
    right: Expr


CompareOp: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"]


@dataclass(frozen=True, slots=True)
class Compare:
    """A chained comparison: each operand is evaluated once, later ones only when needed.

    `is` and `is not` are identity against none and booleans, equality otherwise.
    """

    span: Span
    first: Expr
    rest: tuple[tuple[CompareOp, Expr], ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` / `or` over two or more operands: short-circuits and yields an operand."""

    span: Span
    op: Literal["and", "or"]
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Concat:
    """The text forms of two or more values, one after the other: `a ~ b`."""

    span: Span
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """`body` when `test` is truthy, else `orelse`; the other one is not evaluated."""

    span: Span
    test: Expr
    body: Expr
    orelse: Expr


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a call. `span` is that of its name, or of the value when it has none.

    `unpack` is `*` or `**` where the value holds several arguments; then there is no name.
    """

    span: Span
    name: str | None
    value: Expr
    unpack: Literal["", "*", "**"] = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """`value | name(args)`: a filter of the runtime, by its canonical name. `span` is that of the name."""

    span: Span
    name: str
    value: Expr
    args: tuple[Arg, ...] = ()


@dataclass(frozen=True, slots=True)
class Test:
    """`value is name(args)`: a test of the runtime, by its canonical name. `span` is that of the name."""

    span: Span
    name: str
    value: Expr
    args: tuple[Arg, ...] = ()


@dataclass(frozen=True, slots=True)
class MacroCall:
    """The text that a macro in scope prints; `caller` names the macro that its `caller()` calls.

    Arguments have the names that calls give them, not those of the macro's variables.
    """

    span: Span
    macro: str
    args: tuple[Arg, ...] = ()
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Recur:
    """The text that the innermost recursive `Each` prints for other items: `loop(items)`."""

    span: Span
    items: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A call. On a bare `Name` it is still to be resolved; on anything else it calls that value."""

    span: Span
    callee: Expr
    args: tuple[Arg, ...]


# --- expressions, resolved -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActionCall:
    """A call of an action of the catalogue; its arguments have their Python parameter names.

    `rest` are the positional arguments of a variadic action; `extra` those that `**arguments` takes, under
    the names written in the template. Order everywhere is that of the template.
    """

    span: Span
    action: str
    args: tuple[tuple[str, Expr], ...] = ()
    rest: tuple[Expr, ...] = ()
    extra: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class SkillCall:
    """A call of a skill of the same module, or of another `library`; arguments under their template names."""

    span: Span
    skill: str
    args: tuple[tuple[str, Expr], ...] = ()
    library: str | None = None

    @property
    def target(self) -> str:
        """The name that tells it from all others: `Reply`, `shared.tidy`."""
        return self.skill if self.library is None else f"{self.library}.{self.skill}"


@dataclass(frozen=True, slots=True)
class Invoke:
    """A call of the action or skill whose name is the text `name`, by arguments that the run knows (`*`, `**`)."""

    span: Span
    name: Expr
    args: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of a built-in function of the language (`len`, ...); `unpacked` are its `*` and `**` arguments."""

    span: Span
    function: str
    args: tuple[Expr, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()
    unpacked: tuple[Arg, ...] = ()


@dataclass(frozen=True, slots=True)
class Convert:
    """`value` by the rules of an action's parameter, such as `GenStream.maxTokens`, at run time."""

    span: Span
    parameter: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Bind:
    """Assign the variable `name`; the value is the one assigned.

    Inside a macro or a recursive loop it is a variable of the run; those that statements assign there are its own.
    """

    span: Span
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class SetComputed:
    """Assign the variable whose name is the text `name`, and expose it when `expose` says so; else as `Bind`.

    A name that is no identifier is an error of the `action` at run time; a blank one of another action than `Set`
    assigns nothing. The variable is always one of the run, never a loop's.
    """

    span: Span
    name: Expr
    value: Expr
    expose: Expr
    action: str = "Set"


@dataclass(frozen=True, slots=True)
class Expose:
    """`value`, which the caller gets as `name` when the run ends normally, if the flag `when` says so.

    When that is the literal none: if something is exposed under the name already.
    """

    span: Span
    name: str
    value: Expr
    when: Expr


@dataclass(frozen=True, slots=True)
class Void:
    """Evaluate `value` for its effect; the value is ""."""

    span: Span
    value: Expr


@dataclass(frozen=True, slots=True)
class Leave:
    """End the skill with `value`, from inside an expression."""

    span: Span
    value: Expr


Expr: TypeAlias = (
    Const
    | Name
    | Undefined
    | LoopName
    | ListExpr
    | TupleExpr
    | DictExpr
    | Attribute
    | Index
    | Slice
    | Unary
    | Binary
    | Compare
    | Logic
    | Concat
    | Conditional
    | Call
    | Filter
    | Test
    | MacroCall
    | Recur
    | ActionCall
    | SkillCall
    | Invoke
    | FunctionCall
    | Convert
    | Bind
    | SetComputed
    | Expose
    | Void
    | Leave
)

# --- statements ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Emit:
    """Print the text form of `value`."""

    span: Span
    value: Expr


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Evaluate `value` and print nothing."""

    span: Span
    value: Expr


@dataclass(frozen=True, slots=True)
class Assign:
    """Assign the variable `name`."""

    span: Span
    name: str
    value: Expr


Target: TypeAlias = "str | tuple[Target, ...]"
"""What an assignment of several variables or a loop binds: a name, or as many as the value has items."""


def target_names(target: Target) -> tuple[str, ...]:
    """The variables of a target, in their order."""
    if isinstance(target, str):
        return (target,)
    return tuple(name for part in target for name in target_names(part))


@dataclass(frozen=True, slots=True)
class Unpack:
    """Assign several variables from the items of `value`, whose number has to fit."""

    span: Span
    targets: tuple[Target, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class SetField:
    """Assign the attribute `name` of `owner`, which has to be a namespace that the template made."""

    span: Span
    owner: Expr
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Capture:
    """Assign the variable `name` the text that `body` prints, which goes nowhere else."""

    span: Span
    name: str
    body: tuple[Stmt, ...]


CALLER: Final = "caller"
"""The argument by which a `call` block hands itself over."""


@dataclass(frozen=True, slots=True)
class MacroParameter:
    """A parameter of a macro; without a `default` it is undefined when not passed.

    `passed` is what calls name it, where that is not the name of its variable.
    """

    span: Span
    name: str
    default: Expr | None = None
    passed: str | None = None

    @property
    def word(self) -> str:
        """The name that calls give it."""
        return self.passed or self.name


@dataclass(frozen=True, slots=True)
class Macro:
    """Define a macro. It sees the variables around it with their values at the time of the call.

    `varargs`, `kwargs` and `caller` say which of these its body reads; their values are variables of these names,
    or of the names given here when something around has them already.
    """

    span: Span
    name: str
    parameters: tuple[MacroParameter, ...]
    body: tuple[Stmt, ...]
    varargs: str | None = None
    kwargs: str | None = None
    caller: str | None = None

    @property
    def called_back(self) -> str | None:
        """The variable that holds what a `call` block hands over: `caller`, or a parameter of that name."""
        declared = (each.name for each in self.parameters if each.word == CALLER)
        return self.caller or next(declared, None)


@dataclass(frozen=True, slots=True)
class If:
    """Run `body` when `test` is truthy by template rules, else `orelse`."""

    span: Span
    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """Run `body` once per item, the item bound to `item` in a frame of its own; `orelse` when there is none.

    Items for which `test` is false are left out before anything is counted. A `recursive` one can be run on other
    items from inside its body (`Recur`).
    """

    span: Span
    iterable: Expr
    item: Target
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]
    test: Expr | None = None
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """Print `body` as one message of `role`; `hidden` restores the prompt afterwards.

    `name` travels with the message. `role` is a `Const` unless the template computes it.
    """

    span: Span
    role: Expr
    body: tuple[Stmt, ...]
    hidden: bool = False
    name: Expr | None = None


@dataclass(frozen=True, slots=True)
class OpenRole:
    """Begin a message of `role` here, ending the one that is open; for role tags that do not pair up as blocks."""

    span: Span
    role: str


@dataclass(frozen=True, slots=True)
class CloseRole:
    """End the message that is open, if one is."""

    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """Print `body` and store the same text in the variable `name`; `hidden` restores the prompt afterwards."""

    span: Span
    name: str | None
    hidden: bool
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """Let the model choose one of `options` (a list, or the texts that bodies print); print it, assign `name`."""

    span: Span
    name: str | None
    options: Expr | tuple[tuple[Stmt, ...], ...]


@dataclass(frozen=True, slots=True)
class Return:
    """End the skill with `value`."""

    span: Span
    value: Expr


@dataclass(frozen=True, slots=True)
class Break:
    """Leave the innermost `Each`."""

    span: Span


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the next item of the innermost `Each`."""

    span: Span


Stmt: TypeAlias = (
    Emit
    | Evaluate
    | Assign
    | Unpack
    | SetField
    | Capture
    | Macro
    | If
    | Each
    | Role
    | OpenRole
    | CloseRole
    | Block
    | Select
    | Return
    | Break
    | Continue
)

# --- what is compiled ----------------------------------------------------------------------------

Runner: TypeAlias = Literal["guidance", "nsl"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter of a skill; `default` is None when the metadata states none (then "" is passed)."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill: its template and what the metadata says of it."""

    idn: str
    source: Source
    runner: Runner
    body: tuple[Stmt, ...]
    parameters: tuple[Parameter, ...] = ()
    title: str = ""
    result_variable: str = "RESULT"
    model: tuple[str, str] | None = None
    result_action: str = "none"


@dataclass(frozen=True, slots=True)
class Signature:
    """What callers in other modules know of a library's skill: how to call it, its result's type, what it hands over.

    `exposed` are the names it may set in its caller, None when it computes them.
    """

    idn: str
    parameters: tuple[Parameter, ...]
    result: frozenset[str] = frozenset({"Any"})
    exposed: frozenset[str] | None = frozenset()


@dataclass(frozen=True, slots=True)
class Library:
    """A library as callers in other modules see it. `module` is its dotted Python name."""

    idn: str
    module: str
    skills: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """The skills of one generated module, in order of idn. `module` is its dotted Python name.

    `model` is that of skills that name none. `events` and `state` are what the files declare, as the manifest has
    them; `state` is None where fields need no declaration: in a library, or without a project. `project` is the
    dotted name of the project's package, "" without one. `libraries` are those its skills can call, without the flow
    itself if it is one; `elsewhere` names a flow of the project for every skill that one has. `connectors` are the
    addresses that the project declares, (integration, connector).
    """

    idn: str
    module: str
    skills: tuple[Skill, ...] = field(default=())
    title: str = ""
    model: tuple[str, str] | None = None
    events: tuple[SubscriptionManifest, ...] = ()
    state: Mapping[str, StateFieldManifest] | None = None
    is_library: bool = False
    project: str = ""
    libraries: tuple[Library, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict[str, str])
    connectors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """A project as its package says: `module` is the package, `manifest` what its `_manifest` holds."""

    module: str
    manifest: ProjectManifest
