"""Templates drawn at random from what Jinja2 and NSL have in common: no actions, nothing that prints an address.

1. Texts, not trees: both sides read them for themselves.
2. Names are few and mostly hold what their kind says, so that scopes meet often and runs end rarely early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

GIVEN: Mapping[str, Any] = {
    "n": 3,
    "s": "Ab c",
    "l": [3, 1, 2],
    "d": {"b": 1, "a": "x"},
    "rows": [{"k": "x", "n": 2}, {"k": "Y", "n": 1}, {"k": "x"}],
    "tree": [{"k": 1, "in": [{"k": 2, "in": []}, {"k": 3, "in": [{"k": 4, "in": []}]}]}],
    "z": None,
    "a": "q",
    "b": ["b", 1],
    "c": {"k": 2},
    "i": 5,
    "m": 2.5,
}
"""What every template is given; fresh for each, since templates change it."""


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


NAMES: Mapping[str, tuple[str, ...]] = {
    "text": words("s a"),
    "number": words("n i m"),
    "list": words("l rows b"),
    "dict": words("d c"),
    "any": words("z u a b x class"),
}
KINDS = tuple(NAMES)
TEXTS = (*words("x Hi <b> } %} ' é \\n"), "", " ", "\n", "  \n", "{ ", "a b", "\t")
LITERALS: Mapping[str, tuple[str, ...]] = {
    "text": (*words(r"""'' 'a' '\n' '%s-%s' '\d' 'it\'s' 'x,y' '12'"""), '"B c"', "'a' 'b'"),
    "number": words("0 1 2 -1 3.5 0x1F 1_000 2e1 7"),
    "list": words("[] [1,2] ['b','a',] (1,2) ('a',) [[1,2],[3,4]] range(3) ()"),
    "dict": words("{} {'k':1} {'a':1,'b':{'c':2}} dict(a=1)"),
    "any": words("none true false u (u) None True"),
}
FILTERS: Mapping[str, tuple[str, ...]] = {
    "text": words(
        """
        upper lower title capitalize trim length list first last reverse|list int float string center(9)
        replace('b','X') indent indent(2,true) wordcount wordwrap(3) default('q') d('q',true) striptags urlencode
        join('-') format(1) batch(2)|list sort|list unique|list|sort
        """
    ),
    "number": words("abs round int float string default(1) filesizeformat round(1,'floor')"),
    "list": words(
        """
        length first last join join(',') sort reverse|list sum min max list count pprint sort(reverse=true)
        groupby('k') map('string')|list map('upper')|join select|list reject('odd')|list batch(2,'f')|list
        slice(2)|list unique|list map(attribute='k')|list selectattr('n','defined')|list rejectattr('n')|list
        sort(attribute='k') map(attribute='n',default=0)|sum join(',',attribute='k') select('in',[1,'x'])|list
        """
    ),
    "dict": words("length items|list dictsort list join xmlattr dictsort(by='value') urlencode"),
    "any": words("default('q') default('q',true) string list length first int abs upper"),
}
METHODS: Mapping[str, tuple[str, ...]] = {
    "text": words(
        "upper() split() strip() startswith('A') replace('b','c') find('c') join(['1','2'])"
    ),
    "number": words("real bit_length()"),
    "list": words("index(1) count(1) append(9) pop() nope"),
    "dict": words("get('a') get('q',5) a keys()|list items()|list values()|list q update({'z':1})"),
    "any": words("q k n"),
}
TESTS = (
    *words(
        "defined undefined none string number mapping sequence iterable odd even true boolean integer float lower"
    ),
    *words("upper callable divisibleby(3) in([1,2]) filter test"),
    *("divisibleby 2", "eq 1", "in [1, 2]", "sameas none", "gt 1", "ne 1"),
)
LOOP_FACTS = words(
    """
    index index0 revindex revindex0 first last length depth depth0 previtem nextitem cycle('a','b') cycle(1,2,3)
    changed(n) changed(loop.index//2)
    """
)
# What a loop binds, and what it goes through; None is any list.
LOOPS: Sequence[tuple[str, str | None]] = (
    *(
        ("i", "l"),
        ("a", "s"),
        ("x", "rows"),
        ("n", "range(3)"),
        ("a, i", "d.items()"),
        ("k, v", "d | dictsort"),
    ),
    *(
        ("a", "d"),
        ("i", "u"),
        ("b", "[[1, 2], [3]]"),
        ("a, b", "[(1, 2), (3, 4)]"),
        ("x, (a, b)", "[(1, (2, 3))]"),
    ),
    *(("loop_", None), ("i", None)),
)
CONDITIONS = (
    "",
    "",
    "",
    " if i",
    " if loop is undefined",
    " if n > 1",
    " if not a",
    " if x.n",
    " if true",
)
RECURSIONS = (
    "{{ loop(x.in) }}",
    "({{ loop(x['in']) | upper }})",
    "{% if x.in %}[{{ loop(x.in) }}]{% endif %}",
)
ITEMS = ("{{ x.k }}", "{{ loop.depth }}{{ x.k }},", "{{ loop.index }}/{{ loop.length }}")
RAW = (
    "{% raw %}{{ n }}{% endraw %}",
    "{#- note -#}",
    "{# {{ n }} #}",
    "{% raw -%} {% {%- endraw %}",
)
UNPACKED: Sequence[tuple[tuple[str, ...], tuple[str, ...]]] = (
    (("a, b", "i, a", "(n, i)"), ("(1, 2)", "'ab'", "[3, 'x']", "1, 2", "(n, i)", "d")),
    (("c, n, x", "(a, i, m)"), ("l", "rows", "s[:3]", "range(3)")),
)


@dataclass(frozen=True)
class Macro:
    """The parameters of all macros of one name, how calls may begin and go on, and what only its body knows."""

    parameters: str
    positional: int
    named: tuple[str, ...]
    special: tuple[str, ...] = ()


MACROS: Mapping[str, Macro] = {
    "f": Macro("p, q=1", 1, ("q", "p")),
    "g": Macro("n, q=n", 2, ()),
    "h": Macro("a='q', b=u", 0, ("a", "b")),
    "more": Macro("p", 3, ("k", "q"), ("varargs ~ kwargs.k", "kwargs", "varargs | length")),
    "around": Macro("p=2", 1, (), ("caller()", "caller(1)", "caller(p, q=n)")),
    "none_": Macro("", 0, ()),
}
CALLERS = ("", "(p)", "(p, q=2)", "(p=1, q=p)")


@dataclass
class Writer:
    """Writes one template. `macro` is the one whose body is written; `leaves` says that a loop may be left."""

    choices: Iterator[int]
    budget: int = 45
    depth: int = 0
    loops: int = 0
    leaves: bool = False
    macros: list[str] = field(default_factory=list[str])
    macro: Macro | None = None

    def pick(self, options: Sequence[T]) -> T:
        return options[next(self.choices) % len(options)]

    def chance(self, one_in: int) -> bool:
        return next(self.choices) % one_in == one_in - 1

    def spend(self) -> bool:
        """Whether there is still something to be written."""
        self.budget -= 1
        return self.budget > 0

    # --- expressions

    def name(self, kind: str) -> str:
        return self.pick(NAMES[self.pick(KINDS) if self.chance(20) else kind])

    def kind(self) -> str:
        return self.pick(KINDS)

    def value(self, kind: str) -> str:
        """An expression that mostly yields a value of the kind."""
        if not self.spend() or self.depth == 3 or self.chance(3):
            return self.atom(kind)
        match kind:
            case "text":
                forms: tuple[Callable[[], str], ...] = (
                    self.concat,
                    self.sliced,
                    self.chosen,
                    self.filtered,
                )
            case "number":
                forms = (self.sum, self.sum, self.counted, self.chosen)
            case "list":
                forms = (self.listed, self.sliced, self.chosen, self.sorted)
            case "dict":
                forms = (self.mapped, self.chosen)
            case _:
                forms = (
                    self.filtered,
                    self.tested,
                    self.member,
                    self.compared,
                    self.logic,
                    self.called,
                )
        self.depth += 1
        expr = self.pick(forms)()
        self.depth -= 1
        return expr

    def atom(self, kind: str) -> str:
        if self.loops and kind in {"number", "any"} and self.chance(4):
            return f"loop.{self.pick(LOOP_FACTS)}"
        return self.pick(LITERALS[kind]) if self.chance(2) else self.name(kind)

    def any(self) -> str:
        return self.value(self.kind())

    def concat(self) -> str:
        return f"{self.group(self.any())} ~ {self.group(self.any())}"

    def sliced(self) -> str:
        # Of literals, Jinja2 takes parts while it compiles, by other rules.
        bounds = self.pick(("1:", ":2", "::-1", "0:3:2", "-1:", "n:", ":i"))
        return f"{self.name(self.pick(('text', 'list')))}[{bounds}]"

    def chosen(self) -> str:
        orelse = "" if self.chance(4) else f" else {self.group(self.any())}"
        return f"({self.group(self.any())} if {self.condition()}{orelse})"

    def filtered(self) -> str:
        kind = self.kind()
        return f"{self.group(self.value(kind))} | {self.pick(FILTERS[kind])}"

    def sum(self) -> str:
        op = self.pick(("+", "-", "*", "/", "//", "%", "+", "**"))
        right = self.pick(("2", "3", "0", "-1")) if op == "**" else self.group(self.value("number"))
        left = self.name("number") if op == "**" else self.group(self.value("number"))
        return f"{self.pick(('', '', '-', '+'))}{left} {op} {right}"

    def counted(self) -> str:
        return f"{self.group(self.value(self.pick(('text', 'list', 'dict'))))} | length"

    def listed(self) -> str:
        inner = ", ".join(self.any() for _ in range(next(self.choices) % 3))
        return f"[{inner}]"

    def sorted(self) -> str:
        return f"{self.group(self.value('list'))} | {self.pick(('sort', 'reverse | list', 'list', 'unique | list'))}"

    def mapped(self) -> str:
        key = self.pick(("'a'", "'k'", "1", "s"))
        return f"{{{key}: {self.any()}}}"

    def member(self) -> str:
        kind = self.kind()
        if self.chance(3):
            key = self.pick(("'a'", "0", "-1", "'k'", "n", "s"))
            return f"{self.group(self.value(kind))}[{key}]"
        return f"{self.name(kind)}.{self.pick(METHODS[kind])}"

    def tested(self) -> str:
        # In parentheses: of `x is odd if y`, Jinja takes the rest for an argument of the test.
        return f"({self.group(self.any())} is {self.pick(('', '', 'not '))}{self.pick(TESTS)})"

    def compared(self) -> str:
        kind = self.kind()
        op = self.pick(("==", "!=", "<", ">=", "in", "not in"))
        tail = f" {self.pick(('<', '=='))} {self.group(self.value(kind))}" if self.chance(5) else ""
        return f"{self.group(self.value(kind))} {op} {self.group(self.value(kind))}{tail}"

    def logic(self) -> str:
        op = self.pick(("and", "or"))
        # In parentheses: behind another operator, Jinja takes `not` for a name.
        negated = f"(not {self.group(self.any())})" if self.chance(2) else self.group(self.any())
        return f"{negated} {op} {self.group(self.any())}"

    def condition(self) -> str:
        return self.pick((self.any, self.tested, self.compared, self.logic))()

    def group(self, expr: str) -> str:
        """In parentheses, mostly; without, precedence has to agree."""
        return expr if self.chance(6) else f"({expr})"

    def called(self) -> str:
        """A call of a macro, with arguments that it may not have."""
        if not self.macros or not self.spend():
            return self.atom("any")
        name = self.pick(self.macros)
        macro = MACROS[name]
        args = [self.any() for _ in range(next(self.choices) % (macro.positional + 1))]
        if macro.positional == 2 and not args and self.chance(2):
            args = ["*(1, 2)"]
        args += [
            f"{key}={self.any()}"
            for key in macro.named
            if self.chance(3) and not (key == "p" and args)
        ]
        return f"{name}({', '.join(args)})"

    # --- statements

    def tag(self, inside: str) -> str:
        """A tag, with or without marks and blanks."""
        before, after = self.pick(("", "", "", "-", "+")), self.pick(("", "", "", "-"))
        return f"{{%{before} {inside} {after}%}}"

    def body(self) -> str:
        return "".join(self.piece() for _ in range(next(self.choices) % 4))

    def scoped(self, *, loop: bool = False, leaves: bool = False) -> str:
        """A body in a scope of its own: the macros that it defines are not known outside."""
        before = self.macros, self.loops, self.leaves
        self.macros, self.loops, self.leaves = [*self.macros], self.loops + loop, leaves
        inside = self.body()
        self.macros, self.loops, self.leaves = before
        return inside

    def function(self, macro: Macro | None) -> str:
        """The body of a macro, which no loop around it can be asked about."""
        before = self.macro, self.loops
        self.macro, self.loops = macro, 0
        inside = self.scoped()
        self.macro, self.loops = before
        return inside

    def piece(self) -> str:
        return self.pick(PIECES)(self) if self.spend() else self.pick(TEXTS)

    def text(self) -> str:
        return self.pick(TEXTS)

    def emit(self) -> str:
        before, after = self.pick(("", "", "", "-", "+")), self.pick(("", "", "", "-"))
        # What these return is no plain text in Jinja2, which lists and `+` would show.
        expr = self.any()
        if self.chance(9):
            expr = f"({expr}) | {self.pick(('e', 'tojson', 'safe'))}"
        if self.macro and self.macro.special and self.chance(2):
            expr = self.pick(self.macro.special)
        return f"{{{{{before} {expr} {after}}}}}"

    def assign(self) -> str:
        kind = self.kind()
        return self.tag(f"set {self.name(kind)} = {self.value(kind)}")

    def several(self) -> str:
        names, values = self.pick(UNPACKED)
        return self.tag(f"set {self.pick(names)} = {self.pick(values)}")

    def branch(self) -> str:
        parts = [self.tag(f"if {self.condition()}"), self.body()]
        if self.chance(3):
            parts += [self.tag(f"elif {self.condition()}"), self.body()]
        if self.chance(2):
            parts += [self.tag("else"), self.body()]
        return "".join([*parts, self.tag("endif")])

    def loop(self) -> str:
        target, items = self.pick(LOOPS)
        opened = self.tag(f"for {target} in {items or self.value('list')}{self.pick(CONDITIONS)}")
        # Jinja2 takes a loop that is left in its first pass for one without items.
        orelse = self.tag("else") + self.scoped() if self.chance(3) else ""
        return f"{opened}{self.scoped(loop=True, leaves=not orelse)}{orelse}{self.tag('endfor')}"

    def recursion(self) -> str:
        if self.loops or self.macro:
            return self.emit()
        inside = f"{self.pick(ITEMS)}{self.scoped(loop=True)}{self.pick(RECURSIONS)}"
        return f"{{% for x in tree recursive %}}{inside}{{% endfor %}}"

    def capture(self) -> str:
        applied = self.pick(("", "", " | upper", " | trim | replace('a', 'b')"))
        opened = self.tag(f"set {self.name('text')}{applied}")
        return f"{opened}{self.scoped()}{self.tag('endset')}"

    def define(self) -> str:
        if self.macro:
            return self.emit()
        name = self.pick([*MACROS])
        macro = MACROS[name]
        printed = (
            [f"{{{{ {macro.special[0]} }}}}"] if macro.special else ["{{ p }}{{ q }}", "{{ n }}"]
        )
        opened = self.tag(f"macro {name}({macro.parameters})")
        definition = f"{opened}{self.function(macro)}{self.pick(printed)}{self.tag('endmacro')}"
        self.macros = sorted({*self.macros, name})
        return definition

    def call(self) -> str:
        if "around" not in self.macros:
            return self.emit()
        opened = self.tag(f"call{self.pick(CALLERS)} around({self.pick(('', '1', 'p=2', 'n'))})")
        return f"{opened}{self.function(None)}{self.tag('endcall')}"

    def filter(self) -> str:
        applied = self.pick(
            ("upper", "trim", "replace('a', 'b')", "indent(2) | upper", "center(5)")
        )
        return f"{self.tag(f'filter {applied}')}{self.scoped()}{self.tag('endfilter')}"

    def scope(self) -> str:
        assigned = self.pick(("", "a = 1", "a = n, b = a", "n = n, x = 'y'", "a = b"))
        return f"{self.tag(f'with {assigned}')}{self.scoped()}{self.tag('endwith')}"

    def raw(self) -> str:
        return self.pick(RAW)

    def field(self) -> str:
        made = self.tag(f"set ns = namespace(v={self.any()})") if self.chance(2) else ""
        return f"{made}{self.tag(f'set ns.v = {self.any()}')}{{{{ ns.v }}}}"

    def leave(self) -> str:
        if not self.leaves:
            return self.tag(f"do {self.pick(('l.append(4)', 'd.update(a=2)', 'rows.pop()', '1'))}")
        return f"{{% if {self.condition()} %}}{self.tag(self.pick(('break', 'continue')))}{{% endif %}}"


PIECES: tuple[Callable[[Writer], str], ...] = (
    *(Writer.text,) * 2,
    *(Writer.emit,) * 4,
    *(Writer.assign,) * 2,
    *(Writer.loop,) * 2,
    *(
        Writer.branch,
        Writer.several,
        Writer.capture,
        Writer.define,
        Writer.call,
        Writer.filter,
        Writer.scope,
    ),
    *(Writer.raw, Writer.field, Writer.leave, Writer.recursion),
)


@st.composite
def templates(draw: st.DrawFn) -> str:
    """One template."""
    chosen = draw(st.lists(st.integers(0, 2**16), min_size=5, max_size=250))
    writer = Writer(chain(chosen, repeat(0)))
    start = "" if writer.chance(10) else "{% set ns = namespace(v=0) %}"
    return start + "".join(writer.piece() for _ in range(1 + next(writer.choices) % 6))
