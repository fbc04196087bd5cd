"""What the passes make of parsed skills: calls resolved, arguments clean, constants folded, findings reported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from skillc.dump import dump_body
from skillc.errors import Diagnostic, Report, did_you_mean, render_diagnostic
from skillc.frontends.guidance import parse_guidance
from skillc.ir import Flow, Parameter, Skill
from skillc.passes import Settings, lower
from skillc.source import Source
from skillrt.actions import CATALOGUE
from skillrt.functions import FUNCTIONS

NORMALIZED = Settings(similarity="normalized")


SET_TWICE = '{{{{SetState(name="k", value="1")}}}}{}{{{{SetState(name="k", value="2")}}}}'
SEND_TO = "{{{{SendMessage(message=x, actorIds=GetActors({}))}}}}"


def skill(text: str, idn: str = "Main", *parameters: Parameter) -> tuple[Skill, Report]:
    source = Source(f"{idn}.guidance", text)
    report = Report(source)
    return Skill(idn, source, "guidance", parse_guidance(source, report), parameters), report


GREET = skill('{{Return(val=Concat("hi ", name))}}', "Greet", Parameter("name", "you"))


def lowered(
    text: str, *parameters: str, how: Settings | None = None
) -> tuple[str, list[Diagnostic]]:
    """The dumped body of a skill after all passes, and what was found; beside it there is a skill Greet."""
    main, report = skill(text, "Main", *(Parameter(name, "") for name in parameters))
    greet, greet_report = GREET
    flow = Flow("flow", "flow", (greet, main))
    done = lower(flow, how or Settings(), {"Main": report, "Greet": greet_report})
    return dump_body(done.skills[1].body), list(report.findings.values())


def codes(text: str, *parameters: str, how: Settings | None = None) -> list[str]:
    return sorted(finding.code for finding in lowered(text, *parameters, how=how)[1])


def body(text: str, *parameters: str, how: Settings | None = None) -> str:
    dumped, findings = lowered(text, *parameters, how=how)
    assert not [f for f in findings if f.severity == "error"]
    return dumped


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{{Set(name="x", value="1")}}{{x}}', "{{set 'x' \"1\"}}{{x}}"),
        ('{{Set("x", 1)}}{{x}}', "{{set 'x' 1}}{{x}}"),
        ('{{Return(val="a")}}', '{{Return("a")}}'),
        ('{{Return(val="")}}', "{{Return()}}"),
        ('{{Gen(temperature="0.5")}}', "{{gen(temperature=0.5)}}"),
        ("{{gen 'r' temperature=0.5}}", '{{Gen(name="r", temperature="0.5")}}'),
        ('{{GenStream(stop="a")}}', '{{GenStream(stop=["a"])}}'),
        (
            '{{GetMemory(fromPerson="user", count="1")}}',
            '{{GetMemory(fromPerson="User", count=1)}}',
        ),
        ('{{Do("GetUser", field="name")}}', '{{GetUser(field="name")}}'),
        ('{{Do(actionName="Greet", name="Al")}}', '{{Greet(name="Al")}}'),
        ('{{IsSimilar(text1=x, text2="b")}}', '{{IsSimilar(x, "b")}}'),
        ('{{Concat("a", "b")}}', "ab"),
        ("{{1 + 2 * 3}}", "7"),
        ("{{-1}}", "{{0 - 1}}"),
        ("a{{none}}b", "ab"),
        ('{{Concat("a", Add(1, 2))}}!', "a3!"),
    ],
)
def test_two_spellings_mean_the_same(one: str, other: str) -> None:
    assert body(one, "x") == body(other, "x")


@pytest.mark.parametrize(
    ("text", "code", "column", "hint"),
    [
        ('{{SendMesage(message="x")}}', "SK201", 3, "did you mean 'SendMessage'?"),
        ("{{Gret()}}", "SK201", 3, "did you mean 'Greet'?"),
        ('{{GetState(nme="x")}}', "SK205", 12, "did you mean 'name'?"),
        ("{{GetState()}}", "SK202", 3, None),
        ('{{GenStream(sendTo="actor")}}', "SK210", 20, "did you mean 'actors'?"),
        ('{{Gen(maxTokens="many")}}', "SK213", 17, None),
        ("{{Gen(maxTokens=0)}}", "SK212", 17, None),
        ('{{GetMemory(count="1", "x")}}', "SK208", 24, None),
        ("{{GetState(1, 2)}}", "SK209", 15, None),
        ('{{Greet("Bo")}}', "SK219", 9, None),
        ("{{SendMessage}}", "SK217", 3, None),
        ('{{SetState(name="k", value="1", name="z")}}', "SK218", 33, None),
        ('{{Set(name="a b", value="1")}}', "SK311", 12, None),
        ('{{GenStream(interruptMode="interruptWindow")}}', "SK410", 27, None),
        ('{{GenStream(sendTo="actors")}}', "SK411", 20, None),
        ("{{x._y}}", "SK313", 5, None),
        ("{{json.codecs}}", "SK313", 8, None),
        ("{{#system}}a{{#user}}b{{/user}}{{/system}}", "SK401", 13, None),
    ],
)
def test_error_has_code_place_and_suggestion(
    text: str, code: str, column: int, hint: str | None
) -> None:
    _, findings = lowered(text, "x")
    found = next(finding for finding in findings if finding.code == code)
    assert found.severity == "error"
    assert found.source.line_column(found.span.start) == (1, column)
    assert found.hint == hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{SetState(name="k", value="1", name="k")}}', ["SK207"]),
        ('{{Greet(name="Al", age=3)}}', ["SK206"]),
        ('{{sendmessage(message="x")}}', ["SK216"]),
        ('{{GetMemory(from_person="User")}}', ["SK215"]),
        ("{{nope}}", ["SK301"]),
        ("{{y}}{{Set('y', 1)}}", ["SK304"]),
        ("{{#if y}}{{/if}}{{Set('y', 1)}}", []),
        ("{{Set('y', y + 1)}}", ["SK304"]),
        ('{{#if x}}{{Set("y", 1)}}{{/if}}{{y}}', []),
        ("{{len(x)}}{{json.loads(x)}}", []),
        ("{{#each x}}{{this}}{{/each}}", []),
        ("{{#each x}}{{/each}}{{this}}", ["SK301"]),
        ('{{#if IsSimilar(text1=x, text2="vapi")}}x{{/if}}', ["SK510"]),
        ('{{#if IsSimilar(text1=x, text2="vapi", threshold=0.8)}}x{{/if}}', []),
        ('{{#if IsSimilar(x, "a")}}{{/if}}{{#if IsSimilar(x, "b")}}{{/if}}', ["SK510"]),
        ('{{IsSimilar(x, "a", strategy="symbols", threshold=0.3)}}', ["SK225"]),
        ("{{GenStream(interruptWindow=2)}}", ["SK225", "SK403"]),
        ('{{GenStream(actorIds="a")}}', ["SK225", "SK403"]),
        ("{{Gen(validateSchema=True)}}", ["SK225", "SK403"]),
        ("ask{{Gen()}}", ["SK402"]),
        ("{{#user}}ask{{/user}}{{Gen()}}", []),
        ("{{#each x}}{{Gen()}}{{#user}}{{this}}{{/user}}{{/each}}", []),
        ("{{#block hidden=True}}ask{{/block}}{{Gen()}}", ["SK403"]),
        ("{{#if x}}{{GenStream()}}{{else}}{{GenStream()}}{{/if}}", ["SK403", "SK403"]),
        ("{{Return()}}\n{{SendMessage(message=x)}}", ["SK501"]),
        ("{{#each x}}{{break}}{{this}}{{/each}}", ["SK501"]),
        ("{{Return()}}\n", []),
        (SET_TWICE.format(""), ["SK502"]),
        (SET_TWICE.format("{{Greet()}}"), []),
        (SET_TWICE.format('{{GetState(name="k")}}'), []),
        (SET_TWICE.format("{{#if x}}{{/if}}"), ["SK502"]),
        (SET_TWICE.format("{{#if x}}a{{/if}}"), []),
        ('{{Set(name="a", value=SetState(name="k", value=x))}}{{a}}', ["SK214"]),
        ('{{GetUser(field="shoe")}}', ["SK229"]),
        ('{{SendCommand(commandIdn="c", integrationIdn="i")}}', ["SK231"]),
        (SEND_TO.format('integrationIdn="vapi"'), ["SK413"]),
        (SEND_TO.format('integrationIdn="vapi", personaId=x'), []),
        (SEND_TO.format('integrationIdn="vapi", connectorIdn="c"'), []),
        (SEND_TO.format(""), []),
        (
            '{{Set("a", GetActors(integrationIdn="v"))}}{{SendMessage(message=x, actorIds=a)}}',
            ["SK413"],
        ),
        ('{"a": {"b": 1}}', []),
        ('{{len("ab")}}{{Len("ab")}}', []),
    ],
)
def test_warnings(text: str, expected: list[str]) -> None:
    assert codes(text, "x") == expected


def test_normalized_similarity_is_emitted_as_arguments_and_not_warned_about() -> None:
    text = '{{IsSimilar(text1=x, text2="vapi")}}'
    assert codes(text, "x", how=NORMALIZED) == []
    assert "normalized" in body(text, "x", how=NORMALIZED)
    assert "0.8" in body(text, "x", how=NORMALIZED)
    assert "normalized" not in body(text, "x")


def test_unknown_call_in_a_lone_file_is_resolved_at_run_time() -> None:
    lone = Settings(lone=True)
    assert codes('{{Elsewhere(a="1")}}', how=lone) == ["SK203"]
    assert "Do" in body('{{Elsewhere(a="1")}}', how=lone)
    assert codes("{{SendMesage()}}", how=lone) == ["SK201"]


def test_a_variable_never_hides_an_action() -> None:
    assert "GetUser" in body("{{Set('GetUser', 1)}}{{GetUser()}}")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{{SendMessage(message="m")}}', "evaluate"),
        ('{{SetState(name="a", value="b")}}', "evaluate"),
        ("{{GenStream()}}", "emit"),
        ("{{Gen(hidden=True)}}", "evaluate"),
        ("{{GetUser()}}", "emit"),
        ("{{Greet()}}", "emit"),
        ("{{Do('SendMessage', message='m')}}", "evaluate"),
        ("{{Set('a', 1)}}{{a}}", "assign"),
    ],
)
def test_what_a_bare_call_prints(text: str, kind: str) -> None:
    assert body(text).startswith(kind)


def test_arguments_that_are_not_surely_clean_are_converted_at_run_time() -> None:
    dumped = body("{{Set('n', \"150\")}}{{GenStream(maxTokens=n, temperature=x)}}", "x")
    assert "GenStream.maxTokens" in dumped
    assert "GenStream.temperature" in dumped


def test_clean_arguments_are_not_converted() -> None:
    assert "SendMessage.message" not in body("{{SendMessage(message=x)}}", "x")


def test_nested_loops_have_names_of_their_own() -> None:
    dumped = body("{{#each x}}{{#each this}}{{this}}{{/each}}{{this}}{{/each}}", "x")
    assert "this_2" in dumped
    assert dumped.count("this_2") >= 2


def test_several_findings_are_rendered_with_carets() -> None:
    _, findings = lowered("{{GetState(nme=1)}}")
    assert render_diagnostic(findings[0]) == (
        "Main.guidance:1:12: error[SK205]: GetState: unknown argument 'nme'\n"
        "    1 | {{GetState(nme=1)}}\n"
        "      |            ^^^ did you mean 'name'?"
    )


def typos(name: str) -> Iterator[str]:
    """Every text that one deletion, and one replaced or inserted letter, makes of a name."""
    for at in range(len(name)):
        yield name[:at] + name[at + 1 :]
        yield name[:at] + "q" + name[at + 1 :]
        yield name[:at] + "q" + name[at:]


def test_suggestions_for_typos_of_one_edit_are_right_in_nine_of_ten() -> None:
    right, wrong = 0, []
    for name, entry in CATALOGUE.items():
        for typo in typos(name):
            hint = did_you_mean(typo, [*CATALOGUE, *FUNCTIONS])
            if hint == f"did you mean '{name}'?":
                right += 1
            else:
                wrong.append(typo)
        for parameter in entry.parameters:
            for typo in typos(parameter.name):
                hint = did_you_mean(typo, [p.name for p in entry.parameters])
                if hint == f"did you mean '{parameter.name}'?":
                    right += 1
                else:
                    wrong.append(typo)
    assert right >= 0.9 * (right + len(wrong)), wrong
