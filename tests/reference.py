"""A slow, obvious interpreter of the IR: what compiled code is compared with.

It takes a flow right after call resolution, before any pass that optimises, and does at run time, on raw values, what
the compiler does ahead of time. It shares the runtime's values and actions, and nothing of the passes or the emitter.
"""

from __future__ import annotations

import inspect
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from skillc import ir
from skillc.analyses.walk import taken_names
from skillc.dump import dump_body
from skillrt import Context, values
from skillrt.actions import CATALOGUE, choose, invoke
from skillrt.context import Frame
from skillrt.filters import FILTERS, TESTS
from skillrt.functions import FUNCTIONS
from skillrt.kinds import as_flag, convert
from skillrt.loops import Loop
from skillrt.manifest import ABI
from skillrt.modules import MODULES
from skillrt.names import python_name, variable_name
from skillrt.objects import set_field
from skillrt.steps import Steps, keyed, walk

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.modulo,
    "//": values.floor_divide,
    "**": values.power,
    "==": values.equal,
    "!=": values.not_equal,
    "<": values.less,
    "<=": values.less_equal,
    ">": values.greater,
    ">=": values.greater_equal,
    "in": lambda one, other: values.contains(other, one),
    "not in": lambda one, other: not values.contains(other, one),
    "is": values.same,
    "is not": lambda one, other: not values.same(one, other),
}
BUILTINS = frozenset(map(python_name, (*FUNCTIONS, *MODULES)))
"""What is passed beside the parameters hides none of these."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


LOOP_FACTS = {"index": "index0", "index1": "index"}


@dataclass(frozen=True)
class _Macro:
    """A macro and the frames around its definition."""

    stmt: ir.Macro
    frames: list[dict[str, Any]]


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def interpreted(
    flow: ir.Flow, libraries: dict[str, Interpreted] | None = None
) -> dict[str, Interpreted]:
    """The skills of a flow as what the runtime takes for compiled ones, by idn; `libraries` has `shared.tidy`."""
    functions: dict[str, Interpreted] = {}
    callees = ChainMap(functions, {} if libraries is None else libraries)
    library = flow.idn if flow.is_library else ""
    for skill in flow.skills:
        functions[skill.idn] = Interpreted(skill, callees, library)
    manifest = {
        idn: {
            "function": python_name(idn),
            "model": None,
            "parameters": {p.name: python_name(p.name) for p in f.skill.parameters},
            "result_action": "none",
        }
        for idn, f in functions.items()
    }
    namespace = {
        "__name__": flow.module,
        "__abi__": ABI,
        "__manifest__": {
            "idn": flow.idn,
            "model": None,
            "skills": manifest,
            "events": [],
            "state": dict(flow.state or {}),
        },
        **{python_name(idn): function for idn, function in functions.items()},
    }
    for function in functions.values():
        function.__globals__ = namespace
    return functions


class Interpreted:
    """A skill that is interpreted each time it is called."""

    def __init__(self, skill: ir.Skill, functions: Mapping[str, Interpreted], library: str) -> None:
        self.skill = skill
        self.functions = functions
        self.library = library
        self.__name__ = skill.idn
        self.__globals__: dict[str, Any] = {}

    async def __call__(self, ctx: Context, /, **arguments: Any) -> Any:
        with ctx.skill(self.skill.idn, self.library) as out:
            table = {python_name(p.name): p.default or "" for p in self.skill.parameters}
            passed = {n: v for n, v in arguments.items() if n in table or n not in BUILTINS}
            run = _Run(ctx, out, self.skill.runner, table | passed, self.functions)
            try:
                return await run.result(self.skill)
            except Exception as error:
                self.note(error, run.innermost, [frame.skill for frame in ctx.frames])
                raise

    def note(self, error: Exception, stmt: ir.Stmt | None, chain: list[str]) -> None:
        """Say in which line of which template it happened, once."""
        if stmt is not None and not getattr(error, "__notes__", None):
            source = self.skill.source
            line = source.line(stmt.span.start)
            error.add_note(f"in template {source.name}, line {line}, skill {' > '.join(chain)}")


def given(value: Any) -> Any:
    """What leaves a skill: undefined has become text."""
    return "" if value is values.UNDEFINED else value


@dataclass
class _Run:
    """One run; variables stand in `table` and `frames` under their Python names, as arguments do.

    Frames are those of loops and of calls of macros, innermost last. A call's has the key `@own`: what statements
    assign inside a macro or recursive loop, its call alone has.
    """

    ctx: Context
    out: Frame
    runner: ir.Runner
    table: dict[str, Any]
    functions: Mapping[str, Interpreted]
    frames: list[dict[str, Any]] = field(default_factory=list)
    exposed: dict[str, dict[str, Any]] = field(default_factory=dict)
    innermost: ir.Stmt | None = None
    """The statement that an error came from."""

    async def result(self, skill: ir.Skill) -> Any:
        try:
            await self.body(skill.body)
        except _Return as returned:
            result = returned.value
        else:
            result = self.table.get(python_name(skill.result_variable), "")
        for name, home in self.exposed.items():
            self.out.exposed[name] = given(home[python_name(name)])
        return given(result)

    async def body(self, body: tuple[ir.Stmt, ...]) -> None:
        for stmt in body:
            await self.stmt(stmt)

    def text(self, value: Any) -> str:
        return values.nsl_text(value) if self.runner == "nsl" else values.text(value)

    def assign(self, name: str, value: Any) -> None:
        name = python_name(name)
        for frame in reversed(self.frames):
            if name in frame or "@own" in frame:
                frame[name] = value
                return
        self.table[name] = value

    def bind(self, name: str, value: Any) -> None:
        """What an expression assigns: in a macro a variable of the run."""
        self.home(name)[python_name(name)] = value

    def home(self, name: str) -> dict[str, Any]:
        """Where a variable stands that an expression assigns."""
        if any("@own" in frame for frame in self.frames):
            return self.table
        found = (frame for frame in reversed(self.frames) if python_name(name) in frame)
        return next(found, self.table)

    def unpack(self, target: ir.Target, value: Any) -> Iterator[tuple[str, Any]]:
        """The names of a target, with what each gets."""
        if isinstance(target, str):
            yield target, value
            return
        parts = list(value)
        if len(parts) != len(target):
            raise ValueError("unpack")
        for part, item in zip(target, parts, strict=True):
            yield from self.unpack(part, item)

    async def stmt(self, stmt: ir.Stmt) -> None:
        try:
            await self.run(stmt)
        except (_Break, _Continue, _Return):
            raise
        except Exception:
            self.innermost = self.innermost or stmt
            raise

    async def run(self, stmt: ir.Stmt) -> None:
        match stmt:
            case ir.Emit():
                self.out.write(self.text(await self.value(stmt.value)))
            case ir.Evaluate():
                await self.value(stmt.value)
            case ir.Assign():
                self.assign(stmt.name, await self.value(stmt.value))
            case ir.Unpack():
                parts = values.unpack(await self.value(stmt.value), len(stmt.targets))
                for name, part in list(self.unpack(stmt.targets, parts)):
                    self.assign(name, part)
            case ir.SetField():
                owner = await self.value(stmt.owner)
                set_field(owner, stmt.name, await self.value(stmt.value))
            case ir.Capture():
                with self.out.capture() as pieces:
                    await self.body(stmt.body)
                self.assign(stmt.name, "".join(pieces))
            case ir.Macro():
                self.assign(stmt.name, _Macro(stmt, list(self.frames)))
            case ir.OpenRole():
                self.out.open_role(stmt.role)
            case ir.CloseRole():
                self.out.close_role()
            case ir.If():
                await self.body(stmt.body if await self.value(stmt.test) else stmt.orelse)
            case ir.Each():
                await self.each(stmt, await self.value(stmt.iterable))
            case ir.Role():
                role = self.text(await self.value(stmt.role))
                name = None if stmt.name is None else self.text(await self.value(stmt.name))
                if stmt.hidden:
                    with self.out.hidden(), self.out.role(role, name):
                        await self.body(stmt.body)
                else:
                    with self.out.role(role, name):
                        await self.body(stmt.body)
            case ir.Block():
                await self.block(stmt)
            case ir.Select():
                await self.select(stmt)
            case ir.Return():
                raise _Return(await self.value(stmt.value))
            case ir.Break():
                raise _Break
            case ir.Continue():
                raise _Continue
            case _:
                assert_never(stmt)

    async def each(self, stmt: ir.Each, iterable: Any, depth: int = 0) -> None:
        if stmt.recursive:
            self.frames.append({"@own": True, "@again": (stmt, list(self.frames), depth)})
        try:
            await self.passes(stmt, iterable, depth)
        finally:
            if stmt.recursive:
                self.frames.pop()

    async def passes(self, stmt: ir.Each, iterable: Any, depth: int) -> None:
        nsl = self.runner == "nsl"
        steps = walk(self.ctx, iterable) if nsl else keyed(self.ctx, iterable)
        pairs: Any = ((None, item) for item in steps) if nsl else steps
        first = stmt.test is not None and (stmt.orelse or asks_for_places(stmt.body))
        if first:  # what is left out is known before the first pass
            kept = [(key, item) for key, item in pairs if await self.holds(stmt, item)]
            pairs = steps = Steps(self.ctx, kept)
        loop = Loop(steps, depth)
        at = -1
        for key, item in pairs:
            at += 1
            if self.ctx.due:
                await self.ctx.point()
            if stmt.test is not None and not first and not await self.holds(stmt, item):
                continue
            loop.index0 = at
            if first:
                loop = moved(Loop([item for _, item in steps], depth), at)
            self.frames.append({**self.bound(stmt, item), "@loop": loop, "@key": key})
            try:
                await self.body(stmt.body)
            except _Continue:
                pass
            except _Break:
                return
            finally:
                self.frames.pop()
        if at < 0:
            await self.body(stmt.orelse)

    def bound(self, stmt: ir.Each, item: Any) -> dict[str, Any]:
        return {python_name(name): part for name, part in self.unpack(stmt.item, item)}

    async def holds(self, stmt: ir.Each, item: Any) -> bool:
        assert stmt.test is not None
        self.frames.append(self.bound(stmt, item))
        try:
            return bool(await self.value(stmt.test))
        finally:
            self.frames.pop()

    def nearest(self, key: str) -> Any:
        return next(frame[key] for frame in reversed(self.frames) if key in frame)

    async def again(self, items: Any) -> str:
        """What a recursive loop prints for other items."""
        stmt, frames, depth = self.nearest("@again")
        outer, self.frames = self.frames, list(frames)
        try:
            with self.out.capture() as pieces:
                await self.each(stmt, items, depth + 1)
        finally:
            self.frames = outer
        return "".join(pieces)

    async def macro(self, call: ir.MacroCall) -> str:
        """What a macro prints."""
        macro = self.read(call.macro)
        positional, named = await self.arguments(call.args)
        if call.caller is not None:
            named[ir.CALLER] = self.read(call.caller)
        if macro is values.UNDEFINED:
            values.call(macro)
        return await self.printed_by(macro, positional, named)

    async def printed_by(self, macro: _Macro, positional: list[Any], named: Any) -> str:
        stmt = macro.stmt
        frame = taken(stmt, positional, named)
        outer, self.frames = self.frames, [*macro.frames, {"@own": True, **frame}]
        try:
            with self.out.capture() as pieces:
                for parameter in stmt.parameters:
                    name = python_name(parameter.name)
                    if self.frames[-1][name] is values.MISSING:
                        default = parameter.default or ir.Undefined(parameter.span)
                        await self.stmt(ir.Assign(parameter.span, parameter.name, default))
                await self.body(stmt.body)
        finally:
            self.frames = outer
        return "".join(pieces)

    async def arguments(self, args: tuple[ir.Arg, ...]) -> tuple[list[Any], dict[str, Any]]:
        """Positional and named arguments of a call."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for arg in args:
            value = await self.value(arg.value)
            match arg.unpack:
                case "*":
                    positional += values.nsl_items(value)
                case "**":
                    named |= values.named_arguments(value)
                case _ if arg.name is None:
                    positional.append(value)
                case _:
                    named[arg.name or ""] = value
        return positional, named

    async def block(self, stmt: ir.Block) -> None:
        with self.out.tap() as pieces:
            if stmt.hidden:
                with self.out.hidden():
                    await self.body(stmt.body)
            else:
                await self.body(stmt.body)
        if stmt.name is not None:
            self.assign(stmt.name, "".join(pieces))

    async def select(self, stmt: ir.Select) -> None:
        options: Any = []
        if isinstance(stmt.options, tuple):
            for body in stmt.options:
                with self.out.tap() as pieces, self.out.hidden():
                    await self.body(body)
                options.append("".join(pieces))
        else:
            options = given(await self.value(stmt.options))
        choice = await choose(self.ctx, options=options)
        if stmt.name is not None:
            self.assign(stmt.name, choice)
        self.out.write(choice)

    def read(self, name: str) -> Any:
        python = python_name(name)
        for frame in (*reversed(self.frames), self.table):
            if python in frame:
                return values.or_undefined(frame[python])
        return FUNCTIONS.get(name, MODULES.get(name, values.UNDEFINED))

    async def value(self, expr: ir.Expr) -> Any:
        match expr:
            case ir.Const():
                return expr.value
            case ir.Name():
                return self.read(expr.name)
            case ir.Undefined():
                return values.UNDEFINED
            case ir.LoopName(name="key"):
                return self.nearest("@key")
            case ir.LoopName():
                loop = self.nearest("@loop")
                fact = LOOP_FACTS.get(expr.name, expr.name)
                return loop if fact == "loop" else getattr(loop, fact)
            case ir.ListExpr():
                return [await self.value(item) for item in expr.items]
            case ir.TupleExpr():
                return tuple([await self.value(item) for item in expr.items])
            case ir.DictExpr():
                pairs = [(await self.value(k), await self.value(v)) for k, v in expr.pairs]
                return dict(pairs)  # all parts are evaluated before a key can fail
            case ir.Attribute():
                return values.get(await self.value(expr.value), expr.name)
            case ir.Index():
                return values.item(await self.value(expr.value), await self.value(expr.index))
            case ir.Slice():
                parts = (expr.start, expr.stop, expr.step)
                return slice(*[None if p is None else await self.value(p) for p in parts])
            case ir.Unary():
                value = await self.value(expr.value)
                if expr.op == "not":
                    return not value
                return values.negate(value) if expr.op == "-" else values.positive(value)
            case ir.Binary():
                left = await self.value(expr.left)
                return OPERATORS[expr.op](left, await self.value(expr.right))
            case ir.Compare():
                left = await self.value(expr.first)
                for op, operand in expr.rest:
                    right = await self.value(operand)
                    if not OPERATORS[op](left, right):
                        return False
                    left = right
                return True
            case ir.Logic():
                for part in expr.values[:-1]:
                    value = await self.value(part)
                    if bool(value) is (expr.op == "or"):
                        return value
                return await self.value(expr.values[-1])
            case ir.Concat():
                return values.concatenate(*[await self.value(part) for part in expr.values])
            case ir.Conditional():
                chosen = expr.body if await self.value(expr.test) else expr.orelse
                return await self.value(chosen)
            case ir.Call():
                callee = await self.value(expr.callee)
                positional, named = await self.arguments(expr.args)
                return values.call(callee, *positional, **named)
            case ir.Filter():
                value = await self.value(expr.value)
                positional, named = await self.arguments(expr.args)
                chance = {"source": self.ctx.random} if expr.name == "random" else {}
                return FILTERS[expr.name](value, *positional, **named, **chance)
            case ir.Test():
                value = await self.value(expr.value)
                positional, named = await self.arguments(expr.args)
                return TESTS[expr.name](value, *positional, **named)
            case ir.MacroCall():
                return await self.macro(expr)
            case ir.Recur():
                return await self.again(await self.value(expr.items))
            case ir.Invoke():
                target = await self.value(expr.name)
                positional, named = await self.arguments(expr.args)
                result = await invoke(self.ctx, target, *positional, **named)
                self.receive()
                return result
            case ir.ActionCall():
                return await self.action(expr)
            case ir.SkillCall():
                arguments = {
                    python_name(name): given(await self.value(value)) for name, value in expr.args
                }
                result = await self.functions[expr.target](self.ctx, **arguments)
                self.receive()
                return result
            case ir.FunctionCall():
                positional = [await self.value(value) for value in expr.args]
                named = {name: await self.value(value) for name, value in expr.named}
                more, others = await self.arguments(expr.unpacked)
                return FUNCTIONS[expr.function](*positional, *more, **named, **others)
            case ir.Bind():
                value = await self.value(expr.value)
                self.bind(expr.name, value)
                return value
            case ir.SetComputed():
                name = variable_name(await self.value(expr.name), expr.action)
                value = await self.value(expr.value)
                self.expose(name, self.table, await self.value(expr.expose))
                if name:
                    self.table[python_name(name)] = value
                return value
            case ir.Expose():
                value = await self.value(expr.value)
                self.expose(expr.name, self.home(expr.name), await self.value(expr.when))
                return value
            case ir.Void():
                await self.value(expr.value)
                return ""
            case ir.Leave():
                raise _Return(await self.value(expr.value))
            case ir.Convert():
                raise AssertionError("a pass ran before the interpreter")
            case _:
                assert_never(expr)

    async def action(self, call: ir.ActionCall) -> Any:
        entry = CATALOGUE[call.action]
        parameters = {parameter.python: parameter for parameter in entry.parameters}
        rest = [given(await self.value(value)) for value in call.rest]
        arguments: dict[str, Any] = {}
        for name, value in call.args:
            arguments[name] = given(await self.value(value))
            if name in parameters:
                arguments[name] = convert(parameters[name], entry.name, arguments[name])
        extra = {name: given(await self.value(value)) for name, value in call.extra}
        if extra:
            arguments["arguments"] = extra
        if not entry.awaited:
            return entry.function(*rest, **arguments)
        result = await entry.function(self.ctx, *rest, **arguments)
        self.receive()
        return result

    def receive(self) -> None:
        for name, value in self.out.received.items():
            self.table[python_name(name)] = value
        self.out.received.clear()

    def expose(self, name: str, home: dict[str, Any], when: Any) -> None:
        if as_flag(given(when), "Set.expose", False):
            self.exposed[name] = home


def asks_for_places(body: tuple[ir.Stmt, ...]) -> bool:
    """Whether a loop's body asks for anything but the key of its pass."""
    found = dump_body(body)
    return "@" in found.replace("@key", "")


def moved(loop: Loop, at: int) -> Loop:
    """A loop in its pass number `at`."""
    loop.index0 = at
    return loop


def taken(stmt: ir.Macro, positional: list[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """What a call of a macro binds, as Python would; what is not passed is missing."""
    kind = inspect.Parameter
    parameters = [
        kind(python_name(p.word), kind.POSITIONAL_OR_KEYWORD, default=values.MISSING)
        for p in stmt.parameters
    ]
    if stmt.varargs is not None:
        parameters.append(kind(python_name(stmt.varargs), kind.VAR_POSITIONAL))
    if stmt.caller is not None:
        parameters.append(kind(ir.CALLER, kind.KEYWORD_ONLY, default=values.UNDEFINED))
    if stmt.kwargs is not None:
        parameters.append(kind(python_name(stmt.kwargs), kind.VAR_KEYWORD))
    words = {word: python_name(word) for word, _ in taken_names(stmt)}
    passed = {words.get(name, name): value for name, value in named.items()}
    bound = inspect.Signature(parameters).bind(*positional, **passed)
    bound.apply_defaults()
    variables = {words[word]: python_name(name) for word, name in taken_names(stmt)}
    return {variables.get(name, name): value for name, value in bound.arguments.items()}
