"""What each construct becomes: the lines between `with ctx.skill(...)` and the final return."""

from __future__ import annotations

import ast

import pytest

from emit_flows import HERE, body_of, code, code_of, const, emitted, name, printing, script
from skillc.emit.printing import MOST_LINES
from skillc.ir import (
    Assign,
    Attribute,
    Binary,
    Bind,
    Block,
    Call,
    Compare,
    DictExpr,
    Each,
    Evaluate,
    Expr,
    If,
    Index,
    ListExpr,
    Logic,
    Return,
    Role,
    Select,
    Unary,
    Void,
)


def point(depth: int) -> tuple[str, str]:
    """What the body of a loop begins with that reaches no other interruption point; `depth` is the loop's."""
    indent = "    " * (depth + 1)
    return f"{indent}if ctx.due:", f"{indent}    await ctx.point()"


# --- printing ------------------------------------------------------------------------------------


def test_text_and_names_of_a_line_are_one_line_of_code() -> None:
    assert code("Hi {{who}}, a {{boat}}\nsecond {{boat}}\n\nlast", "boat") == [
        'who: Any = extra.get("who", UNDEFINED)',
        'out.write(f"Hi {text(who)}, a {boat}\\n")',
        "out.write(",
        '    f"second {boat}\\n\\n"',
        '    "last"',
        ")",
    ]


def test_a_line_that_can_fail_is_written_by_itself() -> None:
    assert code("one {{boat}}\ntwo\n{{boat}} and {{who}}\nfour\nfive", "boat")[1:] == [
        "out.write(",
        '    f"one {boat}\\n"',
        '    "two\\n"',
        ")",
        'out.write(f"{boat} and {text(who)}\\n")',
        "out.write(",
        '    "four\\n"',
        '    "five"',
        ")",
    ]


def test_long_texts_are_written_in_several_statements() -> None:
    lines = [f"line {number}\n" for number in range(2 * MOST_LINES + 1)]
    written = code("".join(lines))
    assert written.count("out.write(") == 2
    assert written[-1] == f'out.write("line {2 * MOST_LINES}\\n")'
    assert [ast.literal_eval(line.strip()) for line in written if '    "' in line] == lines[:-1]


def test_a_lone_name_is_written_without_an_f_string() -> None:
    assert code("{{boat}}", "boat") == ["out.write(boat)"]


def test_what_is_awaited_is_written_after_what_stands_before_it() -> None:
    assert code('a{{GetState(name="k")}}b') == [
        'out.write("a")',
        'out.write(await actions.get_state(ctx, name="k"))',
        'out.write("b")',
    ]


def test_names_of_one_code_line_stand_on_one_template_line() -> None:
    assert code("a\n{{~boat}}{{boat}}", "boat") == [
        "out.write(",
        '    "a"',
        '    f"{boat}{boat}"',
        ")",
    ]


def test_braces_and_quotes_of_prompts_stay_text() -> None:
    assert code('{"a": {{boat}}, "b": "{x}"}', "boat") == [
        """out.write(f'{{"a": {boat}, "b": "{{x}}"}}')"""
    ]
    assert code('it\'s "{{boat}}"', "boat") == ['out.write(f"it\'s \\"{boat}\\"")']


def test_none_prints_nothing_and_numbers_their_digits() -> None:
    assert code_of(printing(const(None)), printing(const(1.0)), printing(const(value=True))) == [
        'out.write("1.0True")'
    ]


# --- variables -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # one type: Python infers it
        ('{{Set(name="n", value=1)}}{{n}}', ["n = 1", "out.write(text(n))"]),
        # several types: annotated with their join where first assigned
        (
            '{{#if p}}{{Set(name="n", value=1)}}{{else}}{{Set(name="n", value="a")}}{{/if}}{{n}}',
            ["if p:", "    n: int | str = 1", "else:", '    n = "a"', "out.write(text(n))"],
        ),
        # a list never tells the type of its items
        ('{{Set(name="l", value=["a"])}}{{l}}', ['l: list[Any] = ["a"]', "out.write(text(l))"]),
        # a number is whole or not
        (
            '{{Set(name="n", value=1)}}{{Set(name="n", value=1.5)}}{{n}}',
            ["n: float = 1", "n = 1.5", "out.write(text(n))"],
        ),
        # may be unset: what the caller passed under the name, else undefined
        (
            '{{#if p}}{{Set(name="n", value=1)}}{{/if}}{{n}}',
            [
                'n: Undefined | int = extra.get("n", UNDEFINED)',
                "if p:",
                "    n = 1",
                "out.write(text(n))",
            ],
        ),
        # nobody reads it: only the effects of its value stay
        ('{{Set(name="n", value=1)}}', []),
        ('{{Set(name="n", value=GetState(name="k"))}}', ['await actions.get_state(ctx, name="k")']),
        ('{{Set(name="n", value=p + 1)}}', ["add(p, 1)"]),
        ('{{Set(name="n", value=not p)}}', ["_ = not p"]),
        # a parameter keeps its name
        ('{{Set(name="p", value="a")}}{{p}}', ['p = "a"', "out.write(p)"]),
        # a generation with a name assigns, then prints
        ('{{gen "r"}}{{r}}', ["r = await actions.gen(ctx)", "out.write(r)", "out.write(r)"]),
        ('{{gen "r"}}', ["out.write(await actions.gen(ctx))"]),
        ('{{gen "r" hidden=True}}{{r}}', ["r = await actions.gen(ctx)", "out.write(r)"]),
        (
            '{{Set(name="s", value=gen("r"))}}{{r}}{{s}}',
            ["s = r = await actions.gen(ctx)", 'out.write(f"{r}{s}")'],
        ),
        # handed to the caller, too
        (
            '{{Set(name="n", value="S", expose=True)}}',
            ['n = "S"', 'out.expose("n", n)'],
        ),
    ],
)  # fmt: skip
def test_assignments(template: str, expected: list[str]) -> None:
    assert code(template, "p") == expected


def test_the_result_variable_is_returned() -> None:
    assert code('{{Set(name="RESULT", value="a")}}') == ['RESULT = "a"', "return RESULT"]
    assert code('{{#if p}}{{Set(name="RESULT", value="a")}}{{/if}}', "p") == [
        'RESULT: Undefined | str = extra.get("RESULT", UNDEFINED)',
        "if p:",
        '    RESULT = "a"',
        "return defined(RESULT)",
    ]


def test_undefined_leaves_no_skill() -> None:
    assert code("{{Main(p=x)}}{{Concat(x.k, p)}}{{Return(val=x)}}", "p") == [
        'x: Any = extra.get("x", UNDEFINED)',
        "out.write(text(await Main(ctx, p=defined(x))))",
        'out.write(actions.concat(defined(get(x, "k")), p))',
        "return defined(x)",
    ]


def test_a_guarded_result_says_its_type() -> None:
    assert code('{{Return(val=p + "a")}}', "p") == ['result: str = add(p, "a")', "return result"]
    assert code('{{Set(name="s", value=p + "a")}}{{Return(val=s)}}', "p") == [
        's: str = add(p, "a")',
        "return s",
    ]


def test_names_that_python_or_the_module_has_yield() -> None:
    assert code("{{from}}{{text}}{{#each items as item}}{{item}}{{/each}}", "text", "from") == [
        'items: Any = extra.get("items", UNDEFINED)',
        'out.write(f"{from_}{text_}")',
        "for item_ in each(ctx, items):",
        *point(0),
        "    out.write(text(item_))",
    ]


def test_made_up_names_avoid_those_of_the_template() -> None:
    template = (
        "{{#block 'pieces'}}a{{/block}}{{pieces}}{{_}}{{#each index as row}}{{@index}}{{/each}}"
    )
    assert code(template, "_") == [
        'index: Any = extra.get("index", UNDEFINED)',
        "with out.tap() as pieces2:",
        '    out.write("a")',
        'pieces = "".join(pieces2)',
        'out.write(f"{pieces}{_}")',
        "for index2, _2 in enumerate(each(ctx, index)):",
        *point(0),
        '    out.write(f"{index2}")',
    ]


# --- expressions ---------------------------------------------------------------------------------

N, P, X = name("n"), name("p"), name("x")


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (Attribute(HERE, Attribute(HERE, X, "k"), "j"), 'get(get(x, "k"), "j")'),
        (Index(HERE, X, const(0)), "item(x, 0)"),
        (Call(HERE, Attribute(HERE, P, "strip"), ()), 'call(get(p, "strip"))'),
        (Unary(HERE, "-", N), "-n"),
        (Unary(HERE, "-", X), "negate(x)"),
        (Unary(HERE, "+", X), "positive(x)"),
        (Unary(HERE, "not", X), "not x"),
        (Binary(HERE, "+", N, const(1)), "n + 1"),
        (Binary(HERE, "-", N, Binary(HERE, "-", N, const(1))), "n - (n - 1)"),
        (Binary(HERE, "*", N, const(2)), "multiply(n, 2)"),
        (Binary(HERE, "/", N, const(2)), "divide(n, 2)"),
        (Binary(HERE, "%", P, const(2)), "modulo(p, 2)"),
        (Binary(HERE, "+", P, const("a")), 'add(p, "a")'),
        (Compare(HERE, P, (("==", const("a")),)), 'p == "a"'),
        (Compare(HERE, X, (("==", const("a")),)), 'equal(x, "a")'),
        (Compare(HERE, P, (("==", const(None)),)), "equal(p, None)"),
        (Compare(HERE, P, (("!=", N),)), "p != n"),
        (Compare(HERE, N, (("<", const(3)), ("<=", N))), "n < 3 <= n"),
        (Compare(HERE, P, (("<", N),)), "less(p, n)"),
        (Compare(HERE, X, (("in", P),)), "inside(x, p)"),
        (Compare(HERE, const("a"), (("in", P),)), '"a" in p'),
        (Compare(HERE, P, (("in", const("abc")),)), 'inside(p, "abc")'),
        (Compare(HERE, X, (("not in", P),)), "not inside(x, p)"),
        (Compare(HERE, X, (("is", const(None)),)), "x is None"),
        (Compare(HERE, const("a"), (("is", const(None)),)), 'same("a", None)'),
        (Compare(HERE, X, (("is not", const(3)),)), "not same(x, 3)"),
        (Unary(HERE, "not", Compare(HERE, X, (("is", const(None)),))), "x is not None"),
        (Unary(HERE, "not", Compare(HERE, const("a"), (("in", P),))), '"a" not in p'),
        (
            Compare(HERE, X, (("<", Call(HERE, X, ())), ("<", N), (">", const(1)))),
            "less(x, part := call(x)) and less(part, n) and n > 1",
        ),
        (Logic(HERE, "or", (X, Logic(HERE, "and", (P, N)), const("d"))), 'x or p and n or "d"'),
        (Logic(HERE, "and", (Logic(HERE, "or", (X, P)), N)), "(x or p) and n"),
        (ListExpr(HERE, (const(1), ListExpr(HERE, ()), X)), "[1, list[Any](), x]"),
        (Logic(HERE, "or", (X, ListExpr(HERE, (P,)))), "x or list[Any]([p])"),
        (DictExpr(HERE, ((const("k"), DictExpr(HERE, ())),)), '{"k": dict[Any, Any]()}'),
        (name("json"), 'MODULES["json"]'),
        (name("len"), 'FUNCTIONS["len"]'),
    ],
)  # fmt: skip
def test_expressions(expr: Expr, expected: str) -> None:
    lines = code_of(
        Assign(HERE, "n", const(1)), printing(N), Evaluate(HERE, expr), parameters=("p",)
    )
    assert lines[-1].removeprefix("_ = ") == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{len(p)}}", "safe_len(p)"),
        ("{{len(p, p)}}", 'call(FUNCTIONS["len"], p, p)'),
        ("{{sorted(p, reverse=True)}}", "safe_sorted(p, reverse=True)"),
        ("{{sorted(p, reverse='x')}}", 'call(FUNCTIONS["sorted"], p, reverse="x")'),
        ("{{add(1, 2, p)}}", "add_all(1, 2, p)"),
        ("{{x.f(1, to=2, from=3, at=4)}}", 'call(get(x, "f"), 1, to=2, **{"from": 3, "at": 4})'),
        ("{{json.loads(p)}}", 'call(get(MODULES["json"], "loads"), p)'),
        ('{{IsSimilar(text1=p, text2="a")}}', 'actions.is_similar(val1=p, val2="a")'),
        (
            "{{GenStream(maxTokens=p, temperature=0.5, stop=x)}}",
            'await actions.gen_stream(ctx, max_tokens=as_int(p, "GenStream.maxTokens", None), temperature=0.5, '
            'stop=as_texts(x, "GenStream.stop", None))',
        ),
        (
            '{{Do(actionName=p, from="a", b=x)}}',
            'await actions.do(ctx, action_name=as_name(p, "Do.actionName"), '
            'printed=True, arguments={"from": "a", "b": defined(x)})',
        ),
    ],
)  # fmt: skip
def test_calls(template: str, expected: str) -> None:
    line = code(template, "p")[-1]
    assert line in {f"out.write({expected})", f"out.write(text({expected}))"}


def test_a_reply_has_attributes() -> None:
    assert code(
        '{{Set(name="r", value=GenStream())}}{{#if r.interrupted}}{{r.outcome}}{{r.k}}{{/if}}'
    ) == [
        "r = await actions.gen_stream(ctx)",
        "if r.interrupted:",
        "    out.write(r.outcome)",
        '    out.write(text(get(r, "k")))',
    ]


def test_assignments_and_effects_inside_expressions_keep_their_order() -> None:
    assert code('{{Concat(Set(name="q", value=p), q, gen("r"), r)}}', "p") == [
        "q: str",
        "r: str",
        'out.write(actions.concat((q := p, "")[1], q, r := await actions.gen(ctx), r))',
    ]


def test_effects_without_a_value_are_statements() -> None:
    effect = Void(HERE, Bind(HERE, "q", P))
    lines = code_of(
        printing(effect), Assign(HERE, "s", effect), printing(name("s")), printing(name("q"))
    )
    assert lines[1:] == ["q: Any = p", "q = p", 's = ""', 'out.write(f"{s}{text(q)}")']


# --- calls between skills ------------------------------------------------------------------------

PUT = script("Put", '{{Set(name="shared", value="S", expose=True)}}')


def test_exposed_variables_arrive_after_the_call() -> None:
    text = emitted(PUT, script("Main", '{{Put()}}{{Set(name="x", value=Put())}}{{shared}}{{x}}'))
    assert body_of(text) == [
        'shared: Any = extra.get("shared", UNDEFINED)',
        "out.write(await Put(ctx))",
        'shared = out.take("shared", shared)',
        "x = await Put(ctx)",
        'shared = out.take("shared", shared)',
        'out.write(f"{text(shared)}{x}")',
    ]
    assert body_of(text, "Put") == ['shared = "S"', 'out.expose("shared", shared)']


def test_exposed_variables_arrive_inside_expressions() -> None:
    text = emitted(PUT, script("Main", "{{Concat(Put(), shared)}}"))
    assert body_of(text)[-1] == (
        'out.write(actions.concat((await Put(ctx), shared := out.take("shared", shared))[0], defined(shared)))'
    )


def test_exposed_variables_come_too_late_for_a_return() -> None:
    text = emitted(PUT, script("Main", "{{shared}}{{Return(val=Put())}}"))
    assert body_of(text)[-1] == "return await Put(ctx)"


def test_exposed_variables_that_nobody_reads_stay_away() -> None:
    assert body_of(emitted(PUT, script("Main", "{{Put()}}"))) == ["out.write(await Put(ctx))"]


def test_a_skill_hidden_by_a_variable_is_called_by_an_alias() -> None:
    text = emitted(PUT, script("Main", '{{Put()}}{{Set(name="Put", value="x")}}{{Put}}'))
    assert body_of(text) == ["out.write(await __Put(ctx))", 'Put = "x"', "out.write(Put)"]
    assert "\n__Put = Put\n" in text


# --- branches and loops --------------------------------------------------------------------------


def test_else_if_is_elif() -> None:
    assert code('{{#if p == "a"}}A{{else if p}}B{{else}}C{{/if}}', "p") == [
        'if p == "a":',
        '    out.write("A")',
        "elif p:",
        '    out.write("B")',
        "else:",
        '    out.write("C")',
    ]


def test_an_empty_branch_is_turned_round_or_passes() -> None:
    assert code("{{#if p}}{{else}}C{{/if}}", "p") == ["if not p:", '    out.write("C")']
    assert code("{{#if not p}}{{else}}C{{/if}}", "p")[0] == "if p:"
    assert code("{{#if p}}{{elif q}}B{{else}}C{{/if}}", "p", "q") == [
        "if p:",
        "    pass",
        "elif q:",
        '    out.write("B")',
        "else:",
        '    out.write("C")',
    ]


def test_code_that_cannot_run_is_left_out() -> None:
    assert code("{{#if false}}a{{x}}{{else}}b{{/if}}{{Return()}}c") == ['out.write("b")']
    assert code("{{#if p}}{{Return(val=1)}}x{{else}}{{Return(val=2)}}{{/if}}y", "p") == [
        "if p:",
        "    return 1",
        "else:",
        "    return 2",
    ]
    assert code("{{#if p and false}}{{x}}{{else if not false or p}}a{{else}}{{y}}{{/if}}", "p") == [
        "if p and False:",
        "    pass",
        "elif not False or p:",
        '    out.write("a")',
    ]
    assert code("{{#each p}}{{break}}x{{/each}}{{#block 'k'}}{{Return()}}y{{/block}}z", "p") == [
        "for _ in each(ctx, p):",
        *point(0),
        "    break",
    ]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{#each p}}x{{/each}}", ["for _ in each(ctx, p):", *point(0), '    out.write("x")']),
        ("{{#each p}}{{this}}{{/each}}", ["for this in each(ctx, p):", *point(0), "    out.write(text(this))"]),
        (
            "{{#each p as row}}{{row.n}}{{continue}}{{/each}}",
            ["for row in each(ctx, p):", *point(0), '    out.write(text(get(row, "n")))', "    continue"],
        ),
        ("{{#each p}}{{@key}}{{/each}}", ["for key, _ in keyed(ctx, p):", *point(0), "    out.write(text(key))"]),
        (
            "{{#each p}}{{@index}}{{/each}}",
            ["for index, _ in enumerate(each(ctx, p)):", *point(0), '    out.write(f"{index}")'],
        ),
        (
            "{{#each p}}{{this}}{{#if not @last}}, {{/if}}{{/each}}",
            [
                "items = each(ctx, p)",
                "for index, this in enumerate(items):",
                *point(0),
                "    out.write(text(this))",
                "    if index != len(items) - 1:",
                '        out.write(", ")',
            ],
        ),
        (
            "{{#each p}}{{@first}}{{else}}none{{/each}}",
            [
                "items = each(ctx, p)",
                "for index, _ in enumerate(items):",
                *point(0),
                "    out.write(text(index == 0))",
                "if not items:",
                '    out.write("none")',
            ],
        ),
        (
            "{{#each p}}{{#each this}}{{@index}}{{this}}{{/each}}{{@index}}{{/each}}",
            [
                "for index, this in enumerate(each(ctx, p)):",
                *point(0),
                "    for index2, this_2 in enumerate(each(ctx, this)):",
                *point(1),
                '        out.write(f"{index2}{text(this_2)}")',
                '    out.write(f"{index}")',
            ],
        ),
    ],
)  # fmt: skip
def test_loops(template: str, expected: list[str]) -> None:
    assert code(template, "p") == expected


def test_an_assignment_to_a_loop_name_changes_the_frame_only() -> None:
    template = '{{Set(name="this", value="o")}}{{#each p}}{{Set(name="this", value=1)}}{{this}}{{/each}}{{this}}'
    assert code(template, "p") == [
        'this = "o"',
        "for this_2 in each(ctx, p):",
        *point(0),
        "    this_2 = 1",
        "    out.write(text(this_2))",
        "out.write(this)",
    ]


# --- roles, captures, choices --------------------------------------------------------------------

BODY = (printing(const("b")),)


@pytest.mark.parametrize(
    ("stmt", "expected"),
    [
        (Role(HERE, const("system"), BODY), ['with out.role("system"):', '    out.write("b")']),
        (Role(HERE, P, BODY, name=X), ["with out.role(p, name=text(x)):", '    out.write("b")']),
        (
            Role(HERE, const("user"), (), hidden=True),
            ['with out.hidden(), out.role("user"):', "    pass"],
        ),
        (Block(HERE, None, hidden=False, body=BODY), ['out.write("b")']),
        (Block(HERE, "unread", hidden=False, body=BODY), ['out.write("b")']),
        (Block(HERE, "unread", hidden=True, body=BODY), ["with out.hidden():", '    out.write("b")']),
        (
            Block(HERE, "x", hidden=False, body=BODY),
            ["with out.tap() as pieces:", '    out.write("b")', 'x = "".join(pieces)'],
        ),
        (
            Block(HERE, "x", hidden=True, body=BODY),
            ["with out.hidden(), out.tap() as pieces:", '    out.write("b")', 'x = "".join(pieces)'],
        ),
        (
            Select(HERE, "x", P),
            ["x = await actions.choose(ctx, options=p)", "out.write(x)"],
        ),
        (
            Select(HERE, None, (BODY, (printing(P),))),
            [
                "with out.hidden(), out.tap() as option:",
                '    out.write("b")',
                "with out.hidden(), out.tap() as option2:",
                "    out.write(p)",
                'out.write(await actions.choose(ctx, options=["".join(option), "".join(option2)]))',
            ],
        ),
    ],
)  # fmt: skip
def test_roles_captures_and_choices(stmt: Role | Block | Select, expected: list[str]) -> None:
    lines = code_of(stmt, *([printing(X)] if "x" in str(expected) else []), parameters=("p",))
    assert [line for line in lines if not line.startswith("x: ")][: len(expected)] == expected


# --- computed names ------------------------------------------------------------------------------


def test_a_computed_name_puts_all_variables_in_a_dict() -> None:
    template = '{{Set(name=p, value=1)}}{{x}}{{Set(name="from", value=x)}}{{#each x}}{{this}}{{/each}}{{gen "r"}}'
    assert code(template, "p") == [
        'names: dict[str, Any] = {"p": p, **extra}',
        'set_variable(names, variable_name(names.get("p", UNDEFINED)), 1)',
        'out.write(text(names.get("x", UNDEFINED)))',
        'names["from_"] = names.get("x", UNDEFINED)',
        'for this in each(ctx, names.get("x", UNDEFINED)):',
        *point(0),
        "    out.write(text(this))",
        'out.write(set_variable(names, "r", await actions.gen(ctx)))',
        'return defined(names.get("RESULT", UNDEFINED))',
    ]


def test_a_computed_exposure_is_decided_at_run_time() -> None:
    assert code('{{Set(name="x", value=1, expose=p)}}', "p") == [
        'out.expose("x", 1, as_flag(p, "Set.expose", False))',
    ]


# --- long chains ---------------------------------------------------------------------------------


def test_long_chains_of_operators_are_cut_into_parts() -> None:
    total: Expr = X
    for number in range(100):
        total = Binary(HERE, "+", total, const(number))
    (_, line) = code_of(printing(total))
    assert line.startswith("out.write(text((part := add(")
    assert ", part2 := add(" in line
    assert line.endswith(", 99))[-1]))")


def test_long_tests_are_grouped() -> None:
    values = tuple(name(f"x{number}") for number in range(100))
    line = code_of(printing(Logic(HERE, "or", values)))[-1]
    assert line.startswith("out.write(text((x0 or x1 or ")
    assert " or x39) or (x40 or " in line


def test_long_chains_of_branches_are_cut_into_statements() -> None:
    orelse: tuple[If, ...] = ()
    for number in reversed(range(70)):
        test = Compare(HERE, P, (("==", const(f"{number}")),))
        orelse = (If(HERE, test, (printing(const(f"<{number}>")),), orelse or (Return(HERE, P),)),)
    lines = code_of(*orelse, parameters=("p",))
    assert lines[:3] == ["matched = True", 'if p == "0":', '    out.write("<0>")']
    at = lines.index("else:")
    assert lines[at - 2 : at + 6] == [
        'elif p == "29":',
        '    out.write("<29>")',
        "else:",
        "    matched = False",
        "if matched:",
        "    pass",
        'elif p == "30":',
        '    out.write("<30>")',
    ]
    assert lines[-4:] == ['elif p == "69":', '    out.write("<69>")', "else:", "    return p"]


def test_each_of_bare_ir_in_the_else_of_another() -> None:
    inner = Each(HERE, X, "b", (printing(name("b")),), ())
    assert code_of(Each(HERE, X, "a", (), (inner,)))[1:] == [
        "items = each(ctx, x)",
        "for _ in items:",
        *point(0),
        "if not items:",
        "    for b in each(ctx, x):",
        *point(1),
        "        out.write(text(b))",
    ]
