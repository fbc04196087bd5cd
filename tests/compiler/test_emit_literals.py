"""Literals and parentheses: the code means exactly the value, on one line, whatever the value holds."""

from __future__ import annotations

import ast
import math
from typing import Any

import libcst as cst
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz import examples
from skillc.emit import py
from skillc.errors import CompilerBug

HOSTILE = (
    "'''",
    '"""',
    '\\"',
    "\\\\\\",
    "\\N{BULLET}",
    "{}",
    "{{{x}}}",
    "{x!r:>{y}}",
    "%s",
    "a\r\nb\u2028c\u2029d\x85e\x0bf\x0cg\x1ch",
    "\ud800\udfff\ud800",
    "\ufeff",
    "\0",
    "\x7f\x80\x9f",
    "\u202e\u2066\u2069",
    "# coding: latin-1\n# type: ignore",
    "é中😀\u200d₽",
    "x" * 1_000_000,
)
TEXTS = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\"'\\{}\n\r\t\0#\u2028\ud800")
)


def written(node: cst.BaseExpression) -> str:
    return cst.Module([]).code_for_node(node)


def hostile(test: Any) -> Any:
    for text in HOSTILE:
        test = example(text)(test)
    return test


@hostile
@examples(100, 10_000)
@given(TEXTS)
def test_string_means_its_text(text: str) -> None:
    """The literal of any text is one line that evaluates to that text."""
    literal = written(py.string(text))
    assert ast.literal_eval(literal) == text
    shown = {char for char in literal if not char.isprintable()}
    assert all(any(ord(char) in signs for signs in py.NEWER_SIGNS) for char in shown)
    assert len(literal.splitlines()) == 1
    assert literal.encode()


@hostile
@examples(100, 10_000)
@given(TEXTS)
def test_fstring_means_its_text(text: str) -> None:
    """Any text around an expression in an f-string stays that text."""
    literal = written(py.fstring([text, cst.Name("x"), text, text]))
    assert len(literal.splitlines()) == 1
    assert eval(literal, {"x": "<>"}) == f"{text}<>{text}{text}"


def test_string_shows_what_people_write() -> None:
    assert written(py.string("é 中 😀 ₽ — ’")) == '"é 中 😀 ₽ — ’"'
    assert written(py.string("\u200d\xa0\u202e")) == '"\\u200d\\xa0\\u202e"'


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "None"),
        (True, "True"),
        (0, "0"),
        (-3, "-3"),
        (1.5, "1.5"),
        (-0.0, "-0.0"),
        (1e22, "1e+22"),
        (math.inf, 'float("inf")'),
        (-math.inf, 'float("-inf")'),
        (math.nan, 'float("nan")'),
        ("a", '"a"'),
    ],
)
def test_constant_is_written_plainly(value: str | float | bool | None, literal: str) -> None:
    assert written(py.constant(value)) == literal


@examples(100, 10_000)
@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(10**5000))
def test_constant_means_its_number(value: float) -> None:
    """The literal of a number evaluates to the same number of the same type."""
    found = ast.literal_eval(written(py.constant(value)))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("wrong", ["", "a b", "1x", "x;y", "import", "None", "é", "x\n", "a.b"])
def test_name_refuses_what_is_no_identifier(wrong: str) -> None:
    with pytest.raises(CompilerBug, match="no identifier"):
        py.name(wrong)


LEAVES = st.sampled_from("abc").map(lambda name: (cst.Name, name))


def tree(depth: int) -> st.SearchStrategy[Any]:
    """Expressions as nested tuples, so that each can be built twice."""
    if depth == 0:
        return st.sampled_from("abc")
    inner = tree(depth - 1)
    return st.one_of(
        inner,
        st.tuples(st.sampled_from(["+", "-", "*", "/", "%"]), inner, inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.sampled_from(["<", "==", "in", "is"]), inner, inner),
        st.tuples(st.sampled_from(["not", "neg", "await", "bind", "attr", "call", "index"]), inner),
    )


def node_of(shape: Any) -> cst.BaseExpression:
    match shape:
        case str():
            return py.name(shape)
        case ("not", inner):
            return py.negation(node_of(inner))
        case ("neg", inner):
            return py.signed("-", node_of(inner))
        case ("await", inner):
            return py.awaited(node_of(inner))
        case ("bind", inner):
            return py.bound("x", node_of(inner))
        case ("attr", inner):
            return py.attribute(node_of(inner), "k")
        case ("call", inner):
            return py.call(node_of(inner))
        case ("index", inner):
            return py.subscript(node_of(inner), py.constant(0))
        case (("and" | "or") as op, left, right):
            return py.logic(op, node_of(left), node_of(right))
        case (("<" | "==" | "in" | "is") as op, left, right):
            return py.comparison(node_of(left), (op, node_of(right)))
        case (op, left, right):
            return py.arithmetic(node_of(left), op, node_of(right))
    raise AssertionError(shape)


def code_of(shape: Any) -> str:
    """The same expression with parentheses everywhere."""
    match shape:
        case str():
            return shape
        case ("not", ("not", inner)) if compares(inner):
            return code_of(inner)
        case ("not", (("==" | "in" | "is") as op, left, right)):
            negated = {"==": "!=", "in": "not in", "is": "is not"}[op]
            return f"({code_of(left)} {negated} {code_of(right)})"
        case ("not", inner):
            return f"(not {code_of(inner)})"
        case ("neg", inner):
            return f"(-{code_of(inner)})"
        case ("await", inner):
            return f"(await {code_of(inner)})"
        case ("bind", inner):
            return f"(x := {code_of(inner)})"
        case ("attr", inner):
            return f"({code_of(inner)}).k"
        case ("call", inner):
            return f"({code_of(inner)})()"
        case ("index", inner):
            return f"({code_of(inner)})[0]"
        case (op, left, right):
            return f"({code_of(left)} {op} {code_of(right)})"
    raise AssertionError(shape)


def compares(shape: Any) -> bool:
    """Whether it is a comparison that can be negated, however often it is already."""
    while shape[0] == "not":
        shape = shape[1]
    return shape[0] in {"==", "in", "is"}


def flat(node: ast.AST) -> str:
    """A dump in which `a and b and c` is the same however it is grouped on the left."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.BoolOp):
            while isinstance(inner.values[0], ast.BoolOp) and type(inner.values[0].op) is type(
                inner.op
            ):
                inner.values[:1] = inner.values[0].values
    return ast.dump(node)


@examples(100, 10_000)
@given(tree(3))
def test_parentheses_keep_the_meaning(shape: Any) -> None:
    """Code with as few parentheses as it needs parses to the same tree as code with all of them."""
    assert flat(ast.parse(written(node_of(shape)))) == flat(ast.parse(code_of(shape)))


def test_parentheses_stand_only_where_needed() -> None:
    sums = py.arithmetic(py.arithmetic(py.name("a"), "-", py.name("b")), "-", py.name("c"))
    assert written(sums) == "a - b - c"
    nested = py.arithmetic(py.name("a"), "-", py.arithmetic(py.name("b"), "-", py.name("c")))
    assert written(nested) == "a - (b - c)"
    tests = py.logic("or", py.logic("and", py.name("a"), py.name("b")), py.negation(py.name("c")))
    assert written(tests) == "a and b or not c"


def test_dict_in_lines_indents_each_pair() -> None:
    inner = py.dict_in_lines([(py.string("k"), py.constant(1))], depth=1)
    outer = py.dict_in_lines([(py.string("a"), inner), (py.string("b"), py.dict_in_lines([]))])
    assert written(outer) == '{\n    "a": {\n        "k": 1,\n    },\n    "b": {},\n}'
