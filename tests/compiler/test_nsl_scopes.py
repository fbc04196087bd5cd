"""Jinja's scopes in the IR: which variable a name becomes, and what a scope starts with."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from nsl import codes, parse, shape, tree
from skillc.dump import dump_body
from skillc.ir import (
    Assign,
    Capture,
    Each,
    Emit,
    If,
    Macro,
    MacroCall,
    Name,
    Stmt,
    Undefined,
    Unpack,
)


def dump(text: str, *outside: str) -> str:
    """The statements of a template, one a line."""
    return dump_body(tree(text, *outside))


def loop(stmt: Stmt) -> Each:
    assert isinstance(stmt, Each)
    return stmt


def assigned(body: tuple[Stmt, ...]) -> list[str]:
    """The variables that the statements of one body assign, in order."""
    return [stmt.name for stmt in body if isinstance(stmt, Assign)]


def read(body: tuple[Stmt, ...]) -> list[str]:
    """The variables that the statements of one body print, in order."""
    return [
        stmt.value.name for stmt in body if isinstance(stmt, Emit) and isinstance(stmt.value, Name)
    ]


# --- names ---------------------------------------------------------------------------------------


def test_names_stay_where_nothing_else_has_them() -> None:
    (each,) = tree("{% for x in xs %}{% set y = x %}{{ y }}{% endfor %}")
    assert loop(each).item == "x"
    assert assigned(loop(each).body) == ["y"]


def test_inner_variable_of_a_used_name_is_numbered() -> None:
    first, each, last = tree(
        "{% set n = 0 %}{% for i in l %}{% set n = i %}{{ n }}{% endfor %}{{ n }}"
    )
    assert assigned((first,)) == ["n"]
    assert (assigned(loop(each).body), read(loop(each).body)) == (["n_2"], ["n_2"])
    assert read((last,)) == ["n"]


def test_number_avoids_names_of_the_template() -> None:
    _, each, *_ = tree("{{ n_2 }}{% for n in l %}{{ n }}{% endfor %}{{ n_3 }}{{ n }}", "n")
    assert (loop(each).item, read(loop(each).body)) == ("n_4", ["n_4"])


def test_nested_loops_have_a_variable_each() -> None:
    (outer,) = tree("{% for x in l %}{% for x in x %}{{ x }}{% endfor %}{{ x }}{% endfor %}")
    inner = loop(loop(outer).body[0])
    assert (loop(outer).item, inner.item) == ("x", "x_2")
    assert isinstance(inner.iterable, Name)
    assert inner.iterable.name == "x"
    assert (read(inner.body), read(loop(outer).body)) == (["x_2"], ["x"])


def test_loops_side_by_side_share_a_name() -> None:
    one, other = tree("{% for x in l %}{{ x }}{% endfor %}{% for x in m %}{{ x }}{% endfor %}")
    assert (loop(one).item, loop(other).item) == ("x", "x")


@pytest.mark.parametrize("name", ["user", "RESULT"])
def test_parameters_and_result_are_names_of_the_template(name: str) -> None:
    (each,) = tree(f"{{% for i in l %}}{{% set {name} = i %}}{{{{ {name} }}}}{{% endfor %}}", name)
    assert assigned(loop(each).body) == [f"{name}_2"]


@pytest.mark.parametrize("call", ["Set(name='n', value=i)", "set('n', i)", "Gen(name='n')"])
def test_what_a_call_sets_is_a_variable_of_the_template(call: str) -> None:
    text = f"{{% for i in l %}}{{{{ {call} }}}}{{{{ n }}}}{{% set n = 1 %}}{{{{ n }}}}{{% endfor %}}{{{{ n }}}}"
    each, last = tree(text)
    assert assigned(loop(each).body) == ["n_2", "n_2"]  # it begins with the outer value
    assert read(loop(each).body) == ["n_2", "n_2"]
    assert read((last,)) == ["n"]


def test_computed_name_may_be_any_plain_one() -> None:
    each, _ = tree("{% for i in l %}{{ i }}{% endfor %}{{ Set(name=k, value=1) }}")
    assert loop(each).item == "i_2"


def test_with_binds_names_to_values_from_outside() -> None:
    text = "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}"
    body = tree(text)
    assert assigned(body) == ["a", "a_2", "b"]
    assert [dump_body((stmt,)) for stmt in body][2] == dump_body(
        (Assign(body[2].span, "b", Name(body[2].span, "a")),)
    )
    assert read(body) == ["a_2", "b", "a"]


def test_set_block_has_a_scope() -> None:
    capture, last = tree("{% set t %}{% set x = 1 %}{{ x }}{% endset %}{{ x }}", "x")
    assert isinstance(capture, Capture)
    assert (capture.name, assigned(capture.body)) == ("t", ["x_2"])
    assert read((last,)) == ["x"]


def test_tuple_targets() -> None:
    unpack, each = tree("{% set a, (b, c) = l %}{% for a, b in l if a %}{{ a }}{{ b }}{% endfor %}")
    assert isinstance(unpack, Unpack)
    assert unpack.targets == ("a", ("b", "c"))
    assert loop(each).item == ("a_2", "b_2")
    assert read(loop(each).body) == ["a_2", "b_2"]


def test_loop_test_sees_the_item_and_else_what_is_outside() -> None:
    text = "{% set x = 1 %}{% for x in l if x and y %}{% set y = 1 %}{% else %}{{ x }}{% set x = 2 %}{% endfor %}"
    _, each = tree(text, "y")
    found = loop(each)
    assert found.item == "x_2"
    assert found.test is not None
    assert dump_body((Emit(found.span, found.test),)) == "emit (x_2 and y)\n"
    assert (assigned(found.body), assigned(found.orelse)) == (["y_2"], ["x_2", "x_2"])


# --- macros --------------------------------------------------------------------------------------


def macro(stmt: Stmt) -> Macro:
    assert isinstance(stmt, Macro)
    return stmt


def test_names_inside_a_macro_are_none_of_those_outside() -> None:
    text = "{% macro m(a) %}{% set y = a %}{{ y }}{{ z }}{% endmacro %}{% for y in l %}{{ m(y) }}{% endfor %}"
    first, each = tree(text)
    assert [parameter.name for parameter in macro(first).parameters] == ["a"]
    assert assigned(macro(first).body) == ["y_2"]
    assert read(macro(first).body) == ["y_2", "z"]
    assert loop(each).item == "y"


def test_macros_side_by_side_share_names() -> None:
    one, other = tree("{% macro m(a) %}{{ a }}{% endmacro %}{% macro n(a) %}{{ a }}{% endmacro %}")
    assert [macro(m).parameters[0].name for m in (one, other)] == ["a", "a"]


def test_call_of_a_macro_is_no_call_of_an_action() -> None:
    _, first, second, third = tree(
        "{% macro GetUser(a) %}x{% endmacro %}{{ GetUser(1) }}{{ GetActor() }}{{ m() }}"
    )
    kinds = [type(stmt.value).__name__ for stmt in (first, second, third) if isinstance(stmt, Emit)]
    assert kinds == ["MacroCall", "Call", "Call"]


def test_name_that_is_also_assigned_is_called_as_a_value() -> None:
    _, _, last = tree("{% macro m() %}x{% endmacro %}{% set m = f %}{{ m() }}")
    assert isinstance(last, Emit)
    assert type(last.value).__name__ == "Call"


def test_special_names_of_a_macro() -> None:
    (plain,) = tree("{% macro m(a) %}{{ a }}{% endmacro %}")
    assert (macro(plain).caller, macro(plain).varargs, macro(plain).kwargs) == (None, None, None)
    (full,) = tree("{% macro m() %}{{ caller() }}{{ varargs }}{{ kwargs }}{% endmacro %}")
    assert (macro(full).caller, macro(full).varargs, macro(full).kwargs) == (
        "caller",
        "varargs",
        "kwargs",
    )
    call = macro(full).body[0]
    assert isinstance(call, Emit)
    assert shape(call.value) == shape(MacroCall(call.span, "caller"))


def test_call_block_hands_over_a_macro() -> None:
    text = "{% macro m(x) %}{{ caller(x) }}{% endmacro %}{% call(u) m(1) %}<{{ u }}>{% endcall %}"
    _, inner, emit = tree(text)
    assert [parameter.name for parameter in macro(inner).parameters] == ["u"]
    assert isinstance(emit, Emit)
    assert isinstance(emit.value, MacroCall)
    assert (emit.value.macro, emit.value.caller) == ("m", macro(inner).name)
    assert len(emit.value.args) == 1


def test_nested_call_blocks_have_callers_of_their_own() -> None:
    text = (
        "{% macro m() %}{{ caller() }}{% endmacro %}"
        "{% macro n() %}{% call m() %}{{ caller() }}{% endcall %}{{ caller() }}{% endmacro %}"
    )
    _, outer = tree(text)
    inner = macro(macro(outer).body[0])
    assert macro(outer).caller == "caller"
    assert inner.caller == "caller_2"
    called = [
        stmt.value.macro
        for stmt in (*inner.body, *macro(outer).body[2:])
        if isinstance(stmt, Emit) and isinstance(stmt.value, MacroCall)
    ]
    assert called == ["caller_2", "caller"]


# --- what a scope starts with --------------------------------------------------------------------


def starts(text: str, *outside: str) -> list[str]:
    """What the first loop's pass assigns before anything of its own."""
    each = next(stmt for stmt in tree(text, *outside) if isinstance(stmt, Each))
    inserted = (stmt for stmt in each.body if isinstance(stmt, Assign) and stmt.span == each.span)
    return [f"{stmt.name} = {dump_body((Emit(stmt.span, stmt.value),))[5:-1]}" for stmt in inserted]


@pytest.mark.parametrize(
    ("body", "inserted"),
    [
        ("{% set x = 1 %}{{ x }}", []),
        ("{{ x }}", []),
        ("{{ x }}{% set x = 1 %}", ["x_2 = x"]),
        ("{% set x = x + 1 %}", ["x_2 = x"]),
        ("{% if c %}{% set x = 1 %}{% endif %}{{ x }}", ["x_2 = x"]),
        ("{% if c %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}", []),
        ("{% if c %}{% set x = 1 %}{{ x }}{% endif %}", []),
        ("{% if x %}{% elif c %}{% set x = 1 %}{% endif %}", ["x_2 = x"]),
        ("{% for j in l %}{{ x }}{% endfor %}{% set x = 1 %}", ["x_2 = x"]),
        ("{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}", ["x_2 = x"]),
        ("{% set x %}a{% endset %}{{ x }}", []),
        ("{% set x %}{{ x }}{% endset %}", ["x_2 = x"]),
    ],
)
def test_pass_starts_with_the_value_outside_if_it_may_be_read(
    body: str, inserted: list[str]
) -> None:
    assert starts("{% set x = 0 %}{% for i in l %}" + body + "{% endfor %}") == inserted


@pytest.mark.parametrize(
    ("text", "inserted"),
    [
        # Nothing outside sets it: it starts as nothing, in every pass.
        (
            "{% for i in l %}{% if c %}{% set x = 1 %}{% endif %}{{ x }}{% endfor %}",
            ["x = undefined"],
        ),
        # Jinja does not look for a value outside when the pass sets the name before it is read on the page.
        ("{% for i in l %}{% set x %}{{ x }}{% endset %}{% endfor %}", ["x_2 = undefined"]),
        ("{% for i in l %}{{ x }}{% set x = 1 %}{% endfor %}", ["x_2 = x"]),
    ],
)
def test_pass_starts_with_nothing(text: str, inserted: list[str]) -> None:
    outside = ["x"] if "x_2" in inserted[0] else []
    assert starts(text, *outside) == inserted


def test_template_starts_without_a_parameter_that_jinja_does_not_look_up() -> None:
    text = "{% for i in [1] %}[{{ p }}]{% endfor %}{% set p = 2 %}{{ p }}"
    assert Environment().from_string(text).render(p="given") == "[]2"
    first, *_ = tree(text, "p")
    assert shape(first) == shape(Assign(first.span, "p", Undefined(first.span)))
    assert not isinstance(tree(text)[0], Assign)


def test_if_makes_no_scope() -> None:
    branch, last = tree("{% if flag %}{% set lbl = 'on' %}{% endif %}{{ lbl }}")
    assert isinstance(branch, If)
    assert (assigned(branch.body), read((last,))) == (["lbl"], ["lbl"])


# --- what is said of it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% for p in l %}{% set q = p %}{% endfor %}\n{{ q }}", ["2:4 SK303"]),
        (
            "{% for p in l %}{% if p %}{% set q = p %}{% endif %}{% endfor %}{% if q %}{% endif %}",
            ["1:71 SK303"],
        ),
        ("{% for p in l %}{% set q = p %}{{ q }}{% endfor %}", []),
        ("{% for p in l %}{% set q = p %}{% endfor %}{% set q = 1 %}{{ q }}", []),
        ("{% for p in l %}{% set q = p %}{{ Set('q', 1) }}{% endfor %}{{ q }}", []),
        ("{{ q }}{% for p in l %}{% set q = p %}{% endfor %}", []),
        ("{% for p in l %}{% set json = p %}{% endfor %}{{ json.loads('1') }}", []),
        ("{% for p in l %}{% endfor %}{{ p }}", ["1:32 SK303"]),
    ],
)
def test_read_of_a_loops_variable_behind_the_loop(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_parameter_is_no_loop_local() -> None:
    text = "{% for p in l %}{% set q = p %}{% endfor %}{{ q }}"
    _, report = parse(text, "q")
    assert not report.findings
