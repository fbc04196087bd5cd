"""What the constructs that only NSL has become, and what they do where a case cannot say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from emit_flows import body_of, loaded
from harness import Script, compiled
from skillrt import LimitError, Options, Runtime
from skillrt.testing.provider import ScriptedProvider

pytestmark = pytest.mark.anyio


def text_of(template: str, *parameters: str) -> str:
    """The module of one NSL skill."""
    done = compiled(Script("Main", template, dict.fromkeys(parameters, ""), "nsl"))
    assert done.emitted is not None, [finding.message for finding in done.findings]
    return done.emitted.text


def code(template: str, *parameters: str) -> list[str]:
    """The lines that a template becomes."""
    return body_of(text_of(template, *parameters))


async def ran(template: str, given: Mapping[str, Any], options: Options | None = None) -> str:
    """What a skill prints outside roles."""
    runtime = Runtime(provider=ScriptedProvider(["G"]), options=options or Options())
    main = loaded(text_of(template, *given))["Main"]
    return (await runtime.run(main, message="hello", arguments=given)).out


# --- loops ---------------------------------------------------------------------------------------

POINT = ["    if ctx.due:", "        await ctx.point()"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ x }}", ["for x in walk(ctx, l):", *POINT, "    out.write(nsl_text(x))"]),
        (
            "{{ loop.index }}",
            ["for index, _ in enumerate(walk(ctx, l), 1):", *POINT, '    out.write(f"{index}")'],
        ),
        (
            "{{ loop.index0 }}{{ loop.index }}",
            [
                "for index, _ in enumerate(walk(ctx, l)):",
                *POINT,
                '    out.write(f"{index}")',
                "    out.write(nsl_text(index + 1))",
            ],
        ),
        (
            "{{ loop.revindex }}",
            [
                "items = walk(ctx, l)",
                "for index, _ in enumerate(items):",
                *POINT,
                "    out.write(nsl_text(len(items) - index))",
            ],
        ),
        (
            "{{ loop.nextitem }}{{ loop.index }}",
            [
                "loop = Loop(walk(ctx, l))",
                "for _ in loop:",
                *POINT,
                "    out.write(nsl_text(loop.nextitem))",
                "    out.write(nsl_text(loop.index))",
            ],
        ),
    ],
)  # fmt: skip
def test_a_loop_has_what_its_body_asks_for(template: str, expected: list[str]) -> None:
    assert code(f"{{% for x in l %}}{template}{{% endfor %}}", "l") == expected


def test_a_loop_that_reaches_a_point_in_each_pass_needs_none_of_its_own() -> None:
    sent = '{{ SendMessage(message="m") }}'
    assert code(f"{{% for x in l %}}{sent}{{% endfor %}}", "l") == [
        "for _ in walk(ctx, l):",
        '    await actions.send_message(ctx, message="m")',
    ]
    under_a_condition = f"{{% for x in l %}}{{% if x %}}{sent}{{% endif %}}{{% endfor %}}"
    assert code(under_a_condition, "l")[1:3] == POINT


def test_a_filter_leaves_a_pass_or_chooses_before_the_first() -> None:
    assert code("{% for x in l if x %}{{ x }}{% endfor %}", "l") == [
        "for x in walk(ctx, l):",
        *POINT,
        "    if not x:",
        "        continue",
        "    out.write(nsl_text(x))",
    ]
    assert code("{% for a, b in l if a %}{{ loop.last }}{% endfor %}", "l")[:2] == [
        "items = Steps(ctx, [(a, b) for a, b in walk(ctx, l) if a])",
        "for index, (_, _) in enumerate(items):",
    ]


# --- macros --------------------------------------------------------------------------------------


def test_a_macro_is_a_function_that_waits_only_if_its_body_does() -> None:
    assert code("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1) }}") == [
        "def m(a: Any = UNDEFINED) -> str:",
        "    with out.capture() as pieces:",
        "        out.write(nsl_text(a))",
        '    return "".join(pieces)',
        "out.write(m(1))",
    ]
    macros = "{% macro m() %}{{ Gen() }}{% endmacro %}{% macro n() %}{{ m() }}{% endmacro %}"
    waiting = code(macros + "{{ n() }}")
    assert [line for line in waiting if "def " in line] == [
        "async def m() -> str:",
        "async def n() -> str:",
    ]


def test_a_macro_that_nothing_calls_is_left_out() -> None:
    assert code("{% macro m() %}{{ m() }}{% endmacro %}a") == ['out.write("a")']


def test_set_in_a_macro_assigns_the_variable_of_the_run() -> None:
    lines = code(
        "{% macro m() %}{{ Set('x', 1) }}{% set y = 2 %}{{ y }}{% endmacro %}{{ m() }}{{ x }}{{ y }}"
    )
    assert "    nonlocal x" in lines
    assert "        y_2 = 2" in lines


def test_return_in_a_macro_leaves_the_skill() -> None:
    lines = code("{% macro m() %}{{ Return(val=1) }}{% endmacro %}{{ m() }}")
    assert "            leave(1)" in lines
    assert lines[-2:] == ["except Leave as left:", "    return left.value"]


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ p | join(', ') }}", 'out.write(filters.join(p, ", "))'),
        ("{{ p | length }}", "out.write(nsl_text(filters.length(p)))"),
        ("{{ p | random }}", "out.write(nsl_text(filters.random(p, source=ctx.random)))"),
        ("{{ 'a' if p is defined else 'b' }}", 'out.write("a" if p is not UNDEFINED else "b")'),
        ("{{ 'a' if p is not none else 'b' }}", 'out.write("a" if p is not None else "b")'),
        ("{{ p is divisibleby 3 }}", "out.write(nsl_text(filters.is_divisibleby(p, 3)))"),
        ("{{ (p ~ 1) | upper }}", "out.write(filters.upper(concatenate(p, 1)))"),
        ("{{ 'a' ~ p ~ none }}", 'out.write(f"a{p}None")'),
        ("{{ p[1:] }}", "out.write(nsl_text(item(p, slice(1, None))))"),
        ("{{ 7 // p }}", "out.write(nsl_text(floor_divide(7, p)))"),
        ("{{ f(*p, **q) }}{% set f = len %}", "out.write(nsl_text(call(f, *nsl_items(p), **named_arguments(q))))"),
    ],
)  # fmt: skip
def test_values(template: str, expected: str) -> None:
    assert expected in code(template, "p", "q")


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", ["guidance", "nsl"])
async def test_loops_make_only_so_many_steps(runner: Any) -> None:
    nested = {
        "guidance": "a{{#each range(40)}}\n{{#each range(10)}}{{/each}}{{/each}}",
        "nsl": "a{% for x in range(40) %}\n{% for y in range(10) %}{% endfor %}{% endfor %}",
    }
    done = compiled(Script("Main", nested[runner], {}, runner))
    main = done.functions()["Main"]
    exact = Runtime(provider=ScriptedProvider(["G"]), options=Options(loop_steps=440))
    assert (await exact.run(main, message="hello")).out.startswith("a")
    short = Runtime(provider=ScriptedProvider(["G"]), options=Options(loop_steps=439))
    with pytest.raises(LimitError, match="more than 439 steps") as raised:
        await short.run(main, message="hello")
    assert "line 2" in raised.value.__notes__[0]


async def test_steps_that_a_loop_does_not_make_are_not_counted() -> None:
    template = (
        "{% for x in range(100) %}{% for y in range(100) %}{% break %}{% endfor %}{% endfor %}b"
    )
    assert await ran(template, {}, Options(loop_steps=200)) == "b"
    with pytest.raises(LimitError, match="more than 199 steps"):
        await ran(template, {}, Options(loop_steps=199))


async def test_others_run_while_a_loop_goes_on() -> None:
    seen: list[int] = []

    async def count() -> None:
        while True:
            seen.append(len(seen))
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        await ran("{% for x in range(200) %}{% for y in range(100) %}{% endfor %}{% endfor %}", {})
        tasks.cancel_scope.cancel()
    assert len(seen) > 15  # about 20,000 steps, a point at every thousandth
