"""What was emitted, read back: only code that can be meant, every literal exactly its text, every line mapped.

1. This file knows Python and the IR, not how the one becomes the other.
2. It runs on every build. What it finds is a bug of the compiler, but for one case: templates nested deeper than
   Python can compile.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from skillc.analyses.scopes import exposed
from skillc.analyses.walk import bodies, children, expressions, own_expressions, statements
from skillc.deep import ordinary_depth
from skillc.emit.module import COMMENTS, DOCSTRING, Function, Module
from skillc.emit.names import BUILTINS, IMPORTS, KNOWN_TYPES, LOCALS, QUALIFIED
from skillc.errors import CompilerBug, Report, TemplateError
from skillc.ir import (
    ActionCall,
    Const,
    Convert,
    Emit,
    Expr,
    Flow,
    FunctionCall,
    Select,
    SetComputed,
    Skill,
    SkillCall,
    Stmt,
)
from skillc.source import Source, Span
from skillrt.catalogue import CATALOGUE
from skillrt.guards import is_list, is_tuple
from skillrt.manifest import ABI
from skillrt.names import python_name

ALLOWED: Final = (
    *(ast.Expr, ast.Assign, ast.AnnAssign, ast.Return, ast.Pass, ast.Break, ast.Continue),
    *(ast.If, ast.For, ast.With, ast.withitem, ast.Try, ast.ExceptHandler),
    *(ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.Name, ast.Attribute, ast.Subscript),
    *(ast.arguments, ast.arg),
    *(ast.List, ast.Tuple, ast.Dict, ast.Call, ast.keyword, ast.Await, ast.NamedExpr),
    *(ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare),
    *(ast.Not, ast.USub, ast.UAdd, ast.Add, ast.Sub, ast.boolop, ast.cmpop, ast.expr_context),
)
IN_ANNOTATIONS: Final = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.Constant, ast.BinOp, ast.BitOr),
    ast.Load,
)
MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "ctx": frozenset({"skill"}),
    "out": frozenset({"write", "role", "hidden", "tap", "expose", "take"}),
    "extra": frozenset({"get"}),
}
REPLY: Final = frozenset({"interrupted", "failed", "outcome"})
LITERALS: Final = (str, int, float, bool, type(None))
TYPES: Final = KNOWN_TYPES | {"Context"}
INDEXED: Final = frozenset({"FUNCTIONS", "MODULES", "dict", "list"})
HOLDERS: Final = MEMBERS.keys() | {"actions", "skillrt"}
CALLED: Final = frozenset(name for name in IMPORTS if name.islower()) - HOLDERS | {
    *("enumerate", "float", "len")
}
OWN_TEXTS: Final = frozenset({"", "inf", "nan", "Set.expose"})
STRING: Final = re.compile(r"(['\"])(?:(?!\1)[^\\]|\\.)*\1")

LIMITS: Final[Mapping[str, int]] = {"blocks": 15, "indentation": 50, "parentheses": 100}
"""How deep templates may be nested, by the word with which Python refuses what is made of deeper ones."""


def check_module(module: Module, text: str) -> None:
    """Compare the text of a module with what it was made of.

    Raises:
        TemplateError: a skill is nested deeper than Python compiles.
        CompilerBug: the text says something else.
    """
    tree = parsed(module.flow, text)
    check_comments(text)
    names = frozenset(function.name for function in module.functions)
    known = names | {f"__{name}" for name in names} | BUILTINS
    given = exposed(module.flow)[""]
    functions = {function.name: function for function in module.functions}
    for node in tree.body:
        match node:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                must(docstring == ast.literal_eval(DOCSTRING), node, "docstring")
            case ast.ImportFrom():
                known |= imported(node)
            case ast.Import(names=[ast.alias(name="skillrt.values", asname=None)]):
                known |= {"skillrt"}
            case ast.AsyncFunctionDef() if node.name in functions:
                FunctionCheck(functions.pop(node.name), node, known, given).run()
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=skill)):
                must(skill in names and name == f"__{skill}", node, f"alias {name}")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                check_constant(module, name, node)
            case _:
                must(False, node, "at the top of a module")
    if functions:
        raise CompilerBug(f"not emitted: {sorted(functions)}")


def must(condition: bool, node: ast.AST, what: str) -> None:
    """Fail unless `condition` holds."""
    if not condition:
        line = getattr(node, "lineno", "?")
        raise CompilerBug(f"emitted line {line}: {what}: {ast.dump(node)[:200]}")


# --- whole modules -------------------------------------------------------------------------------


def parsed(flow: Flow, text: str) -> ast.Module:
    """The tree of a text that compiles."""
    try:
        with ordinary_depth():  # whoever imports the module has no deeper one
            tree = ast.parse(text)
            compile(tree, flow.module, "exec", dont_inherit=True)
    except (RecursionError, MemoryError):
        raise too_deep(flow) from None
    except SyntaxError as error:
        limit = next((limit for word, limit in LIMITS.items() if word in error.msg), None)
        if limit is not None and "too many" in error.msg:
            raise too_deep(flow, limit) from None
        raise CompilerBug(f"module {flow.module}: line {error.lineno}: {error.msg}") from error
    return tree


def too_deep(flow: Flow, limit: int = LIMITS["parentheses"]) -> TemplateError:
    """SK129 at the deepest place of a flow."""
    skill, span, _ = max(map(deepest, flow.skills), key=lambda found: found[2])
    report = Report(skill.source)
    report("SK129", span, limit=limit)
    return TemplateError(report.findings.values())


def deepest(skill: Skill) -> tuple[Skill, Span, int]:
    """Where statements and expressions are nested deepest, and how deep."""
    place, most = Span(0, 0), 0
    todo: list[tuple[int, Stmt | Expr]] = [(1, stmt) for stmt in skill.body]
    while todo:
        depth, node = todo.pop()
        if depth > most:
            place, most = node.span, depth
        inner: tuple[Stmt | Expr, ...]
        if isinstance(node, Stmt):
            inner = (*own_expressions(node), *(part for body in bodies(node) for part in body))
        else:
            inner = children(node)
        todo.extend((depth + 1, part) for part in inner)
    return skill, place, most


def check_comments(text: str) -> None:
    """That comments are ours; no literal spans lines, so that lines can be judged alone."""
    for line in text.split("\n"):
        if "#" in line and line not in COMMENTS:
            must("#" not in STRING.sub("", line), ast.Constant(line), "a comment")


def imported(node: ast.ImportFrom) -> frozenset[str]:
    """The names that an import binds; each is one of the table."""
    for alias in node.names:
        expected = "__future__" if alias.name == "annotations" else IMPORTS.get(alias.name)
        must(node.module == expected and not (node.level or alias.asname), node, "import")
    return frozenset(alias.name for alias in node.names)


def check_constant(module: Module, name: str, node: ast.Assign | ast.AnnAssign) -> None:
    """What the module says of itself, as values."""
    functions = module.functions
    meant: dict[str, Any] = {
        "__abi__": ABI,
        "__all__": tuple(function.name for function in functions),
        "__line_map__": {function.name: function.lines for function in functions},
        "__source__": {function.name: function.sources for function in functions},
        "__manifest__": {
            "idn": module.flow.idn,
            "skills": {function.skill.idn: manifest_of(function) for function in functions},
        },
    }
    must(name in meant and node.value is not None, node, "a constant")
    try:
        value = ast.literal_eval(node.value or ast.Constant(None))
    except ValueError as error:
        raise CompilerBug(f"emitted {name}: {error}") from error
    must(value == meant[name], node, f"{name} differs")


def manifest_of(function: Function) -> dict[str, Any]:
    """What the manifest has to say of a skill."""
    skill = function.skill
    return {
        "function": function.name,
        "source": skill.source.name,
        "runner": skill.runner,
        "title": skill.title,
        "model": skill.model,
        "parameters": {p.name: python_name(p.name) for p in skill.parameters},
    }


# --- functions -----------------------------------------------------------------------------------


class FunctionCheck:
    """The code of one skill against its IR."""

    def __init__(
        self,
        function: Function,
        node: ast.AsyncFunctionDef,
        known: frozenset[str],
        given: frozenset[str],
    ) -> None:
        """`known` are the names of the module, `given` those of variables that its skills expose."""
        self.function = function
        self.skill = function.skill
        self.node = node
        self.known = known
        self.given = given
        self.nodes = list(walked(node))[1:]
        self.stmts = list(statements(self.skill.body))
        self.exprs = list(expressions(self.skill.body))
        self.skills = known - BUILTINS - IMPORTS.keys()
        self.computed = any(isinstance(expr, SetComputed) for expr in self.exprs)
        arguments = node.args
        parameters = {argument.arg for argument in arguments.kwonlyargs}
        stores = (n for n in self.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        self.stored = Counter(store.id for store in stores)
        handlers = (n for n in self.nodes if isinstance(n, ast.ExceptHandler))
        self.caught = {str(handler.name) for handler in handlers}
        self.locals = LOCALS | parameters | self.stored.keys() | self.caught
        self.annotations = {id(n) for whole in self.annotated() for n in walked(whole)}
        self.placed = {id(n) for n in self.placed_names()}
        self.called = {id(n.func) for n in self.nodes if isinstance(n, ast.Call)}

    def run(self) -> None:
        """Check shape, names, texts, calls and lines."""
        match self.node.body:
            case [
                ast.With(
                    items=[ast.withitem(context_expr=ast.Call(args=[ast.Constant(value=idn)]))]
                )
            ]:
                must(idn == self.skill.idn, self.node, "the skill")
            case _:
                must(False, self.node, "body")
        must(not self.node.decorator_list, self.node, "a decorator")
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
            self.check_node(inner)
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
                case ast.Call(func=ast.Name() as name):
                    yield name
                    if name.id in self.skills:
                        yield from filter(is_context, node.args[:1])
                case ast.Call(func=ast.Attribute(value=ast.Name(id="actions"))):
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
                variable = name in self.locals - LOCALS or name == "UNDEFINED"
                must(variable, node, "this name as a value")
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
                must(isinstance(node.value, ast.Dict), node, "these keywords")
            case ast.Await():
                must(isinstance(node.value, ast.Call), node, "this wait")
            case ast.Dict():
                must(all(map(is_extra, spread(node))), node, "this in a dict")
            case ast.FormattedValue():
                match node.value:
                    case ast.Name() | ast.Call(func=ast.Name(id="text"), args=[ast.Name()]):
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
            case ast.Name(id=name) if name in MEMBERS:
                return called and node.attr in MEMBERS[name]
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
                func=ast.Attribute(value=ast.Name(id="out"), attr="role" | "hidden" | "tap")
            ):
                return not outermost
            case _:
                return False

    def is_callable(self, node: ast.expr) -> bool:
        """Whether generated code may call this: attributes are checked by themselves."""
        match node:
            case ast.Name(id=name):
                ours = name in self.skills or (name in self.known and name in CALLED)
                return ours and name not in self.locals
            case ast.Attribute(attr=name):
                return name not in REPLY | QUALIFIED
            case ast.Subscript(value=ast.Name(id=name)):
                return name in {"dict", "list"}
            case _:
                return False

    def check_texts(self) -> None:
        """That the printed text is the template's, and that no other text came out of nowhere."""
        found = [constant for write in self.writes() for constant in texts_in(walked(write))]
        meant = "".join(self.printed())
        must(
            "".join(str(constant.value) for constant in found) == meant,
            self.node,
            "the printed text",
        )
        known = {*OWN_TEXTS, *self.given, *leaves(self.skill)}
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
                case Emit(value=Const(value=value)) if value is not None:
                    yield str(value)
                case _:
                    pass

    def check_calls(self) -> None:
        """That every action and every skill is called as often as the template calls it."""
        meant = Counter(call for expr in self.exprs if (call := called(expr)) is not None)
        meant["actions.choose"] += sum(isinstance(stmt, Select) for stmt in self.stmts)
        found: Counter[str] = Counter()
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="actions"), attr=name)):
                    found[f"actions.{name}"] += 1
                case ast.Call(func=ast.Name(id=name)) if name in self.skills:
                    found[name.removeprefix("__")] += 1
                case _:
                    pass
        must(found == +meant, self.node, f"calls {found}, not {meant}")

    def check_lines(self) -> None:
        """That each line of code but `pass` has its template line."""
        first = self.node.lineno
        lines = {
            node.lineno - first
            for node in self.nodes
            if isinstance(node, ast.stmt) and not isinstance(node, ast.Pass)
        }
        mapped = [below for below, _ in self.function.lines]
        must(mapped == sorted(lines), self.node, "lines without a template line")
        last = self.skill.source.line(len(self.skill.source.text))
        inside = all(1 <= line <= last for _, line in self.function.lines)
        must(inside, self.node, "template lines that do not exist")


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
    if isinstance(expr, ActionCall | SkillCall | FunctionCall):
        for part in children(expr):
            if isinstance(part, Const) and isinstance(part.value, str):
                yield part.value


def called(expr: Expr) -> str | None:
    """The action or skill that an expression calls, as the code names it."""
    match expr:
        case ActionCall():
            return f"actions.{CATALOGUE[expr.action].python}"
        case SkillCall():
            return python_name(expr.skill)
        case _:
            return None
