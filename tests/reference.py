"""A slow, obvious interpreter of the IR: what compiled code is compared with.

It takes a flow right after call resolution, before any pass that optimises, and does at run time, on raw values, what
the compiler does ahead of time. It shares the runtime's values and actions, and nothing of the passes or the emitter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from skillc import ir
from skillrt import Context, values
from skillrt.actions import CATALOGUE, choose
from skillrt.context import Frame
from skillrt.functions import FUNCTIONS
from skillrt.kinds import as_flag, convert
from skillrt.manifest import ABI
from skillrt.modules import MODULES
from skillrt.names import python_name, variable_name

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.modulo,
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


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def interpreted(flow: ir.Flow) -> dict[str, Interpreted]:
    """The skills of a flow as what the runtime takes for compiled ones, by idn."""
    functions: dict[str, Interpreted] = {}
    for skill in flow.skills:
        functions[skill.idn] = Interpreted(skill, functions)
    manifest = {
        idn: {
            "function": python_name(idn),
            "model": None,
            "parameters": {p.name: python_name(p.name) for p in f.skill.parameters},
        }
        for idn, f in functions.items()
    }
    namespace = {
        "__name__": flow.module,
        "__abi__": ABI,
        "__manifest__": {"idn": flow.idn, "skills": manifest},
        **{python_name(idn): function for idn, function in functions.items()},
    }
    for function in functions.values():
        function.__globals__ = namespace
    return functions


class Interpreted:
    """A skill that is interpreted each time it is called."""

    def __init__(self, skill: ir.Skill, functions: Mapping[str, Interpreted]) -> None:
        self.skill = skill
        self.functions = functions
        self.__name__ = skill.idn
        self.__globals__: dict[str, Any] = {}

    async def __call__(self, ctx: Context, /, **arguments: Any) -> Any:
        with ctx.skill(self.skill.idn) as out:
            table = {python_name(p.name): p.default or "" for p in self.skill.parameters}
            passed = {n: v for n, v in arguments.items() if n in table or n not in BUILTINS}
            run = _Run(ctx, out, table | passed, self.functions)
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
    """One run; variables stand in `table` and `frames` under their Python names, as arguments do."""

    ctx: Context
    out: Frame
    table: dict[str, Any]
    functions: Mapping[str, Interpreted]
    frames: list[dict[str, Any]] = field(default_factory=list)
    innermost: ir.Stmt | None = None
    """The statement that an error came from."""

    async def result(self, skill: ir.Skill) -> Any:
        try:
            await self.body(skill.body)
        except _Return as returned:
            return given(returned.value)
        return given(self.table.get(python_name(skill.result_variable), ""))

    async def body(self, body: tuple[ir.Stmt, ...]) -> None:
        for stmt in body:
            await self.stmt(stmt)

    def assign(self, name: str, value: Any) -> None:
        name = python_name(name)
        for frame in reversed(self.frames):
            if name in frame:
                frame[name] = value
                return
        self.table[name] = value

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
                self.out.write(values.text(await self.value(stmt.value)))
            case ir.Evaluate():
                await self.value(stmt.value)
            case ir.Assign():
                self.assign(stmt.name, await self.value(stmt.value))
            case ir.If():
                await self.body(stmt.body if await self.value(stmt.test) else stmt.orelse)
            case ir.Each():
                await self.each(stmt)
            case ir.Role():
                role = await self.value(stmt.role)
                name = None if stmt.name is None else values.text(await self.value(stmt.name))
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

    async def each(self, stmt: ir.Each) -> None:
        pairs = list(values.each(await self.value(stmt.iterable)))
        for index, (key, item) in enumerate(pairs):
            frame = {
                python_name(stmt.item): item,
                "@index": index,
                "@first": index == 0,
                "@last": index == len(pairs) - 1,
                "@key": key,
            }
            self.frames.append(frame)
            try:
                await self.body(stmt.body)
            except _Continue:
                pass
            except _Break:
                return
            finally:
                self.frames.pop()
        if not pairs:
            await self.body(stmt.orelse)

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
                return frame[python]
        return FUNCTIONS.get(name, MODULES.get(name, values.UNDEFINED))

    async def value(self, expr: ir.Expr) -> Any:
        match expr:
            case ir.Const():
                return expr.value
            case ir.Name():
                return self.read(expr.name)
            case ir.LoopName():
                return self.frames[-1][f"@{expr.name}"]
            case ir.ListExpr():
                return [await self.value(item) for item in expr.items]
            case ir.DictExpr():
                pairs = [(await self.value(k), await self.value(v)) for k, v in expr.pairs]
                return dict(pairs)  # all parts are evaluated before a key can fail
            case ir.Attribute():
                return values.get(await self.value(expr.value), expr.name)
            case ir.Index():
                return values.item(await self.value(expr.value), await self.value(expr.index))
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
            case ir.Call():
                callee = await self.value(expr.callee)
                positional = [await self.value(a.value) for a in expr.args if a.name is None]
                named = {a.name: await self.value(a.value) for a in expr.args if a.name is not None}
                return values.call(callee, *positional, **named)
            case ir.ActionCall():
                return await self.action(expr)
            case ir.SkillCall():
                arguments = {
                    python_name(name): given(await self.value(value)) for name, value in expr.args
                }
                result = await self.functions[expr.skill](self.ctx, **arguments)
                self.receive()
                return result
            case ir.FunctionCall():
                positional = [await self.value(value) for value in expr.args]
                named = {name: await self.value(value) for name, value in expr.named}
                return FUNCTIONS[expr.function](*positional, **named)
            case ir.Bind():
                value = await self.value(expr.value)
                self.assign(expr.name, value)
                return value
            case ir.SetComputed():
                name = variable_name(await self.value(expr.name))
                value = await self.value(expr.value)
                self.expose(name, value, await self.value(expr.expose))
                self.table[python_name(name)] = value
                return value
            case ir.Expose():
                value = await self.value(expr.value)
                self.expose(expr.name, value, await self.value(expr.when))
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
            arguments[name] = convert(parameters[name], entry.name, given(await self.value(value)))
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

    def expose(self, name: str, value: Any, when: Any) -> None:
        if as_flag(given(when), "Set.expose", False):
            self.out.exposed[name] = given(value)
