"""The one IR: what a skill means, whichever dialect it was written in.

1. Two closed unions, `Stmt` and `Expr`; adding a node makes the type checkers list what must learn of it.
2. A node is frozen data with a span. Front ends build the nodes above the line "resolved"; the passes
   replace every call on a bare name by one of those below it (`verify.py` says when which may occur).
3. Whitespace control, escapes and comments are gone: text is what will be printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from skillc.source import Source, Span

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
class LoopName:
    """Read what the innermost `Each` knows: `@index`, `@first`, `@last`, `@key`."""

    span: Span
    name: Literal["index", "first", "last", "key"]


@dataclass(frozen=True, slots=True)
class ListExpr:
    """A new plain list."""

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
class Unary:
    """`not` yields a boolean by template truth; `-` and `+` are Python's."""

    span: Span
    op: Literal["not", "-", "+"]
    value: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """Python's arithmetic, guarded against results over the size limit."""

    span: Span
    op: Literal["+", "-", "*", "/", "%"]
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
class Arg:
    """One argument of a call. `span` is that of its name, or of the value when it has none."""

    span: Span
    name: str | None
    value: Expr


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
    """A call of a skill of the same flow; arguments under their template names."""

    span: Span
    skill: str
    args: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of a built-in function of the language (`len`, `add`, ...)."""

    span: Span
    function: str
    args: tuple[Expr, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Convert:
    """`value` by the rules of an action's parameter, such as `GenStream.maxTokens`, at run time."""

    span: Span
    parameter: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Bind:
    """Assign the variable `name`; the value is the one assigned."""

    span: Span
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class SetComputed:
    """Assign the variable whose name is the text `name`, and expose it if the flag `expose` says so; as `Bind` else.

    A name that is no identifier is an error at run time. The variable is always one of the run, never a loop's.
    """

    span: Span
    name: Expr
    value: Expr
    expose: Expr


@dataclass(frozen=True, slots=True)
class Expose:
    """`value`, which the caller gets as `name` when the run ends normally, if the flag `when` says so."""

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
    | LoopName
    | ListExpr
    | DictExpr
    | Attribute
    | Index
    | Unary
    | Binary
    | Compare
    | Logic
    | Call
    | ActionCall
    | SkillCall
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


@dataclass(frozen=True, slots=True)
class If:
    """Run `body` when `test` is truthy by template rules, else `orelse`."""

    span: Span
    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """Run `body` once per item, the item bound to `item` in a frame of its own; `orelse` when there is none."""

    span: Span
    iterable: Expr
    item: str
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


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
    Emit | Evaluate | Assign | If | Each | Role | Block | Select | Return | Break | Continue
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


@dataclass(frozen=True, slots=True)
class Flow:
    """The skills of one generated module, in order of idn. `module` is its dotted Python name."""

    idn: str
    module: str
    skills: tuple[Skill, ...] = field(default=())
