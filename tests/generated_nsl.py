"""NSL skills drawn at random, as the Guidance ones are: what only Jinja has, and what both dialects share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, repeat

from hypothesis import strategies as st

from generated import EXPRESSIONS, KINDS, NAMES, Skills, Write, Writer
from harness import Script
from skillrt.modules import MODULES

MACROS = ("tag", "box", "call", "print")
CAPTURED = 3


class NslWriter(Writer):
    """Writes one skill in NSL. `macros` are those that may be called here, with the number of their parameters."""

    macros: tuple[tuple[str, int], ...] = ()
    captures: int = 0

    def between(self) -> str:
        return self.pick(["", " ", "\n  "])

    def tag(self, inside: str) -> str:
        left, right = self.pick(["", "", "- ", " "]), self.pick(["", "", " -", " "])
        return f"{{{{{left}{inside}{right}}}}}"

    def statement_tag(self, inside: str) -> str:
        left, right = self.pick([" ", " ", "- "]), self.pick([" ", " ", " -"])
        return f"{{%{left}{inside}{right}%}}"

    def place(self) -> str:
        facts = ("index", "index0", "revindex", "revindex0", "length", "depth", "first", "last")
        return f"loop.{self.pick(facts)}"

    def key(self) -> str:
        return self.pick(["loop.previtem", "loop.nextitem", "loop.cycle('a', 'b')", self.place()])

    def identity(self) -> str:
        return self.pick(["none", "true", "defined", "string", "odd", "sameas(x)", "in [1, x]"])

    def end_of_loop(self) -> str:
        return self.pick(["loop.first", "loop.last", "loop.index == 1", "not loop.last"])

    def expr(self, kind: str) -> str:
        if self.spend() and self.chance(4):
            return self.pick(NSL_EXPRESSIONS[kind])(self)
        return super().expr(kind)

    def statement(self) -> str:
        return self.pick(NSL_STATEMENTS)(self) if self.spend() else ""

    # --- tags and blocks

    def printed(self) -> str:
        value = self.expr(self.pick(["text", "text", *KINDS]))
        if value.strip("()") in self.skills:
            value = f"str({value})"
        return self.tag(f"({value})")

    def set_tag(self) -> str:
        kind = self.pick(KINDS)
        value = self.expr(kind)
        return self.statement_tag(f"set {self.target(kind)} = {value}")

    def assignment(self) -> str:
        """By Set: of a literal name, or of one that the run knows."""
        kind = self.pick(KINDS)
        name, value = self.target(kind), f"value={self.expr(kind)}"
        if self.chance(4):
            return self.tag(self.call("Set", f'name="{name}" ~ ""', value))
        exposed = ["expose=true"] if self.chance(4) else []
        return self.tag(self.call("Set", f'name="{name}"', value, *exposed))

    def action(self) -> str:
        match self.number(0, 2):
            case 0:
                return self.tag(self.call("SendMessage", f"message={self.expr('text')}"))
            case 1:
                return self.tag(self.call("SendMessage", f"**{{'message': {self.expr('text')}}}"))
            case _:
                key = self.pick(['"k"', '"w"'])
                return self.tag(self.call("SetState", f"name={key}", f"value={self.expr('any')}"))

    def several(self) -> str:
        one, other = self.target("any"), self.target("number")
        if one == other:
            return self.set_tag()
        pair = f"({self.expr('any')}, {self.expr('number')})"
        return self.statement_tag(f"set {one}, {other} = {pair}")

    def capture(self) -> str:
        if self.in_role or self.captures > CAPTURED:
            return self.set_tag()
        self.captures += 1
        before = set(self.known)
        body = self.body(1)
        self.known = before
        self.captures -= 1
        if self.chance(3):
            filtered = self.pick(["upper", "trim", "replace('a', 'b')"])
            return (
                f"{self.statement_tag(f'filter {filtered}')}{body}{self.statement_tag('endfilter')}"
            )
        head = self.statement_tag(f"set {self.target('text')}")
        return f"{head}{body}{self.statement_tag('endset')}"

    def branches(self) -> str:
        pieces = [self.statement_tag(f"if {self.condition()}"), self.body()]
        for _ in range(self.number(0, 2)):
            pieces += [self.statement_tag(f"elif {self.condition()}"), self.body()]
        if self.chance(2):
            pieces += [self.statement_tag("else"), self.body()]
        return "".join([*pieces, self.statement_tag("endif")])

    def loop(self) -> str:
        if self.loops >= 3:
            return self.printed()
        items = self.operand(self.pick(["list", "list", "list", "dict", "text"]))
        item = self.pick([name for names in NAMES.values() for name in names])
        test = f" if {item}" if self.chance(4) else ""
        if self.chance(8):
            items, item = f"enumerate({items})", f"i, {item}"
        before = set(self.known)
        self.known |= {name.strip() for name in item.split(",")}
        self.loops += 1
        pieces = [self.statement_tag(f"for {item} in {items}{test}"), self.body(1)]
        self.loops -= 1
        self.known = before
        if self.chance(4):
            pieces += [self.statement_tag("else"), self.body()]
        return "".join([*pieces, self.statement_tag("endfor")])

    def macro(self) -> str:
        """A macro, and mostly a call of it; macros call only those before them."""
        if self.in_role or self.captures:
            return self.printed()
        taken = {name for name, _ in self.macros} | self.known
        free = [name for name in MACROS if name not in taken]
        if not free:
            return self.macro_call()
        name, count = self.pick(free), self.number(0, 2)
        names = ["p", "n"][:count]
        parameters = [
            f"{parameter}={self.expr('any')}" if self.chance(2) else parameter
            for parameter in sorted(names, reverse=True)
        ]
        parameters.sort(key=lambda written: "=" in written)
        before, loops = set(self.known), self.loops
        self.known, self.loops, self.captures = before | set(names), 0, 1
        body = self.body(1)
        self.known, self.loops, self.captures = before, loops, 0
        head = self.statement_tag(f"macro {name}({', '.join(parameters)})")
        whole = f"{head}{body}{self.statement_tag('endmacro')}"
        if not self.loops:
            self.macros = (*self.macros, (name, count))
        return whole + (self.macro_call() if not self.loops else "")

    def macro_call(self) -> str:
        return self.tag(self.macro_value()) if self.macros else self.printed()

    def macro_value(self) -> str:
        if not self.macros:
            return self.read("text")
        name, count = self.pick(self.macros)
        return self.call(name, *(self.expr("any") for _ in range(self.number(0, count))))

    def role(self) -> str:
        if self.in_role or self.captures:
            return self.literal_text()
        role = self.pick(["system", "user", "assistant"])
        if {"system", "user", "assistant", "end"} & self.known:
            return self.literal_text()
        self.in_role = True
        body = self.body(1)
        self.in_role = False
        if self.chance(5):
            opened = f"{self.statement_tag(f'if {self.condition()}')}{{{{{role}}}}}"
            return f"{opened}{self.statement_tag('endif')}{body}{{{{end}}}}"
        return f"{{{{{role}}}}}{body}{{{{end}}}}"

    def generation(self) -> str:
        match self.number(0, 2):
            case 0:
                return self.statement_tag(f"set {self.target('text')} = Gen()")
            case 1:
                return self.tag(self.call("Gen", f'name="{self.target("text")}"', "hidden=True"))
            case _:
                return self.tag(self.call("GenStream"))

    def ending(self) -> str:
        if self.loops and self.chance(2):
            leave = self.statement_tag(self.pick(["break", "continue"]))
        else:
            leave = self.tag(self.call("Return", *self.pick([[], [self.expr("any")]])))
        if self.chance(3):
            return leave
        test = self.statement_tag(f"if {self.condition()}")
        return f"{test}{leave}{self.statement_tag('endif')}"

    def comment(self) -> str:
        return self.pick(["{# a note #}", "{#- b -#}", "{% raw %}{{x}}{% endraw %}"])


NSL_EXPRESSIONS: Mapping[str, tuple[Write, ...]] = {
    "text": (
        *EXPRESSIONS["text"],
        lambda w: f"({w.operand('any')} ~ {w.operand('text')})",
        lambda w: f"({w.operand('text')} | {w.pick(['upper', 'trim', 'title', 'length', 'escape'])})",
        lambda w: f"({w.operand('list')} | join({w.text()}))",
        lambda w: f"({w.expr('any')} | string | truncate(5))",
        lambda w: w.macro_value() if isinstance(w, NslWriter) else w.read("text"),
    ),
    "number": (
        *EXPRESSIONS["number"],
        lambda w: f"({w.operand('number')} {w.pick(['//', '**'])} {w.pick(['2', '3', '0'])})",
        lambda w: f"({w.operand('text')} | int)",
        lambda w: f"({w.operand('list')} | {w.pick(['length', 'sum', 'max', 'first'])})",
    ),
    "list": (
        *EXPRESSIONS["list"],
        lambda w: f"({w.operand('list')} | {w.pick(['list', 'sort', 'unique', 'reverse', 'select'])})",
        lambda w: f"({w.operand('list')} | map('string'))",
        lambda w: f"{w.operand('list')}[{w.pick(['1:', ':2', '::2', '-1:'])}]",
        lambda w: f"({w.expr('any')}, {w.expr('any')})",
    ),
    "dict": (
        *EXPRESSIONS["dict"],
        lambda w: f"({w.operand('dict')} | items | list)",
    ),
    "any": (
        *EXPRESSIONS["any"],
        lambda w: f"({w.expr('any')} if {w.condition()} else {w.expr('any')})",
        lambda w: f"({w.expr('any')} if {w.condition()})",
        lambda w: f"({w.name('any')} is {w.pick(['defined', 'none', 'string', 'not mapping'])})",
        lambda w: f"({w.name('any')} | default({w.expr('any')}))",
        lambda w: f"namespace(k={w.expr('any')}).k",
    ),
}  # fmt: skip

NSL_STATEMENTS: tuple[Callable[[NslWriter], str], ...] = (
    *(NslWriter.literal_text,) * 3,
    *(NslWriter.printed,) * 4,
    *(NslWriter.set_tag,) * 4,
    NslWriter.assignment,
    NslWriter.several,
    *(NslWriter.capture,) * 2,
    *(NslWriter.branches,) * 3,
    *(NslWriter.loop,) * 3,
    *(NslWriter.macro,) * 3,
    *(NslWriter.role,) * 2,
    *(NslWriter.generation,) * 2,
    *(NslWriter.action,) * 2,
    NslWriter.ending,
    *(NslWriter.called,) * 2,
    NslWriter.comment,
)


@st.composite
def nsl_skills(draw: st.DrawFn) -> Skills:
    """A Guidance skill and an NSL one that calls it, and arguments for the latter."""
    choices = chain(draw(st.binary(min_size=400, max_size=2000)), repeat(0))
    first = Writer(choices, (), frozenset({"Ask", "Main"}))
    ask = Script("Ask", first.body(1, 4), {"text": "d"})
    writer = NslWriter(choices, (ask,), frozenset({"Ask", "Main"}))
    names = sorted({writer.pick(NAMES[kind]) for kind in KINDS if not writer.chance(3)})
    parameters = {name: writer.pick(["", "d", "7"]) for name in names if writer.chance(2)}
    writer.known.update(name for name in names if name in parameters or name not in MODULES)
    main = Script("Main", writer.body(2, 9), parameters, "nsl")
    runs = tuple(writer.given(names, parameters) for _ in range(2))
    return Skills((ask, main), runs)
