"""The code of one skill, read back and compared with what it was made of."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from skillc.analyses.walk import (
    children,
    expressions,
    parameter_names,
    statements,
    taken_names,
)
from skillc.emit.module import Function
from skillc.emit.names import BUILTINS, IMPORTS, KNOWN_TYPES, LOCALS, QUALIFIED, last_part
from skillc.errors import CompilerBug
from skillc.ir import (
    ActionCall,
    Conditional,
    Const,
    Convert,
    Each,
    Emit,
    Expr,
    Filter,
    Flow,
    FunctionCall,
    Invoke,
    Macro,
    MacroCall,
    Select,
    SetComputed,
    Skill,
    SkillCall,
)
from skillc.source import Source
from skillrt import filters
from skillrt.catalogue import CATALOGUE
from skillrt.guards import is_list, is_tuple
from skillrt.loops import Loop
from skillrt.names import python_name

ALLOWED: Final = (
    *(ast.Expr, ast.Assign, ast.AnnAssign, ast.Return, ast.Pass, ast.Break, ast.Continue),
    *(ast.If, ast.For, ast.With, ast.withitem, ast.Try, ast.ExceptHandler),
    *(ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.Name, ast.Attribute, ast.Subscript),
    *(ast.arguments, ast.arg),
    *(ast.List, ast.Tuple, ast.Dict, ast.Call, ast.keyword, ast.Await, ast.NamedExpr),
    *(ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Nonlocal, ast.Starred),
    *(ast.ListComp, ast.comprehension),
    *(ast.Not, ast.USub, ast.UAdd, ast.Add, ast.Sub, ast.boolop, ast.cmpop, ast.expr_context),
)
IN_ANNOTATIONS: Final = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.Constant, ast.BinOp, ast.BitOr),
    ast.Load,
)
MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "ctx": frozenset({"skill", "point"}),
    "out": frozenset(
        {
            *("write", "role", "open_role", "close_role", "hidden", "tap", "capture", "printed"),
            *("expose", "take"),
        }
    ),
    "extra": frozenset({"get"}),
}
READ: Final = frozenset({"due", "random"})
"""What generated code may read of the context; the rest it calls."""
REPLY: Final = frozenset({"interrupted", "failed", "outcome"})
OF_LOOP: Final = frozenset(name for name in dir(Loop) if not name.startswith("_"))
LITERALS: Final = (str, int, float, bool, type(None))
TYPES: Final = KNOWN_TYPES | {"Context"}
INDEXED: Final = frozenset({"FUNCTIONS", "MODULES", "dict", "list"})
HOLDERS: Final = MEMBERS.keys() | {"actions", "filters", "libraries", "skillrt"}
CALLED: Final = frozenset(name for name in IMPORTS if name.islower()) - HOLDERS | {
    *("enumerate", "float", "len", "slice", "Loop", "Steps")
}
MARKS: Final = frozenset({"UNDEFINED", "MISSING"})
"""Values of the runtime that have a name."""
OWN_TEXTS: Final = frozenset({"", "inf", "nan", "Set.expose"})


def must(condition: bool, node: ast.AST, what: str) -> None:
    """Fail unless `condition` holds."""
    if not condition:
        line = getattr(node, "lineno", "?")
        raise CompilerBug(f"emitted line {line}: {what}: {ast.dump(node)[:200]}")


class FunctionCheck:
    """The code of one skill against its IR."""

    def __init__(
        self,
        function: Function,
        node: ast.AsyncFunctionDef,
        known: frozenset[str],
        given: frozenset[str],
        flow: Flow,
    ) -> None:
        """`known` are the names of the module, `given` those of variables that callees expose to `flow`'s skills."""
        self.own = [function.skill.idn, *([flow.idn] if flow.is_library else [])]
        self.libraries = {each.idn: last_part(each.module) for each in flow.libraries}
        self.function = function
        self.skill = function.skill
        self.node = node
        self.known = known
        self.given = given
        self.nodes = list(walked(node))[1:]
        self.inner = {
            inner.name: inner
            for inner in self.nodes
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self.stmts = list(statements(self.skill.body))
        self.exprs = list(expressions(self.skill.body))
        calls = (expr for expr in self.exprs if isinstance(expr, MacroCall))
        self.handed = {python_name(call.caller) for call in calls if call.caller is not None}
        self.skills = known - BUILTINS - IMPORTS.keys()
        self.computed = any(isinstance(expr, SetComputed) for expr in self.exprs)
        arguments = node.args
        parameters = {argument.arg for argument in arguments.kwonlyargs}
        stores = (n for n in self.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        self.stored = Counter(store.id for store in stores)
        handlers = (n for n in self.nodes if isinstance(n, ast.ExceptHandler))
        self.caught = {str(handler.name) for handler in handlers}
        passed = {argument.arg for inner in self.inner.values() for argument in taken_by(inner)}
        made = self.stored.keys() | self.inner.keys()
        self.locals: frozenset[str] = LOCALS.union(parameters, passed, self.caught, made)
        self.loops = {name for node in self.nodes for name in loop_objects(node)}
        self.annotations = {id(n) for whole in self.annotated() for n in walked(whole)}
        self.placed = {id(n) for n in self.placed_names()}
        self.called = {id(n.func) for n in self.nodes if isinstance(n, ast.Call)}

    def run(self) -> None:
        """Check shape, names, texts, calls and lines."""
        match self.node.body:
            case [ast.With(items=[ast.withitem(context_expr=ast.Call(args=names))])]:
                said = [getattr(name, "value", None) for name in names]
                must(said == self.own, self.node, "the skill")
            case _:
                must(False, self.node, "body")
        must(not self.node.decorator_list, self.node, "a decorator")
        must(not self.inner.keys() & self.stored.keys(), self.node, "a function that is reassigned")
        self.check_parameters()
        hidden = self.locals & ({*IMPORTS} | BUILTINS)
        must(not hidden, self.node, f"a local hides {sorted(hidden)}")
        must(self.stored["out"] <= 1, self.node, "an assignment to out")
        must(
            not self.stored.keys() & (LOCALS - {"out"}), self.node, "an assignment to ctx or extra"
        )
        for inner in self.nodes:
            allowed = IN_ANNOTATIONS if id(inner) in self.annotations else ALLOWED
            must(isinstance(inner, allowed), inner, "this kind of code")
            must(not getattr(inner, "decorator_list", None), inner, "a decorator")
            self.check_node(inner)
        self.check_functions()
        self.check_texts()
        self.check_calls()
        self.check_lines()

    def check_parameters(self) -> None:
        """That the parameters are the declared ones, with their defaults."""
        arguments = self.node.args
        meant = [(python_name(p.name), p.default or "") for p in self.skill.parameters]
        found = [
            (argument.arg, getattr(default, "value", None))
            for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ]
        context = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        extra = arguments.kwarg is not None and arguments.kwarg.arg == "extra"
        shape = context == ["ctx"] and extra and arguments.vararg is None
        must(shape and found == meant, self.node, "the parameters")

    def annotated(self) -> Iterator[ast.expr]:
        """All types: annotations, and those in `list[Any](...)`."""
        for node in (self.node, *self.nodes):
            match node:
                case (
                    ast.arg(annotation=ast.expr() as annotation)
                    | ast.AnnAssign(annotation=annotation)
                    | ast.AsyncFunctionDef(returns=ast.expr() as annotation)
                    | ast.FunctionDef(returns=ast.expr() as annotation)
                ):
                    yield annotation
                case ast.Subscript(value=ast.Name(id="dict" | "list"), slice=inside):
                    yield inside
                case _:
                    pass

    def placed_names(self) -> Iterator[ast.expr]:
        """The names that stand where the code around them, checked by itself, decides which ones may."""
        for node in self.nodes:
            match node:
                case ast.Attribute(value=ast.Name(id=holder) as name) if holder in HOLDERS:
                    yield name
                case ast.Subscript(value=ast.Name() as name):
                    yield name
                case ast.ExceptHandler(type=ast.Name(id="Leave") as name):
                    yield name
                case ast.Assign(targets=[ast.Name()], value=ast.Name(id=made) as name) if (
                    made in self.inner
                ):
                    yield name
                case ast.Call(func=ast.Name() as name):
                    yield name
                    if name.id in self.skills or name.id in COUNTED:
                        yield from filter(is_context, node.args[:1])
                    words = (word.value for word in node.keywords)
                    yield from (word for word in words if getattr(word, "id", "") in self.handed)
                case ast.Call(func=ast.Attribute(value=ast.Name(id="actions"))):
                    yield from filter(is_context, node.args[:1])
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="libraries")))
                ):
                    yield from filter(is_context, node.args[:1])
                case ast.Dict():
                    yield from spread(node)
                case _:
                    pass

    def check_node(self, node: ast.AST) -> None:
        """One node by itself."""
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if id(node) in self.placed:
                must(name in self.known or name in self.locals, node, "an unknown name")
            case ast.Name(id=name, ctx=ast.Load()) if id(node) in self.annotations:
                must(name in self.known and name in TYPES, node, "this name in an annotation")
            case ast.Name(id=name, ctx=ast.Load()):
                variable = name in self.locals - LOCALS or name in MARKS
                must(variable, node, "this name as a value")
                must(name not in self.inner, node, "a function as a value")
            case ast.Constant():
                must(isinstance(node.value, LITERALS), node, "this literal")
            case ast.Attribute():
                read = isinstance(node.ctx, ast.Load)
                must(read and self.is_member(node), node, "this attribute")
            case ast.Subscript(value=ast.Name(id=name)):
                ours = name in INDEXED and isinstance(node.ctx, ast.Load)
                must(ours or (self.computed and name in self.locals - LOCALS), node, "this index")
            case ast.Subscript():
                must(isinstance(node.value, ast.Tuple), node, "this index")
            case ast.Call():
                must(self.is_callable(node.func), node, "this call")
            case ast.Try():
                must(len(node.handlers) == 1 and not node.orelse + node.finalbody, node, "this try")
            case ast.ExceptHandler():
                returns = len(node.body) == 1 and isinstance(node.body[0], ast.Return)
                must(returns and id(node.type) in self.placed, node, "this except")
            case ast.withitem():
                must(self.is_entered(node.context_expr), node, "this context")
            case ast.keyword(arg=None):
                must(isinstance(node.value, ast.Dict) or is_unpacked(node.value), node, "keywords")
            case ast.Starred():
                must(is_unpacked(node.value), node, "these arguments")
            case ast.Nonlocal():
                must(set(node.names) <= self.locals - LOCALS, node, "these names")
            case ast.comprehension():
                must(not node.is_async and len(node.ifs) == 1, node, "this choice")
            case ast.Await():
                must(isinstance(node.value, ast.Call), node, "this wait")
            case ast.Dict():
                must(all(map(is_extra, spread(node))), node, "this in a dict")
            case ast.FormattedValue():
                match node.value:
                    case (
                        ast.Name()
                        | ast.Call(func=ast.Name(id="text" | "nsl_text"), args=[ast.Name()])
                    ):
                        must(node.conversion == -1 and not node.format_spec, node, "this format")
                    case _:
                        must(False, node, "this in an f-string")
            case _:
                pass

    def is_member(self, node: ast.Attribute) -> bool:
        """Whether an attribute is one that generated code may name, and is called if it is a method."""
        called = id(node) in self.called
        match node.value:
            case ast.Name(id="actions"):
                return called and not node.attr.startswith("_")  # which ones, `check_calls` knows
            case ast.Name(id="filters"):
                return called and node.attr in filters.__all__ and node.attr.islower()
            case ast.Name(id="ctx") if node.attr in READ:
                return not called
            case ast.Name(id=name) if name in MEMBERS:
                return called and node.attr in MEMBERS[name]
            case ast.Name(id=name) if name in self.loops:
                return node.attr in OF_LOOP
            case ast.Name(id="libraries"):
                return node.attr in self.libraries.values()
            case ast.Attribute(value=ast.Name(id="libraries")):
                return called  # which ones, `check_calls` knows
            case ast.Name(id="skillrt"):
                return node.attr == "values"
            case ast.Attribute(value=ast.Name(id="skillrt")):
                return node.attr in QUALIFIED
            case ast.Constant(value=""):
                return called and node.attr == "join"
            case ast.Name(id=name) if name in self.caught:
                return node.attr == "value"
            case ast.Name(id=name) if self.computed and name in self.locals:
                return node.attr in REPLY or (called and node.attr == "get")
            case _:
                return node.attr in REPLY

    def is_entered(self, node: ast.expr) -> bool:
        """Whether generated code may enter this: first the skill, inside it parts of what is printed."""
        outermost = node.lineno == self.node.body[0].lineno
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="ctx"))):
                return outermost
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id="out"), attr="role" | "hidden" | "tap" | "capture"
                )
            ):
                return not outermost
            case _:
                return False

    def is_callable(self, node: ast.expr) -> bool:
        """Whether generated code may call this: attributes are checked by themselves."""
        match node:
            case ast.Name(id=name) if name in self.inner:
                return True
            case ast.Name(id=name):
                ours = name in self.skills or (name in self.known and name in CALLED)
                return ours and name not in self.locals
            case ast.Attribute(attr=name):
                return name not in REPLY | QUALIFIED
            case ast.Subscript(value=ast.Name(id=name)):
                return name in {"dict", "list"}
            case _:
                return False

    def check_functions(self) -> None:
        """That there is a function for each macro and recursive loop, and no choice that was not meant."""
        macros = [stmt for stmt in self.stmts if isinstance(stmt, Macro)]
        loops = [stmt for stmt in self.stmts if isinstance(stmt, Each)]
        meant = len(macros) + sum(loop.recursive for loop in loops)
        must(len(self.inner) == meant, self.node, f"{len(self.inner)} functions, not {meant}")
        for macro in macros:
            name = python_name(macro.name)
            if name in self.inner:
                found = {argument.arg for argument in taken_by(self.inner[name])}
                names = set(map(python_name, parameter_names(macro)))
                names |= {python_name(word) for word, _ in taken_names(macro)}
                fits = found <= names and len(found) == len(parameter_names(macro))
                must(fits, self.inner[name], "the parameters of a macro")
        filtered = sum(loop.test is not None for loop in loops)
        must(self.count(ast.ListComp) <= filtered, self.node, "a choice that is not meant")
        choices = sum(isinstance(expr, Conditional) for expr in self.exprs)
        must(self.count(ast.IfExp) == choices, self.node, "a choice that is not meant")

    def count(self, kind: type[ast.AST]) -> int:
        """How many nodes of a kind the code has."""
        return sum(isinstance(node, kind) for node in self.nodes)

    def check_texts(self) -> None:
        """That the printed text is the template's, and that no other text came out of nowhere."""
        found = [constant for write in self.writes() for constant in texts_in(walked(write))]
        meant = "".join(self.printed())
        must(
            "".join(str(constant.value) for constant in found) == meant,
            self.node,
            "the printed text",
        )
        known = {*OWN_TEXTS, *self.given, *self.own, *leaves(self.skill)}
        known |= {python_name(name) for name in known if name.isidentifier()}
        known |= {text for e in self.exprs if isinstance(e, Convert) for text in defaults(e)}
        written = {id(constant) for constant in found}
        others = [c for c in texts_in(self.nodes) if id(c) not in written]
        for constant in others:
            must(constant.value in known, constant, "a text that the template does not have")
        passed = {text for expr in self.exprs for text in passed_texts(expr)}
        missing = passed - {constant.value for constant in others}
        must(not missing, self.node, f"texts are missing: {missing}")

    def writes(self) -> Iterator[ast.Call]:
        """The calls that print a literal, in the order of the code."""
        for node in self.nodes:
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="out"), attr="write"),
                    args=[ast.Constant() | ast.JoinedStr()],
                ):
                    yield node
                case _:
                    pass

    def printed(self) -> Iterator[str]:
        """The literal texts of the template, in its order."""
        for stmt in self.stmts:
            match stmt:
                case Emit(value=Const(value=None)) if self.skill.runner == "guidance":
                    pass
                case Emit(value=Const(value=value)):
                    yield str(value)
                case _:
                    pass

    def check_calls(self) -> None:
        """That every action, skill and macro is called as often as the template calls it."""
        names = (stmt.name for stmt in self.stmts if isinstance(stmt, Macro))
        macros = {name: python_name(name) for name in names if python_name(name) in self.inner}
        calls = (called(expr, self.libraries, macros) for expr in self.exprs)
        meant = Counter(call for call in calls if call is not None)
        meant["actions.choose"] += sum(isinstance(stmt, Select) for stmt in self.stmts)
        found: Counter[str] = Counter()
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="actions"), attr=name)):
                    found[f"actions.{name}"] += 1
                case ast.Call(
                    func=ast.Attribute(
                        value=ast.Attribute(value=ast.Name(id="libraries"), attr=library),
                        attr=name,
                    )
                ):
                    found[f"libraries.{library}.{name}"] += 1
                case ast.Call(func=ast.Name(id=name)) if name in self.inner:
                    found[f"macro {name}"] += name in macros.values()
                case ast.Call(func=ast.Name(id=name)) if name in self.skills:
                    found[name.removeprefix("__")] += 1
                case _:
                    pass
        must(+found == +meant, self.node, f"calls {found}, not {meant}")

    def check_lines(self) -> None:
        """That each line of code but `pass` has its template line, and each line of a literal."""
        first = self.node.lineno
        lines = {
            node.lineno - first
            for node in self.nodes
            if isinstance(node, ast.stmt) and not isinstance(node, ast.Pass)
        }
        for write in self.writes():
            text = write.args[0]
            lines.update(range(text.lineno - first, (text.end_lineno or text.lineno) + 1 - first))
        mapped = [below for below, _ in self.function.lines]
        must(mapped == sorted(lines), self.node, "lines without a template line")
        last = self.skill.source.line(len(self.skill.source.text))
        inside = all(1 <= line <= last for _, line in self.function.lines)
        must(inside, self.node, "template lines that do not exist")


COUNTED: Final = frozenset({"each", "keyed", "walk", "Steps"})
UNPACKED: Final = frozenset({"nsl_items", "named_arguments"})


def taken_by(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.arg]:
    """The parameters of a macro or recursive loop."""
    given = function.args
    yield from (*given.posonlyargs, *given.args, *given.kwonlyargs)
    yield from (argument for argument in (given.vararg, given.kwarg) if argument is not None)


def loop_objects(node: ast.AST) -> Iterator[str]:
    """The variable that holds what a loop knows, if this statement makes one."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="Loop"))):
            yield name
        case _:
            pass


def is_unpacked(node: ast.expr) -> bool:
    """Whether this makes several arguments out of a value."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in UNPACKED


def is_context(node: ast.expr) -> bool:
    """Whether this is `ctx`."""
    return isinstance(node, ast.Name) and node.id == "ctx"


def spread(node: ast.Dict) -> Iterator[ast.expr]:
    """What stands behind `**` in a dict."""
    return (value for key, value in zip(node.keys, node.values, strict=True) if key is None)


def walked(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all inside it, in the order of the text, without marks for loading and storing."""
    todo: list[Any] = [node]
    while todo:
        inner = todo.pop()
        if isinstance(inner, ast.AST):
            yield inner
            for part in reversed(inner._fields):
                if part == "ctx":
                    continue
                value = getattr(inner, part)
                if is_list(value):
                    todo.extend(reversed(value))
                else:
                    todo.append(value)


def is_extra(node: ast.expr) -> bool:
    """Whether this is what a skill was called with beside its parameters."""
    return isinstance(node, ast.Name) and node.id == "extra"


def texts_in(nodes: Iterable[ast.AST]) -> Iterator[ast.Constant]:
    """The text literals among some nodes."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node


def leaves(skill: Skill) -> Iterator[str]:
    """All texts that the IR of a skill holds: names and literals."""
    todo: list[Any] = [skill]
    while todo:
        inner = todo.pop()
        if isinstance(inner, str):
            yield inner
        elif is_tuple(inner):
            todo.extend(inner)
        elif is_dataclass(inner) and not isinstance(inner, Source):
            todo.extend(getattr(inner, part.name) for part in fields(inner))


def defaults(expr: Convert) -> Iterator[str]:
    """The text that a conversion falls back to."""
    action, _, name = expr.parameter.partition(".")
    for parameter in CATALOGUE[action].parameters:
        if parameter.name == name and isinstance(parameter.default, str):
            yield parameter.default


def passed_texts(expr: Expr) -> Iterator[str]:
    """The literal texts that a call passes."""
    if isinstance(expr, ActionCall | SkillCall | Invoke | FunctionCall | Filter | MacroCall):
        for part in children(expr):
            if isinstance(part, Const) and isinstance(part.value, str):
                yield part.value


def called(expr: Expr, libraries: Mapping[str, str], macros: Mapping[str, str]) -> str | None:
    """The action, skill or macro that an expression calls, as the code names it; None for a caller's too."""
    match expr:
        case ActionCall():
            return f"actions.{CATALOGUE[expr.action].python}"
        case SkillCall(library=str(library)):
            return f"libraries.{libraries[library]}.{python_name(expr.skill)}"
        case SkillCall():
            return python_name(expr.skill)
        case Invoke():
            return "actions.invoke"
        case MacroCall() if expr.macro in macros:
            return f"macro {macros[expr.macro]}"
        case _:
            return None
