"""What is known of the Python types of variables, results and expressions.

A type is the set of the Python type expressions that a value may have; `ANY` absorbs all others. Everything is
computed for a whole flow at once, because parameters get their types from the calls.
"""

from __future__ import annotations

import types as python_types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeAlias,
    Union,
    assert_never,
    get_args,
    get_origin,
    get_type_hints,
)

from skillc.analyses.scopes import (
    Exposed,
    Scopes,
    assignments,
    computes_exposed,
    exposed,
    received,
    scopes,
)
from skillc.analyses.walk import expressions, parameter_names, statements
from skillc.ir import (
    ActionCall,
    Attribute,
    Binary,
    Bind,
    Call,
    Compare,
    Concat,
    Conditional,
    Const,
    Convert,
    DictExpr,
    Expose,
    Expr,
    Filter,
    Flow,
    FunctionCall,
    Index,
    Invoke,
    Leave,
    Library,
    ListExpr,
    Logic,
    LoopFact,
    LoopName,
    Macro,
    MacroCall,
    Name,
    Recur,
    Return,
    SetComputed,
    Signature,
    Skill,
    SkillCall,
    Slice,
    Test,
    TupleExpr,
    Unary,
    Undefined,
    Void,
)
from skillrt.actions import CATALOGUE
from skillrt.filters import FILTERS
from skillrt.functions import FUNCTIONS
from skillrt.kinds import Kind
from skillrt.modules import MODULES

Type: TypeAlias = frozenset[str]

ANY: Final[Type] = frozenset({"Any"})
NEVER: Final[Type] = frozenset()
TEXT: Final[Type] = frozenset({"str"})
REPLY: Final[Type] = frozenset({"Reply"})
BOOL: Final[Type] = frozenset({"bool"})
TEXTS: Final = frozenset({"str", "Reply", "Record", "JsonText"})
NUMBERS: Final = frozenset({"int", "float"})
SUBTYPES: Final[Mapping[str, frozenset[str]]] = {
    "str": TEXTS,
    "list[Any]": frozenset({"DslList"}),
}
FUNCTION_RESULTS: Final[Mapping[str, Type]] = {
    "str": TEXT,
    "repr": TEXT,
    "int": frozenset({"int"}),
    "len": frozenset({"int"}),
    "float": frozenset({"float"}),
    "bool": BOOL,
    "any": BOOL,
    "all": BOOL,
    "equal": BOOL,
    "notequal": BOOL,
    "greater": BOOL,
    "less": BOOL,
    "contains": BOOL,
    "strip": TEXT,
}
LOOP_FACTS: Final[Mapping[LoopFact, Type]] = {
    **dict.fromkeys(("first", "last"), BOOL),
    **dict.fromkeys(("key", "previtem", "nextitem", "loop"), ANY),
    **dict.fromkeys(
        ("index", "index1", "revindex", "revindex0", "length", "depth", "depth0"),
        frozenset({"int"}),
    ),
}
KIND_RESULTS: Final[Mapping[Kind, Type]] = {
    Kind.TEXT: TEXT,
    Kind.NAME: TEXT,
    Kind.ID: TEXT,
    Kind.DATE: TEXT,
    Kind.TZ: TEXT,
    Kind.INT: frozenset({"int"}),
    Kind.NUM: frozenset({"float"}),
    Kind.NUM0: frozenset({"float"}),
    Kind.FLAG: BOOL,
    Kind.IDS: frozenset({"list[str]"}),
    Kind.NAMES: frozenset({"list[str]"}),
    Kind.TEXTS: frozenset({"list[str]"}),
    Kind.INTS: frozenset({"list[int]"}),
}


def join(*types: Type) -> Type:
    """The union, without the parts that another part includes."""
    union = NEVER.union(*types)
    if "Any" in union:
        return ANY
    for general, special in SUBTYPES.items():
        if general in union:
            union -= special - {general}
    return union


def is_text(type_: Type) -> bool:
    """Whether every value of the type is a `str`."""
    return bool(type_) and type_ <= TEXTS


def annotation_type(annotation: Any) -> Type:
    """The type that a Python annotation of the runtime stands for."""
    if get_origin(annotation) is Annotated:
        return annotation_type(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return join(*(frozenset({type(value).__name__}) for value in get_args(annotation)))
    if get_origin(annotation) in {Union, python_types.UnionType}:
        return join(*map(annotation_type, get_args(annotation)))
    if annotation is Any:
        return ANY
    if annotation is None or annotation is type(None):
        return frozenset({"None"})
    name: str = annotation.__name__
    return frozenset({{"list": "list[Any]", "dict": "dict[Any, Any]"}.get(name, name)})


@cache
def action_result(action: str) -> Type:
    """The type of an action's value."""
    return annotation_type(CATALOGUE[action].returns)


@cache
def filter_result(name: str) -> Type:
    """The type of a filter's value."""
    return annotation_type(get_type_hints(FILTERS[name])["return"])


@dataclass(frozen=True, slots=True)
class Types:
    """The types of one skill. `variables` holds parameters and loop names too; of an unset one, Undefined is part."""

    variables: dict[str, Type]
    result: Type
    results: Mapping[str, Type]

    def of(self, expr: Expr) -> Type:
        """The type of an expression of this skill; empty when it never yields a value."""
        match expr:
            case Const():
                return frozenset({"None" if expr.value is None else type(expr.value).__name__})
            case Name():
                return self.variables.get(expr.name, ANY)
            case Undefined():
                return frozenset({"Undefined"})
            case LoopName():
                return LOOP_FACTS[expr.name]
            case ListExpr():
                return frozenset({"list[Any]"})
            case DictExpr():
                return frozenset({"dict[Any, Any]"})
            case Attribute():
                if self.of(expr.value) == REPLY:
                    return REPLY_ATTRIBUTES.get(expr.name, ANY)
                return ANY
            case Index() | Slice() | Call() | TupleExpr() | Invoke():
                return ANY
            case Unary():
                if expr.op == "not":
                    return BOOL
                value = self.of(expr.value)
                return value if value and value <= NUMBERS else ANY
            case Binary():
                return self._binary(expr)
            case Compare() | Test():
                return BOOL
            case Conditional():
                return join(self.of(expr.body), self.of(expr.orelse))
            case Concat() | MacroCall() | Recur():
                return TEXT
            case Filter(name="int" | "float", args=()):
                return frozenset({expr.name})
            case Filter():
                return filter_result(expr.name)
            case Logic():
                return join(*map(self.of, expr.values))
            case ActionCall():
                return action_result(expr.action)
            case SkillCall():
                return self.results.get(expr.target, ANY)
            case FunctionCall():
                return FUNCTION_RESULTS.get(expr.function, ANY)
            case Convert():
                return convert_result(expr.parameter)
            case Bind() | SetComputed() | Expose():
                return self.of(expr.value)
            case Void():
                return TEXT
            case Leave():
                return ANY
            case _:
                assert_never(expr)

    def _binary(self, expr: Binary) -> Type:
        left, right = self.of(expr.left), self.of(expr.right)
        if not left or not right:
            return NEVER
        if left <= NUMBERS and right <= NUMBERS:
            if expr.op == "**":
                return ANY  # a negative exponent makes a whole number a fraction
            return frozenset({"float"}) if expr.op == "/" else join(left, right)
        if expr.op == "+" and is_text(left) and is_text(right):
            return TEXT
        return ANY


REPLY_ATTRIBUTES: Final[Mapping[str, Type]] = {
    "interrupted": BOOL,
    "failed": BOOL,
    "outcome": TEXT,
}


@cache
def convert_result(parameter: str) -> Type:
    """The clean type of an action's parameter, None included when it may be absent."""
    action, _, name = parameter.partition(".")
    for entry in CATALOGUE[action].parameters:
        if entry.name == name:
            result = KIND_RESULTS.get(entry.kind, ANY)
            absent = not entry.required and entry.default is None
            return join(result, frozenset({"None"})) if absent else result
    return ANY


def types(flow: Flow) -> Mapping[str, Types]:
    """The types of every skill of a resolved flow, by idn: the least ones that hold for all its calls."""
    given = exposed(flow)
    facts = {skill.idn: scopes(skill, given) for skill in flow.skills}
    found = {
        skill.idn: Types(_first_guess(skill, facts[skill.idn]), NEVER, {}) for skill in flow.skills
    }
    if flow.is_library:  # what other modules pass is not looked at, so that they can change alone
        for skill in flow.skills:
            found[skill.idn].variables.update((p.name, ANY) for p in skill.parameters)
    for _ in range(ROUNDS):
        before = found
        _note_arguments(flow, facts, found)
        results = library_results(flow) | {idn: known.result for idn, known in found.items()}
        found = {
            skill.idn: _skill_types(
                skill,
                facts[skill.idn],
                given,
                Types({**found[skill.idn].variables}, NEVER, results),
            )
            for skill in flow.skills
        }
        if found == before:
            return found
    return {idn: _widened(known) for idn, known in found.items()}


def library_results(flow: Flow) -> dict[str, Type]:
    """The types of what the skills of its libraries return."""
    return {
        f"{library.idn}.{one.idn}": one.result
        for library in flow.libraries
        for one in library.skills
    }


def library_of(flow: Flow) -> Library:
    """What callers in other modules have to know of a resolved library."""
    known = types(flow)
    given = exposed(flow)
    signatures = (
        Signature(
            skill.idn,
            skill.parameters,
            known[skill.idn].result,
            None if computes_exposed(skill) else given[skill.idn],
        )
        for skill in flow.skills
    )
    return Library(flow.idn, flow.module, tuple(signatures))


ROUNDS: Final = 16
BUILTINS: Final = frozenset({*FUNCTIONS, *MODULES})


def _first_guess(skill: Skill, facts: Scopes) -> dict[str, Type]:
    """Parameters are text and loop items anything; a variable is nothing yet, or unset."""
    variables = dict.fromkeys(facts.assigned, NEVER)
    variables |= dict.fromkeys(facts.parameters, TEXT)
    variables |= dict.fromkeys(facts.local, NEVER)
    variables |= dict.fromkeys(facts.maybe_unset | facts.unset, frozenset({"Undefined"}))
    variables |= dict.fromkeys(facts.maybe_unset & BUILTINS, ANY)
    macros = (stmt for stmt in statements(skill.body) if isinstance(stmt, Macro))
    variables |= dict.fromkeys((n for stmt in macros for n in parameter_names(stmt)), ANY)
    variables |= dict.fromkeys(facts.loop_names, ANY)
    return dict.fromkeys(variables, ANY) if facts.computed else variables


def _skill_types(skill: Skill, facts: Scopes, given: Exposed, known: Types) -> Types:
    """One round: join what each assignment gives into `known`, whose variables are ours to change."""
    variables = known.variables
    for name, value in _assignments(skill, given):
        type_ = value if isinstance(value, frozenset) else known.of(value)
        variables[name] = join(variables.get(name, NEVER), type_)
    returned = [known.of(s.value) for s in statements(skill.body) if isinstance(s, Return)]
    returned += [known.of(e) for e in expressions(skill.body) if isinstance(e, Leave)]
    last = variables.get(skill.result_variable, ANY) if facts.result_bound else TEXT
    return Types(variables, given_away(join(*returned, last)), known.results)


def given_away(type_: Type) -> Type:
    """The type of a value once it leaves the skill: undefined has become ""."""
    return join(type_ - {"Undefined"}, TEXT) if "Undefined" in type_ else type_


def _assignments(skill: Skill, given: Exposed) -> Iterator[tuple[str, Expr | Type]]:
    """What each variable is given, in the order of the template."""
    for assignment in assignments(skill):
        yield assignment.name, TEXT if assignment.value is None else assignment.value
    for expr in expressions(skill.body):
        for name in received(expr, given):
            yield name, ANY


def _note_arguments(flow: Flow, facts: Mapping[str, Scopes], found: Mapping[str, Types]) -> None:
    """A parameter is no longer surely text when some call of the flow passes something else."""
    for skill in flow.skills:
        for expr in expressions(skill.body):
            match expr:
                case SkillCall(library=None):
                    callee = found[expr.skill].variables
                    for name, value in expr.args:
                        passed = given_away(found[skill.idn].of(value))
                        if name in callee and passed and not is_text(passed):
                            callee[name] = ANY
                case ActionCall(action="Do"):
                    for other in found.values():
                        for name, _ in expr.extra:
                            if name in other.variables:
                                other.variables[name] = ANY
                case Invoke(name=Const(value=str(name))) if name in found:
                    found[name].variables.update(dict.fromkeys(facts[name].parameters, ANY))
                case Invoke(name=name_) if not isinstance(name_, Const):
                    for idn, other in found.items():
                        other.variables.update(dict.fromkeys(facts[idn].parameters, ANY))
                case _:
                    pass


def _widened(known: Types) -> Types:
    anything = dict.fromkeys(known.variables, ANY)
    return Types(anything, ANY, dict.fromkeys(known.results, ANY))
