"""Skills drawn at random: texts that people could write, all of which compile, most of which run to their end.

1. Texts, not trees: the front end, the passes and the emitter all have to agree with the interpreter on them.
2. A name mostly holds what its kind says, so that few runs end early; "mostly" is where the errors come from.
3. Skills call only those drawn before them, so that runs end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, TypeVar

from hypothesis import strategies as st

from harness import Script
from skillrt.modules import MODULES
from skillrt.names import python_name

T = TypeVar("T")

# Names of variables by what they mostly hold: Python's, the runtime's, the generated module's own.
NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("a", "b", "from", "text", "str", "RESULT", "class", "out_", "this"),
    "number": ("n", "m", "len", "index", "_", "LIMIT", "len_", "lambda"),
    "list": ("l", "rows", "items", "list", "while", "each"),
    "dict": ("d", "ctx", "json", "extra"),
    "any": ("x", "this", "out", "actions", "part", "names", "UNDEFINED", "name", "f", "result"),
}
KINDS = tuple(NAMES)
IDNS = ("Ask", "out", "a", "class", "text", "Say", "part", "print", "json2", "ctx")
LITERALS = (
    "",
    "x",
    "hello",
    " ",
    "a b",
    "0",
    "True",
    "12",
    "3.5",
    "it's",
    "{x}",
    "{{",
    "}}",
    "%s-%s",
    '["p", "q"]',
    '{"k": 1, "w": [2, 3]}',
    "ünï→😀",
    "line\\nbreak",
    "tab\\t",
    "back\\\\slash\\d",
    "#no",
    "a,b,c",
)
TEXTS = (
    "Hi ",
    "\n",
    "\n\n",
    "  ",
    ".",
    "{}",
    "{x} ",
    "}",
    "\\ ",
    "'",
    '"',
    '"""',
    "#",
    "ünï 😀",
    "a\n  b\n",
    "%s",
    "\t",
    "${ ",
    "{0!r}",
    "\u2028",
)
VALUES: Mapping[str, tuple[Any, ...]] = {
    "text": ("", "x", "hello", "it's", '["p", "q"]', '{"k": {"w": 2}}', " ", "Ask", "0"),
    "number": (0, 1, 2, -1, 3, 2.5, True),
    "list": ([], ["p", "q"], [1, 2, 3], [["a"], ["b", "c"]], [{"k": 1}, {"k": "v"}]),
    "dict": ({}, {"k": 1}, {"k": [1, 2], "w": {"k": "v"}}, {"p": "q", "r": "s"}),
    "any": ("", None, False, True, 5, "x", ["p"], {"k": 1}),
}
COMMENTS = ("{{!-- a note --}}", "{{! another }}", "{{!-- of }} and {{x}} --}}")


@dataclass(frozen=True)
class Skills:
    """A flow of generated skills, the last of which is run with each of the `runs` of arguments."""

    scripts: tuple[Script, ...]
    runs: tuple[dict[str, Any], ...]

    def __repr__(self) -> str:
        """As a test can be written with it."""
        scripts = "".join(
            f"    Script({s.idn!r}, {s.text!r}, {dict(s.parameters)!r}, {s.runner!r}),\n"
            for s in self.scripts
        )
        return f"Skills((\n{scripts}), {self.runs!r})"


@dataclass
class Writer:
    """Writes one skill. `known` are the variables that hold something, probably; `callees` who may be called."""

    choices: Iterator[int]
    callees: Sequence[Script]
    skills: frozenset[str]
    known: set[str] = field(default_factory=set)
    loops: int = 0
    in_role: bool = False
    budget: int = 60

    # --- choices

    def pick(self, options: Sequence[T]) -> T:
        return options[next(self.choices) % len(options)]

    def number(self, low: int, high: int) -> int:
        return low + next(self.choices) % (high - low + 1)

    def chance(self, one_in: int) -> bool:
        return self.number(1, one_in) == one_in

    def spend(self) -> bool:
        """Whether there is still something to be written."""
        self.budget -= 1
        return self.budget > 0

    # --- names

    def name(self, kind: str) -> str:
        """A name to read: mostly one that holds something."""
        if self.chance(12):
            kind = self.pick(KINDS)
        names = [name for name in NAMES[kind] if name in self.known]
        if names and not self.chance(15):
            return self.pick(names)
        return self.pick([name for name in NAMES[kind] if name not in MODULES or name in names])

    def read(self, kind: str) -> str:
        """A name that holds something, else mostly a literal."""
        if self.known.isdisjoint(NAMES[kind]) and not self.chance(4):
            return f"({self.literal(kind)})"
        return self.name(kind)

    def target(self, kind: str) -> str:
        """A name to assign."""
        name = self.pick(NAMES[self.pick(KINDS) if self.chance(8) else kind])
        self.known.add(name)
        return name

    # --- pieces

    def text(self) -> str:
        """A literal of the language."""
        written = self.pick(LITERALS)
        return f"'{written}'" if '"' in written else f'"{written}"'

    def between(self) -> str:
        """What may stand between two arguments."""
        return f" {self.pick(COMMENTS)}\n " if self.chance(25) else self.pick(["", " ", "\n  "])

    def arguments(self, *written: str) -> str:
        """Arguments in parentheses."""
        gaps = [f"{argument}{self.between()}" for argument in written]
        return f"({', '.join(gaps)}{',' if gaps and self.chance(15) else ''})"

    def call(self, name: str, *written: str) -> str:
        return name + self.arguments(*written)

    def many(self, low: int, high: int, write: Callable[[], T]) -> list[T]:
        return [write() for _ in range(self.number(low, high))]

    # --- expressions

    def expr(self, kind: str) -> str:
        """An expression that mostly yields the kind."""
        if self.chance(25):
            kind = self.pick(KINDS)
        if not self.spend():
            return self.read(kind) if self.chance(2) else self.literal(kind)
        if self.chance(6):
            return self.read(kind)
        if self.chance(30):
            return self.effect(kind)
        return self.pick(EXPRESSIONS[kind])(self)

    def literal(self, kind: str) -> str:
        match kind:
            case "text":
                return self.text()
            case "number":
                return self.pick(["0", "1", "2", "3", "10", "-1", "2.5", "1e3"])
            case "list":
                return self.pick(["[]", "[1, 2]", '["p", "q"]'])
            case "dict":
                return self.pick(["{}", '{"k": 1}', "{'k': [1], 2: None}"])
            case _:
                return self.pick(["none", "True", "false", "nope", "0", '""'])

    def effect(self, kind: str) -> str:
        """Something that does not belong into an expression, but may stand there."""
        value = self.expr(kind)
        match self.number(0, 5):
            case 0:
                return self.call("Set", f'name="{self.target(kind)}"', f"value={value}")
            case 1:
                exposed = f"expose={self.pick(['True', 'false', self.name('any')])}"
                return self.call("Set", f'"{self.target(kind)}"', value, exposed)
            case 2:
                return self.call("Set", f"name=Concat({self.expr('text')})", f"value={value}")
            case 3:
                return self.call("Return", *([value] if self.chance(2) else [f"val={value}"]))
            case 4:
                return self.call("Gen", f"name={self.name('text')}")
            case _:
                return f'Gen(name="{self.target("text")}")'

    def condition(self) -> str:
        if not self.spend():
            return self.read(self.pick(KINDS))
        match self.number(0, 11):
            case 0 | 1:
                return self.read(self.pick(KINDS))
            case 2:
                return f"not {self.condition()}"
            case 3:
                op = self.pick(["and", "or"])
                return f" {op} ".join(f"({self.condition()})" for _ in range(self.number(2, 3)))
            case 4:
                return f"{self.condition()} {self.pick(['and', 'or'])} {self.condition()}"
            case 5 if self.loops:
                return self.end_of_loop()
            case 6:
                kind = self.pick(["number", "text"])
                ops = ["<", "<=", ">", ">=", "==", "!="]
                rest = (f"{self.pick(ops)} {self.operand(kind)}" for _ in range(self.number(1, 3)))
                return f"{self.operand(kind)} {' '.join(rest)}"
            case 7:
                op = self.pick(["in", "not in"])
                return f"{self.operand('text')} {op} {self.operand(self.pick(['text', 'list']))}"
            case 8:
                return f"{self.operand('any')} {self.pick(['is', 'is not'])} {self.identity()}"
            case 9:
                return self.call("IsEmpty", self.expr("text"))
            case 10:
                return f"{self.operand('any')} {self.pick(['==', '!='])} {self.operand('any')}"
            case _:
                return self.call("GreaterThan", self.amount(), self.amount())

    def operand(self, kind: str) -> str:
        return f"({self.expr(kind)})" if self.chance(3) else self.read(kind)

    def amount(self) -> str:
        """An argument that an action takes for a number: a literal must be one."""
        return self.pick(["1", "2", '"3"', '""', "1.5"]) if self.chance(2) else self.name("number")

    def skill_call(self) -> str:
        """A call of a skill drawn before."""
        callee = self.pick(self.callees)
        declared = [name for name in callee.parameters if self.chance(2)]
        given = [f"{name}={self.argument(name)}" for name in declared]
        if self.chance(6):
            others = [name for name in ("from", "x", "len", "in", "q") if name not in declared]
            name = self.pick(others)
            given.append(f"{name}={self.argument(name)}")
        if self.chance(6):
            target = f'"{callee.idn}"'
            if self.chance(2):
                target = f'Concat("{callee.idn}", {self.pick(NAMES["text"])} and "")'
            return self.call("Do", f"actionName={target}", *given)
        return self.call(callee.idn, *given)

    def pair(self) -> str:
        return f"{self.expr(self.pick(KINDS))}: {self.expr('any')}"

    def argument(self, name: str) -> str:
        return self.expr(kind_of(name))

    def given(self, names: Sequence[str], parameters: Collection[str]) -> dict[str, Any]:
        """Arguments for a run, by the Python names of what is called so; more than the skill declares."""
        return {
            python_name(name): self.value(name, declared=name in parameters)
            for name in [*names, "nope"]
            if name in parameters or name != "RESULT"
        }

    def value(self, name: str, *, declared: bool) -> Any:
        """An argument for a run; what a host passes to a declared parameter is text."""
        kind = "any" if self.chance(8) else kind_of(name)
        return self.pick(VALUES["text" if declared else kind])

    def place(self) -> str:
        return "@index"

    def key(self) -> str:
        return "@key"

    def identity(self) -> str:
        """What stands behind `is`."""
        return self.pick(["none", "True", '""', "x", "1"])

    def end_of_loop(self) -> str:
        return self.pick(["@first", "@last", "@index == 1", "not @last"])

    # --- tags and blocks

    def tag(self, inside: str) -> str:
        left, right = (
            self.pick(["", "", "", "~", "~ ", " "]),
            self.pick(["", "", "", "~", " ~", "\n"]),
        )
        return f"{{{{{left}{inside}{right}}}}}"

    def body(self, low: int = 0, high: int = 4) -> str:
        return "".join(self.many(low, high, self.statement))

    def statement(self) -> str:
        return self.pick(STATEMENTS)(self) if self.spend() else ""

    def literal_text(self) -> str:
        return self.pick(TEXTS)

    def printed(self) -> str:
        value = self.expr(self.pick(["text", "text", *KINDS]))
        if value.strip("()") in self.skills:
            value = f"str({value})"
        if value in {"break", "continue"} or value.startswith("{"):
            value = f"({value})"
        return self.tag(value)

    def assignment(self) -> str:
        kind = self.pick(KINDS)
        value = self.expr(kind)
        if self.chance(10):
            value = self.call("Set", f'"{self.target(kind)}"', value)
        name = self.target(kind)
        match self.number(0, 6):
            case 0:
                return self.tag(f"set '{name}' ({value})")
            case 1:
                return self.tag(self.call("set", f"name='{name}'", f"value={value}"))
            case 2:
                return self.tag(self.call("Set", f'"{name}"', value))
            case 3:
                exposed = f"expose={self.pick(['True', 'true', repr('t'), 'False'])}"
                return self.tag(self.call("Set", f'name="{name}"', f"value={value}", exposed))
            case _:
                return self.tag(self.call("Set", f'name="{name}"', f"value={value}"))

    def computed_assignment(self) -> str:
        """The name, or whether it is exposed, is known at run time alone."""
        kind = self.pick(KINDS)
        value = f"value={self.expr(kind)}"
        if self.chance(3):
            exposed = f"expose={self.pick([self.name('any'), f'not {self.condition()}'])}"
            return self.tag(self.call("Set", f'name="{self.target(kind)}"', value, exposed))
        name = self.pick(NAMES[kind])
        where = self.target("text")
        computed = self.pick([f'Concat("{name}")', where, f'"{name}" + ""', f'" {name}".strip()'])
        more = [f"expose={self.pick(['True', self.name('any')])}"] if self.chance(3) else []
        first = self.tag(f"set '{where}' '{name}'") if computed == where else ""
        self.known.add(name)
        return first + self.tag(self.call("Set", f"name={computed}", value, *more))

    def branches(self) -> str:
        if self.chance(6):
            pieces = [self.tag(f"#unless {self.condition()}"), self.body()]
            if self.chance(2):
                pieces += [self.tag("else"), self.body()]
            return "".join([*pieces, self.tag("/unless")])
        pieces = [self.tag(f"#if {self.condition()}"), self.body()]
        for _ in range(self.number(0, 2)):
            word = self.pick(["else if", "elif", "elseif"])
            pieces += [self.tag(f"{word} {self.condition()}"), self.body()]
        if self.chance(2):
            pieces += [self.tag("else"), self.body()]
        return "".join([*pieces, self.tag("/if")])

    def loop(self) -> str:
        if self.loops >= 3:
            return self.printed()
        items = self.operand(self.pick(["list", "list", "list", "dict", "text"]))
        item = self.pick([name for names in NAMES.values() for name in names])
        head = self.pick(
            [
                f"#each {items}",
                f"#each {items} as {item}",
                f"#each {items} as |{item}|",
                f"#each {items} item_name='{item}'",
                f"#each({items}, item_name='{item}')",
            ]
        )
        name = "this" if head == f"#each {items}" else item
        before = set(self.known)
        self.known.add(name)
        self.loops += 1
        pieces = [self.tag(head), self.body(1)]
        self.loops -= 1
        self.known = before | (self.known - {name})
        if self.chance(4):
            pieces += [self.tag("else"), self.body()]
        return "".join([*pieces, self.tag("/each")])

    def role(self) -> str:
        if self.in_role:
            return self.literal_text()
        options = self.pick(
            ["", "", "", " hidden=True", ' name="Sue"', f" name={self.pick(NAMES['text'])}"]
        )
        head, close = self.pick(
            [
                ("#system", "system"),
                ("#user", "user"),
                ("#assistant", "assistant"),
                ("#role 'user'", "role"),
            ]
            if not self.chance(8)
            else [(f"#role {self.name('text')}", "role")]
        )
        self.in_role = True
        body = self.body(1)
        self.in_role = False
        return f"{self.tag(head + options)}{body}{self.tag('/' + close)}"

    def block(self) -> str:
        name = f" '{self.target('text')}'" if self.chance(2) else ""
        hidden = " hidden=True" if not name or self.chance(3) else ""
        return f"{self.tag(f'#block{name}{hidden}')}{self.body(1)}{self.tag('/block')}"

    def choice(self) -> str:
        name = self.target("text")
        if self.chance(2):
            options = self.pick(["[1, 2]", "l", "rows", "(l or [0])"])
            return self.tag(f"select '{name}' options={options}")
        head = self.tag(f"#select '{name}'")
        return f"{head}{self.body(1)}{self.tag('or')}{self.body(1)}{{{{/select}}}}"

    def generation(self) -> str:
        match self.number(0, 4):
            case 0:
                return self.tag(f"gen '{self.target('text')}' temperature=0.5")
            case 1:
                return self.tag(self.call("Gen", f'name="{self.target("text")}"', "hidden=True"))
            case 2:
                name = self.target("any")
                value = self.call("GenStream", f"maxTokens={self.pick(['5', '150', repr('7')])}")
                after = self.pick(["failed", "outcome", "interrupted", "strip()", "k"])
                return self.tag(f'Set(name="{name}", value={value})') + self.tag(f"{name}.{after}")
            case 3:
                return self.tag(self.call("GenStream"))
            case _:
                value = self.name("any")
                return self.tag(self.call("Gen", f"skipFilter={value}"))

    def action(self) -> str:
        match self.number(0, 7):
            case 0 | 1:
                return self.tag(self.call("SendMessage", f"message={self.expr('text')}"))
            case 2:
                value = self.expr(self.pick(KINDS))
                return self.tag(
                    self.call(
                        "SendSystemEvent", 'eventIdn="e"', f"from={value}", f"k={self.expr('any')}"
                    )
                )
            case 3:
                return self.tag(
                    self.call(
                        "SendCommand",
                        'commandIdn="c"',
                        'integrationIdn="i"',
                        'connectorIdn="j"',
                        f"x={self.expr('any')}",
                    )
                )
            case 4 | 5:
                key = self.pick(['"k"', '"w"', self.name("text")])
                return self.tag(self.call("SetState", f"name={key}", f"value={self.expr('any')}"))
            case 6:
                return self.tag(self.call("DUMMY", self.expr("text")))
            case _:
                name = self.pick(
                    ["GetState", "IsEmpty", "Stringify", "Set", "Return", "SendMessage", "nobody"]
                )
                where = self.target("text")
                return self.tag(f"set '{where}' '{name}'") + self.tag(
                    self.call(
                        "Do",
                        where,
                        f"{self.pick(['name', 'text', 'value', 'message'])}={self.expr('text')}",
                    )
                )

    def ending(self) -> str:
        if self.loops and self.chance(2):
            leave = self.tag(self.pick(["break", "continue"]))
        else:
            value = self.expr(self.pick(KINDS))
            leave = self.tag(self.call("Return", *self.pick([[], [value], [f"val={value}"]])))
        if self.chance(3):
            return leave
        return f"{self.tag(f'#if {self.condition()}')}{leave}{self.tag('/if')}"

    def called(self) -> str:
        if not self.callees:
            return self.printed()
        if self.chance(3):
            name = self.target("any")
            return self.tag(f'Set(name="{name}", value={self.skill_call()})')
        return self.tag(self.skill_call())

    def comment(self) -> str:
        return self.pick([*COMMENTS, "{{~! t ~}}", "\\{{x}}", "\\{{#if}}", "{{~!-- x --~}}"])


def kind_of(name: str) -> str:
    return next((kind for kind, names in NAMES.items() if name in names), "any")


Write = Callable[[Writer], str]

EXPRESSIONS: Mapping[str, tuple[Write, ...]] = {
    "text": (
        lambda w: w.literal("text"),
        lambda w: w.read("text"),
        lambda w: w.call("Concat", *w.many(1, 3, lambda: w.expr(w.pick(KINDS)))),
        lambda w: f"{w.operand('text')} + {w.operand('text')}",
        lambda w: f"{w.operand('text')}.{w.pick(['strip()', 'upper()', 'title().strip()'])}",
        lambda w: f"{w.operand('text')}.replace('a', {w.expr('text')})",
        lambda w: w.call("str", w.expr("any")),
        lambda w: w.call("Stringify", w.expr(w.pick(KINDS))),
        lambda w: w.call("Replace", f"text={w.expr('text')}", 'find="a"', f"replace={w.expr('text')}"),
        lambda w: w.call("GetState", w.pick(["name='k'", "name='w'"])),
        lambda w: w.call("GetMemory", 'count="1"', f"maxLen={w.pick(['9', w.name('number')])}"),
        lambda w: w.call("GetUser", 'field="name"'),
        lambda w: w.call("GetCurrentPrompt"),
        lambda w: w.call("IsSimilar", f"text1={w.expr('text')}", f"val2={w.expr('text')}"),
        lambda w: w.call("Contains", w.expr("any"), w.expr("text")),
        lambda w: f"{w.operand('text')} or {w.operand('text')}",
        lambda w: f"{w.condition()} and {w.operand('text')}",
        lambda w: f"{w.operand('text')}[{w.expr('number')}]",
        lambda w: f"'<%s>' % {w.operand('any')}",
        lambda w: w.skill_call() if w.callees else w.read("text"),
        lambda w: w.call("Gen"),
    ),
    "number": (
        lambda w: w.literal("number"),
        lambda w: w.read("number"),
        lambda w: f"{w.operand('number')} {w.pick(list('+-*/%'))} {w.operand('number')}",
        lambda w: f"{w.operand('number')} + {w.read('number')} * {w.operand('number')} - {w.read('number')}",
        lambda w: w.call("len", w.expr(w.pick(["text", "list"]))),
        lambda w: w.call("Len", w.expr(w.pick(["text", "list"]))),
        lambda w: w.call(w.pick(["Add", "Subtract", "Multiply"]), w.amount(), f"b={w.amount()}"),
        lambda w: w.call(w.pick(["add", "multiply", "min", "max"]), w.expr("number"), w.expr("number")),
        lambda w: w.call("int", w.pick(["'3'", w.expr("number")])),
        lambda w: w.call(w.pick(["abs", "round", "float"]), w.expr("number")),
        lambda w: f"-{w.operand('number')}",
        lambda w: w.place() if w.loops else "+1",
        lambda w: f"{w.operand('text')}.count({w.text()})",
        lambda w: w.call("sum", w.expr("list")),
    ),
    "list": (
        lambda w: w.literal("list"),
        lambda w: w.read("list"),
        lambda w: f"[{', '.join(w.many(0, 3, lambda: w.expr(w.pick(KINDS))))}]",
        lambda w: w.call("CreateArray", *w.many(0, 3, lambda: w.expr(w.pick(KINDS)))),
        lambda w: w.call("Split", w.expr("text"), w.pick(['","', '" "', "''"])),
        lambda w: f"{w.operand('text')}.split({w.pick(['', repr(',')])})",
        lambda w: w.call("range", w.pick(["2", "3", "0"])),
        lambda w: w.call(w.pick(["list", "sorted", "reversed", "enumerate"]), w.expr("list")),
        lambda w: f"{w.operand('list')} + {w.operand('list')}",
        lambda w: f"{w.operand('list')} or {w.operand('list')}",
        lambda w: w.call("zip", w.expr("list"), w.expr("text")),
    ),
    "dict": (
        lambda w: w.literal("dict"),
        lambda w: w.read("dict"),
        lambda w: f"{{ {w.pair()}, 'k': {w.expr('number')}}}",
        lambda w: f"{{ {', '.join(w.many(0, 3, w.pair))} }}",
        lambda w: """json.loads('{"k": [1, 2]}')""",
        lambda w: w.call("dict", f"k={w.expr('any')}", f"lambda={w.expr('any')}"),
    ),
    "any": (
        lambda w: w.literal("any"),
        lambda w: w.read("any"),
        lambda w: w.expr(w.pick(KINDS)),
        lambda w: f"({w.condition()})",
        lambda w: f"{w.operand('dict')}.{w.pick(['k', 'w', 'keys()', 'length', 'from'])}",
        lambda w: f"{w.operand('dict')}[{w.pick([repr('k'), 'a', '0'])}]",
        lambda w: f"{w.operand('list')}[{w.expr('number')}]",
        lambda w: f"{w.operand('list')}.{w.pick(['length', 'count(1)', 'k', 'index(9)'])}",
        lambda w: w.key() if w.loops else "nope",
        lambda w: w.skill_call() if w.callees else w.read("any"),
        lambda w: f"{w.operand('any')}.{w.pick(['k', 'failed', 'from'])}",
        lambda w: w.pick(["len", "math.pi", "max"]),
    ),
}  # fmt: skip

STATEMENTS: tuple[Write, ...] = (
    *(Writer.literal_text,) * 3,
    *(Writer.printed,) * 4,
    *(Writer.assignment,) * 5,
    Writer.computed_assignment,
    *(Writer.branches,) * 3,
    *(Writer.loop,) * 2,
    *(Writer.role,) * 2,
    Writer.block,
    Writer.choice,
    *(Writer.generation,) * 2,
    *(Writer.action,) * 2,
    Writer.ending,
    *(Writer.called,) * 2,
    Writer.comment,
)


@st.composite
def skills(draw: st.DrawFn) -> Skills:
    """One to three skills that call each other, and arguments for the last."""
    choices = chain(draw(st.binary(min_size=400, max_size=2000)), repeat(0))
    first = Writer(choices, (), frozenset())
    idns = list(dict.fromkeys(first.many(0, 2, lambda: first.pick(IDNS))))
    every = frozenset([*idns, "Main"])
    scripts: list[Script] = []
    for idn in [*idns, "Main"]:
        writer = Writer(choices, tuple(scripts), every)
        names = sorted({writer.pick(NAMES[kind]) for kind in KINDS if not writer.chance(3)})
        parameters = {name: writer.pick(["", "d", "7"]) for name in names if writer.chance(2)}
        writer.known.update(name for name in names if name in parameters or name not in MODULES)
        if writer.chance(12):
            parameters["if"] = "x"
        scripts.append(Script(idn, writer.body(2, 9), parameters))
    runs = tuple(writer.given(names, parameters) for _ in range(2))
    return Skills(tuple(scripts), runs)
