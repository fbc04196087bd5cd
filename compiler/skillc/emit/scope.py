"""One skill while it is emitted: its variables and their types, the names made up for it, where code comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import libcst as cst

from skillc.analyses.scopes import (
    Exposed,
    Scopes,
    assignments,
    exposed,
    is_function,
    received,
    scopes,
)
from skillc.analyses.types import ANY, TEXT, Type, Types, types
from skillc.analyses.waiting import waiting_macros
from skillc.analyses.walk import (
    bodies,
    expressions,
    own_expressions,
    parameter_names,
    statements,
    subexpressions,
    taken_names,
)
from skillc.emit import py
from skillc.emit.names import BUILTINS, IMPORTS, LOCALS, Uses, last_part
from skillc.emit.native import is_loose
from skillc.ir import (
    Assign,
    Attribute,
    Binary,
    Bind,
    Call,
    Conditional,
    Const,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Filter,
    Flow,
    FunctionCall,
    Index,
    Leave,
    ListExpr,
    Logic,
    LoopName,
    Macro,
    MacroCall,
    Name,
    Recur,
    Runner,
    SetComputed,
    Skill,
    Stmt,
    Test,
    Unary,
    Undefined,
    Void,
)
from skillrt.functions import FUNCTIONS
from skillrt.modules import MODULES
from skillrt.names import python_name

# --- what is known of a flow ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What the skills of one flow know of each other. `functions` are their Python names by idn.

    `library` is the flow's idn if it is one, else ""; `libraries` are the modules of the others by idn.
    """

    library: str
    functions: Mapping[str, str]
    libraries: Mapping[str, str]
    exposed: Exposed
    types: Mapping[str, Types]


def flow_facts(flow: Flow) -> Facts:
    """The facts of a resolved flow."""
    functions = {skill.idn: python_name(skill.idn) for skill in flow.skills}
    libraries = {library.idn: last_part(library.module) for library in flow.libraries}
    own = flow.idn if flow.is_library else ""
    return Facts(own, functions, libraries, exposed(flow), types(flow))


# --- what a skill calls its variables ------------------------------------------------------------


@dataclass(slots=True)
class Loop:
    """The Python names of what the innermost loop knows; "" for what its body does not ask for.

    `index` counts from `start`. `whole` is the runtime's object that knows everything, where simple names do not do;
    `depth` is how deep a recursive loop is, from zero.
    """

    index: str = ""
    key: str = ""
    items: str = ""
    start: int = 0
    whole: str = ""
    depth: str = ""


@dataclass(frozen=True, slots=True)
class Recursion:
    """The Python names of the function of a recursive loop, and of its parameter `depth`, "" if it has none."""

    function: str
    depth: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The template line that a statement comes from; `fails` tells whether running it can.

    `lines` are those of the literals it prints, where it has a line of code for each.
    """

    line: int
    fails: bool
    lines: tuple[int, ...] = ()


TEXT_FORMS: Final[Mapping[Runner, str]] = {"guidance": "text", "nsl": "nsl_text"}
PLAIN: Final = frozenset({"str", "int", "float", "bool", "Reply", "Record", "JsonText", "DslList"})
PLACEHOLDER: Final = "\0"  # a name no template has: stands for an operand whose type is known
Marked = TypeVar("Marked", bound=cst.BaseStatement)
CONSTANT: Final = re.compile(r"[A-Z][A-Z0-9_]*")


class Scope:
    """One skill while it is emitted: its variables with their types, the names made up for it, its loops.

    Of its variables, by their template names: `read` are those that something reads; `free` and `started` begin as
    what the caller passed beside the parameters; `undefined` may hold undefined; `typed` need an annotation; `bound`
    are assigned where none can stand; `declared` have theirs already; `builtins` are functions and modules as long as
    nothing is assigned; `reassigned` are the variables of the run that expressions assign. `macros` are the functions
    of macros by name; `callers` are the names of which the run knows what function they mean, `waiting` the macros
    that are coroutines; `shallow` says that none of them calls another, nor any loop itself. `origins` holds the
    statements made so far that stand for one of the template; `pending` are the parameters whose defaults a macro has
    not assigned yet, while it assigns one; `nesting` counts the loops around the code, up to the function it is in;
    `prints` tells whether `out` was used, `leaves` whether an expression may end the skill.
    """

    def __init__(self, skill: Skill, facts: Facts, uses: Uses, *, ends: bool) -> None:
        """`ends` tells whether the end of the body can be reached."""
        self.skill = skill
        self.ends = ends
        self.flow = facts
        self.uses = uses
        self.scopes: Scopes = scopes(skill, facts.exposed)
        self.variables: dict[str, Type] = dict(facts.types[skill.idn].variables)
        self.types = replace(facts.types[skill.idn], variables=self.variables)
        self.origins: dict[cst.CSTNode, Origin] = {}
        self.loops: list[Loop] = []
        self.recursions: list[Recursion] = []
        self.pending: frozenset[str] = frozenset()
        self.nesting = 0
        self.prints = False
        self.in_dict = self.scopes.computed
        self._known: dict[int, tuple[Expr, Type]] = {}

        macros = [stmt for stmt in statements(skill.body) if isinstance(stmt, Macro)]
        self.macros = {macro.name: python_name(macro.name) for macro in macros}
        called_back = (macro.called_back for macro in macros)
        self.callers = frozenset(filter(None, called_back)) | self.scopes.loose
        self.waiting = waiting_macros(skill, self.scopes.loose)

        found = list(expressions(skill.body))
        chained = MacroCall in map(type, expressions(macros))
        self.shallow = not (self.callers or chained or Recur in map(type, found))
        self.leaves = any(isinstance(expr, Leave) for expr in found)
        values = list(given_values(skill))
        self.read = frozenset(_reads(skill, found, ends=ends))
        self.free = frozenset(filter(is_variable, self.scopes.free))
        passed = frozenset(name for expr in found for name in received(expr, facts.exposed))
        passed -= self.scopes.loop_names | self.scopes.local
        self.reassigned = passed | {expr.name for expr in found if isinstance(expr, Bind)}
        self._words: dict[str, dict[str, str]] = {}
        for macro in macros:
            words = {word: self.parameter(word, name) for word, name in taken_names(macro)}
            self._words.setdefault(macro.name, {}).update(words)
        self.started = (self.scopes.maybe_unset | passed) & self.read - self.scopes.parameters
        hidden = self.scopes.parameters | self.scopes.loop_names | self.scopes.local
        self.builtins = frozenset(n for n in self.read - hidden if not is_variable(n))
        self.undefined = self._undefined(values)
        self.typed = frozenset(self._typed(values))
        bound = frozenset(_bound_inside(skill)) & self.read
        self.bound = bound - self.started - self.scopes.parameters
        self.declared: set[str] = {
            *self.scopes.parameters,
            *self.scopes.loop_names,
            *self.started,
            *self.bound,
        }
        self.assigned = self.declared - self.scopes.loop_names

        every = {*self.scopes.parameters, *self.scopes.assigned, *self.scopes.loop_names}
        every |= self.scopes.local | self.macros.keys()
        self.locals = frozenset(python_name(name) for name in every | self.free)
        self.locals |= {word for words in self._words.values() for word in words.values()}
        self.taken = {*self.locals, *facts.functions.values(), *IMPORTS, *BUILTINS, *LOCALS}
        self.names = self.fresh("names") if self.in_dict else ""

    def line(self, stmt: Stmt) -> int:
        """The template line on which a statement starts."""
        return self.skill.source.line(stmt.span.start)

    def mark(self, node: Marked, line: int, *others: int, fails: bool = True) -> Marked:
        """The statement, once it is known which template lines it stands for and whether running it can fail."""
        self.origins[node] = Origin(line, fails, (line, *others) if others else ())
        return node

    def fresh(self, stem: str) -> str:
        """A local name that nothing else in the skill has: `pieces`, `pieces2`, ..."""
        candidate, number = stem, 1
        while candidate in self.taken:
            number += 1
            candidate = f"{stem}{number}"
        self.taken.add(candidate)
        return candidate

    def parameter(self, word: str, name: str) -> str:
        """The Python name of a macro's parameter: the word by which calls name it, whatever its variable's name is.

        Unless the word is a variable of the run that something inside a macro may assign.
        """
        hides = word in self.reassigned and not self.in_names(word)
        return python_name(name if hides else word)

    def words(self, macro: str) -> Mapping[str, str]:
        """The Python names of what a macro takes, by the words of calls; of any where only the run knows which."""
        every = {word: name for words in self._words.values() for word, name in words.items()}
        return self._words.get(macro, every)

    def text(self, value: cst.BaseExpression) -> cst.BaseExpression:
        """The text form of a value, as the dialect has it."""
        return self.uses.call(TEXT_FORMS[self.skill.runner], value)

    def nobody(self) -> str:
        """A name for a value that nobody reads: `_`; type checkers take a second one of `_2` for a slip."""
        return self.fresh("_") if "_" in self.locals else "_"

    def function(self, idn: str) -> cst.Name:
        """The name under which this body can call a skill; an alias where a variable hides it."""
        name = self.flow.functions[idn]
        if name in self.locals:
            self.uses.aliases.add(name)
            name = f"__{name}"
        return py.name(name)

    def in_names(self, name: str) -> bool:
        """Whether a variable lives in the dict of a skill that computes names; those of loops and macros never do."""
        own = (self.scopes.loop_names, self.scopes.local, self.macros)
        return self.in_dict and not any(name in names for names in own)

    def is_local(self, name: str) -> bool:
        """Whether reading the variable is reading a Python local."""
        known = is_variable(name) or not self.scopes.is_free(name)
        return known and not self.in_names(name)

    def is_used(self, name: str) -> bool:
        """Whether anything reads the variable."""
        return self.in_names(name) or name in self.read

    def note_assignment(self, name: str) -> None:
        """Remember an assignment; type checkers take a second one of a name like LIMIT for a slip."""
        if name in self.assigned and CONSTANT.fullmatch(name):
            self.uses.redefines = True
        self.assigned.add(name)

    # --- types

    def type_of(self, expr: Expr) -> Type:
        """The type of an expression, however long the chain of operators is that it starts with."""
        chain = [expr]
        while id(chain[-1]) not in self._known:
            first = first_part(chain[-1])
            if first is None:
                self._known[id(chain[-1])] = chain[-1], self.types.of(chain[-1])
            else:
                chain.append(first)
        _, known = self._known[id(chain.pop())]
        while chain:
            outer = chain.pop()
            self.variables[PLACEHOLDER] = known
            known = self.types.of(with_first_part(outer, Name(outer.span, PLACEHOLDER)))
            self._known[id(outer)] = outer, known
        return known

    def may_be_undefined(self, expr: Expr) -> bool:
        """Whether the value may be undefined, so that it has to become "" when it leaves the skill."""
        match expr:
            case Name():
                item = expr.name in self.scopes.loop_names and not self.type_of(expr) <= PLAIN
                return item or expr.name in self.undefined or self.in_names(expr.name)
            case Undefined() | LoopName(name="previtem" | "nextitem"):
                return True
            case Attribute() | Index() | Filter() | Call() | FunctionCall():
                return not self.type_of(expr) <= PLAIN
            case Logic():
                return any(map(self.may_be_undefined, expr.values))
            case Conditional():
                return self.may_be_undefined(expr.body) or self.may_be_undefined(expr.orelse)
            case Bind() | SetComputed() | Expose():
                return self.may_be_undefined(expr.value)
            case _:
                return False

    def _undefined(self, values: list[tuple[str, Expr | None]]) -> frozenset[str]:
        """The variables that may hold undefined: unset ones, and those assigned from such."""
        macros = (stmt for stmt in statements(self.skill.body) if isinstance(stmt, Macro))
        self.undefined = self.scopes.maybe_unset | self.scopes.unset | self.free
        self.undefined |= {name for macro in macros for name in parameter_names(macro)}
        while True:
            more = {n for n, value in values if value and self.may_be_undefined(value)}
            if more <= self.undefined:
                return self.undefined
            self.undefined |= more

    def _typed(self, values: list[tuple[str, Expr | None]]) -> Iterator[str]:
        """The variables whose assignments do not tell a type checker their type."""
        for name, value in values:
            type_ = self.variables.get(name, ANY)
            own = TEXT if value is None else self.type_of(value)
            if (
                own != type_
                or len(type_) != 1
                or not type_ <= PLAIN
                or is_loose(value, self.type_of)
            ):
                yield name


def is_variable(name: str) -> bool:
    """Whether a name that is never assigned may have been passed: it is no module and no function."""
    return name not in MODULES and name not in FUNCTIONS


def _reads(skill: Skill, found: Iterable[Expr], *, ends: bool) -> Iterator[str]:
    for expr in found:
        if isinstance(expr, Name):
            yield expr.name
    for stmt in statements(skill.body):
        match stmt:
            case Assign(name=name, value=Expose(when=Const())):
                yield name
            case _:
                pass
    if ends:
        yield skill.result_variable


def _bound_inside(skill: Skill) -> Iterator[str]:
    """The variables assigned where no annotation can stand, in expressions and macros: they are declared before."""
    for function in filter(is_function, statements(skill.body)):
        for body in bodies(function):
            yield from (expr.name for expr in expressions(body) if isinstance(expr, Bind))
    for stmt in statements(skill.body):
        for own in own_expressions(stmt):
            expr = own
            while isinstance(stmt, Emit | Evaluate | Assign) and isinstance(expr, Bind | Void):
                expr = expr.value
            for inner in subexpressions(expr):
                if isinstance(inner, Bind):
                    yield inner.name


def given_values(skill: Skill) -> Iterator[tuple[str, Expr | None]]:
    """What each variable and loop name is given, as far as an expression says; None stands for text."""
    for assignment in assignments(skill):
        yield assignment.name, assignment.value
    for stmt in statements(skill.body):
        if isinstance(stmt, Each) and isinstance(stmt.iterable, ListExpr):
            for item in stmt.iterable.items:
                if isinstance(stmt.item, str):
                    yield stmt.item, item


# --- chains --------------------------------------------------------------------------------------


def first_part(expr: Expr) -> Expr | None:
    """The operand that an operator chain like `a.b + c` goes on with, None where it ends."""
    match expr:
        case Attribute() | Unary() | Filter() | Test():
            return expr.value
        case Index():
            return expr.value
        case Binary():
            return expr.left
        case Call(callee=Attribute(value=LoopName(name="loop"), name=name)) if name in LOOP_METHODS:
            return None
        case Call():
            return expr.callee
        case _:
            return None


LOOP_METHODS: Final = frozenset({"cycle", "changed"})


def with_first_part(expr: Expr, part: Expr) -> Expr:
    """The expression with another first operand."""
    match expr:
        case Attribute() | Unary() | Index() | Filter() | Test():
            return replace(expr, value=part)
        case Binary():
            return replace(expr, left=part)
        case Call():
            return replace(expr, callee=part)
        case _:
            return expr
