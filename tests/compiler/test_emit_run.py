"""Emitted flows run as the language says: values, order, scopes, results; no model but one that answers `G`."""

from __future__ import annotations

import pytest

from emit_flows import (
    HERE,
    const,
    emitted,
    flow_of,
    loaded,
    name,
    printed,
    printing,
    run,
    script,
    skill_of,
)
from skillc.emit import emit_flow
from skillc.ir import Bind, Compare, Evaluate, ListExpr, Logic, SetComputed, Void
from skillrt.errors import ActionError, SecurityError, SkillError

pytestmark = pytest.mark.anyio

TEXTS = [
    # template, arguments, what is printed
    ("Hi {{who}}{{nope}}", {"who": "Ann"}, "Hi Ann"),
    ("{{a + b * 2}}/{{10 - 2 - 3}}/{{a - (b - 1)}}", {"a": 1, "b": 2}, "5/5/0"),
    ('{{#if k == "x"}}1{{else if k == "y"}}2{{else}}3{{/if}}', {"k": "y"}, "2"),
    ("{{#if not n == 1}}A{{else}}B{{/if}}", {"n": 2}, "A"),
    ("{{#each d}}{{@key}}={{this}}{{#if not @last}};{{/if}}{{/each}}", {"d": {"x": 1, "y": 2}}, "x=1;y=2"),
    ("{{#each o}}{{#each this}}{{@index}}{{/each}}/{{@index}};{{/each}}", {"o": [["p", "q"], ["r"]]}, "01/0;0/1;"),
    ("{{#each l}}{{#if this == 'b'}}{{break}}{{/if}}{{this}}{{else}}none{{/each}}", {"l": ["a", "b", "c"]}, "a"),
    ("{{#each l}}{{#if this == 'b'}}{{break}}{{/if}}{{this}}{{else}}none{{/each}}", {"l": []}, "none"),
    ('{{#each l}}{{Set(name="seen", value=this)}}{{/each}}{{seen}}', {"l": ["a", "b"]}, "b"),
    ("{{set 'this' 'o'}}{{#each l}}{{set 'this' 1}}{{this}}{{/each}}{{this}}", {"l": [7]}, "1o"),
    ("{{#each j}}<{{this}}>{{/each}}", {"j": '["p", "q"]'}, "<p><q>"),
    ("{{#block 'k'~}} v {{~/block}}[{{k}}]", {}, "v[v]"),
    ("a{{#block 'k' hidden=True}}v{{/block}}[{{k}}]", {}, "a[v]"),
    ('{{Concat(Set(name="q", value="1"), q, q)}}{{q}}', {}, "111"),
    ('{{gen "r"}}{{r}}{{Set(name="s", value=gen("t"))}}{{s}}{{t}}', {}, "GGGG"),
    ("{{x or y or 'd'}}{{1 and 0}}{{not x}}", {}, "d0True"),
    ("{{1 < n < 3}}{{1 < n < 2}}{{n in l}}{{nope is None}}", {"n": 2, "l": [2]}, "TrueFalseTrueFalse"),
    ("{{s.strip().upper()}}{{x.k}}{{x['k']}}{{l[1]}}{{l[9]}}", {"s": " a ", "x": {"k": 5}, "l": [7, 8]}, "A558"),
    ("{{json.loads(j)[1]}}{{len('abc')}}{{sorted(l, reverse=True)}}", {"j": "[1, 2]", "l": [1, 2]}, "23[2, 1]"),
    ("{{[1, [], {'k': {}}]}}", {}, "[1, [], {'k': {}}]"),
    ("{{#if maybe}}x{{/if}}{{Set(name='maybe', value=1)}}{{maybe}}", {"maybe": ""}, "1"),
    ("{{from}}{{text}}{{_}}", {"from_": 1, "text_": 2, "_": 3}, "123"),
    ("{{#if false}}{{a.b.c}}{{/if}}{{#if a and false}}{{/if}}ok", {}, "ok"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "arguments", "expected"), TEXTS)
async def test_prints(template: str, arguments: dict[str, object], expected: str) -> None:
    assert await printed(emitted(script("Main", template)), **arguments) == expected


@pytest.mark.parametrize(
    ("template", "arguments", "result"),
    [
        ("text", {}, ""),
        ("{{Return(val=l)}}", {"l": [1]}, [1]),
        ("{{Return(val=x)}}", {}, ""),
        ("{{Return(val=x.k)}}", {"x": {}}, ""),
        ("{{#each l}}{{#system}}{{#block 'b'}}{{Return(val=this)}}{{/block}}{{/system}}{{/each}}", {"l": [3]}, 3),
        ('{{Set(name="RESULT", value=x)}}', {"x": 2}, 2),
        ('{{#if x}}{{Set(name="RESULT", value=x)}}{{/if}}', {}, ""),
        ('{{Set(name=n, value=x)}}', {"n": "RESULT", "x": 5}, 5),
    ],
)  # fmt: skip
async def test_results(template: str, arguments: dict[str, object], result: object) -> None:
    assert (await run(emitted(script("Main", template)), arguments)).result == result


async def test_roles_become_messages() -> None:
    template = "{{#system}}S{{x}}{{/system}}{{#user name='Sue' hidden=True}}U{{/user}}{{#role r}}A{{/role}}"
    done = await run(emitted(script("Main", template)), {"x": 1, "r": "assistant"})
    assert [(message.role, message.content) for message in done.messages] == [
        ("system", "S1"),
        ("assistant", "A"),
    ]


async def test_skills_see_their_arguments_and_hand_over_what_they_expose() -> None:
    text = emitted(
        script(
            "Put",
            '{{Set(name="shared", value="S", expose=True)}}{{Set(name="own", value="o")}}{{own}}',
        ),
        script("Greet", '{{#if extra}}+{{/if}}{{Return(val=Concat("hi ", who, age))}}', "who"),
        script(
            "Main",
            "[{{shared}}{{own}}]{{Put()}}{{shared}}{{own}}{{Concat(Put(), shared)}}{{Greet(who=x, age=3)}}",
        ),
    )
    assert await printed(text) == "[]SShi 3"
    assert await printed(text, x="Al", own="z") == "[z]SzShi Al3"


async def test_a_variable_hides_no_skill() -> None:
    greet = script("Greet", "{{Return(val='hi')}}")
    text = emitted(
        greet, script("Main", "{{Greet()}}{{Set(name='Greet', value='x')}}{{Greet}}{{Greet()}}")
    )
    assert await printed(text) == "hixhi"


async def test_computed_names_reach_every_variable() -> None:
    template = (
        '{{Set(name=n, value=1)}}{{x}}{{from}}{{Set(name="x", value=2)}}{{x}}{{gen "g"}}{{g}}{{p}}'
    )
    text = emitted(script("Main", template, "n", "p"))
    assert await printed(text, n="x", p="P") == "12GGP"
    assert await printed(text, n=" from ", p="P") == "12GGP"
    assert await printed(text, n="p", x="X") == "X2GG1"
    with pytest.raises(ActionError, match="Set: parameter 'name': expected a variable name"):
        await printed(text, n="a b")


async def test_computed_names_are_exposed_when_asked() -> None:
    body = Evaluate(HERE, SetComputed(HERE, name("n"), const(1), name("e")))
    text = emit_flow(flow_of(skill_of(body, parameters=("n", "e")))).text
    assert (await run(text, {"n": "x", "e": "true"})).exposed == {"x": 1}
    assert (await run(text, {"n": "x", "e": ""})).exposed == {}
    with pytest.raises(ActionError, match=r"Set: parameter 'expose'"):
        await run(text, {"n": "x", "e": "perhaps"})


async def test_operands_are_evaluated_once_and_only_when_needed() -> None:
    items = name("items")

    def note(value: str) -> Bind:
        """Assign `seen` what it was and one more letter."""
        return Bind(HERE, "seen", ListExpr(HERE, (name("seen"), const(value))))

    body = (
        Evaluate(HERE, Bind(HERE, "seen", const("-"))),
        Evaluate(
            HERE, Compare(HERE, Void(HERE, note("a")), (("==", note("b")), ("==", note("c"))))
        ),
        Evaluate(HERE, Compare(HERE, note("<"), (("in", note(">")),))),
        Evaluate(HERE, Logic(HERE, "or", (items, note("d"), note("e")))),
        printing(name("seen")),
    )
    text = emit_flow(flow_of(skill_of(*body, parameters=("items",)))).text
    assert await printed(text, items="x") == "[[[['-', 'a'], 'b'], '<'], '>']"
    assert await printed(text, items="") == "[[[[['-', 'a'], 'b'], '<'], '>'], 'd']"


@pytest.mark.parametrize(
    "template", ["{{x.k}}", "{{x + 1}}", "{{x.f()}}", "{{#if x.k}}{{/if}}", "{{-x}}"]
)
async def test_undefined_is_an_error_where_the_language_says_so(template: str) -> None:
    with pytest.raises(SkillError):
        await printed(emitted(script("Main", template)))


async def test_computed_names_do_not_reach_python() -> None:
    text = emitted(script("Main", "{{s[k]}}"))
    for wrong in ("__class__", "format", "_x"):
        if wrong == "_x":
            assert await printed(text, s="a", k=wrong) == ""
        else:
            with pytest.raises(SecurityError):
                await printed(text, s="a", k=wrong)


def test_parameters_have_their_defaults() -> None:
    skill = loaded(emitted(script("Main", "", "boat", "global")))["Main"]
    assert skill.__kwdefaults__ == {"boat": "", "global_": ""}
