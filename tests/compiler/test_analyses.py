"""What is known of skills without running them: their variables, their types, and how trees are walked."""

from __future__ import annotations

import pytest

from emit_flows import HERE, const, flow_from, name, printing, script
from harness import Script
from skillc.analyses.scopes import Exposed, Scopes, assignments, exposed, received, scopes
from skillc.analyses.types import Type, Types, join, types
from skillc.analyses.walk import children, expressions, rewrite, statements, subexpressions
from skillc.dump import dump_body
from skillc.ir import ActionCall, Const, Each, Expr, Name, Stmt


def shown(type_: Type) -> str:
    """The parts of a type, sorted, None last: `float | int`, `str | None`; "" of none."""
    return " | ".join(sorted(type_, key=lambda part: (part == "None", part)))


# --- scopes --------------------------------------------------------------------------------------


def facts(text: str, *parameters: str, beside: tuple[Script, ...] = ()) -> Scopes:
    """The scopes of a skill Main."""
    flow = flow_from(*beside, script("Main", text, *parameters))
    main = next(skill for skill in flow.skills if skill.idn == "Main")
    return scopes(main, exposed(flow))


IF = "{{#if p}}%s{{else}}%s{{/if}}"
SET = "{{set 'x' 1}}"
RETURN = "{{Return()}}"
LOOP = "{{#each p as i}}%s{{/each}}"


@pytest.mark.parametrize(
    ("before", "sure"),
    [
        ("", False),
        (SET, True),
        (IF % (SET, ""), False),
        (IF % ("", SET), False),
        (IF % (SET, SET), True),
        (IF % (SET, RETURN), True),
        (IF % (RETURN, SET), True),
        ("{{#unless p}}{{set 'x' 1}}{{/unless}}", False),
        (LOOP % SET, False),
        (LOOP % (SET + "{{break}}"), False),
        (LOOP % "" + SET, True),
        (LOOP % IF % (SET, "{{continue}}{{x}}"), False),
        ("{{#system}}{{set 'x' 1}}{{/system}}", True),
        ("{{#block hidden=True}}{{set 'x' 1}}{{/block}}", True),
        ("{{#block 'x'}}a{{/block}}", True),
        ("{{#select 'x'}}a{{or}}b{{/select}}", True),
        ("{{#select 'y'}}{{set 'x' 1}}{{or}}b{{/select}}", True),
        ("{{gen 'x'}}", True),
        ("{{Concat(Set('x', 1), 'a')}}", True),
        ("{{p and Set('x', 1)}}", False),
        ("{{Set('x', 1) and p}}", True),
        ("{{1 < p < len(Set('x', 1))}}", False),
        ("{{1 < len(Set('x', 1)) < p}}", True),
        ("{{#if Set('x', 1)}}{{/if}}", True),
        ("{{#if p}}{{else if Set('x', 1)}}{{/if}}", False),
        ("{{Put()}}", False),
        ("{{Do(p)}}", False),
    ],
)
def test_what_is_surely_set_before_it_is_read(before: str, sure: bool) -> None:
    put = script("Put", "{{Set('x', 1, expose=True)}}")
    found = facts(before + "{{x}}", "p", beside=(put,))
    assert ("x" in found.maybe_unset | found.free) is not sure
    assert ("x" in {read.name for read in found.early}) is not sure


@pytest.mark.parametrize(
    ("text", "assigned", "free", "unused"),
    [
        ("{{x}}", "", "x", ""),
        ("{{set 'x' 1}}", "x", "", "x"),
        ("{{set 'x' 1}}{{x}}", "x", "", ""),
        ("{{Set('x', 1, expose=True)}}", "x", "", ""),
        ("{{Set('x', 1, expose=p)}}", "x", "", ""),
        ("{{set 'RESULT' 1}}", "RESULT", "", ""),
        ("{{set 'p' 1}}", "p", "", ""),
        ("{{#each p as i}}{{i}}{{/each}}{{i}}", "", "i", ""),
        ("{{#each p as i}}{{set 'i' 1}}{{/each}}", "", "", ""),
        ("{{#each p as i}}{{#block 'i'}}{{/block}}{{/each}}", "", "", ""),
        ("{{gen 'x'}}{{#block 'y'}}{{/block}}", "x y", "", "x y"),
        ("{{len}}{{json.loads(p)}}", "", "len json", ""),
        ("{{Set(p, 1)}}{{set 'x' 1}}{{y}}", "x", "y", ""),
    ],
)
def test_variables_of_a_skill(text: str, assigned: str, free: str, unused: str) -> None:
    found = facts(text, "p")
    assert found.assigned.keys() == set(assigned.split())
    assert found.free == set(free.split())
    assert found.unused == set(unused.split())


@pytest.mark.parametrize(
    ("text", "bound", "unset"),
    [
        ("", False, False),
        ("{{set 'RESULT' 1}}", True, False),
        ("{{#if p}}{{set 'RESULT' 1}}{{/if}}", True, True),
        ("{{#if p}}{{set 'RESULT' 1}}{{else}}{{Return(p)}}{{/if}}", True, False),
        ("{{#each p as RESULT}}{{RESULT}}{{/each}}", False, False),
        ("{{Set(p, 1)}}", True, False),
    ],
)
def test_the_result_variable(text: str, bound: bool, unset: bool) -> None:
    found = facts(text, "p")
    assert found.result_bound is bound
    assert ("RESULT" in found.maybe_unset) is unset


def test_the_first_assignment_is_where_it_ends() -> None:
    found = facts("{{#if p}}{{set 'x' 1}}{{/if}}{{set 'x' 2}}", "p")
    assert found.assigned == {"x": len("{{#if p}}{{set 'x' 1")}


def test_assignments_have_their_values() -> None:
    (main,) = flow_from(script("Main", "{{set 'a' 1}}{{#block 'b'}}{{/block}}{{gen 'c'}}")).skills
    found = {assignment.name: assignment.value for assignment in assignments(main)}
    assert found.keys() == {"a", "b", "c"}
    assert isinstance(found["a"], Const)
    assert found["b"] is None
    assert isinstance(found["c"], ActionCall)


def test_skills_expose_names_to_those_who_call_them() -> None:
    flow = flow_from(
        script("Literal", "{{Set('a', 1, expose=True)}}{{Set('b', 1, expose='no')}}"),
        script("Decided", "{{Set('c', 1, expose=c)}}"),
        script("Computed", "{{Set(n, 1, expose=True)}}"),
        script("Kept", "{{Set(n, 1)}}"),
        script("Main", "{{Literal()}}{{Do(n)}}{{Concat('x')}}{{seen}}"),
    )
    given: Exposed = exposed(flow)
    assert given["Literal"] == {"a"}
    assert given["Decided"] == {"c"}
    assert given["Computed"] == {"n", "c", "seen", "RESULT"}, "all that anybody reads"
    assert given["Kept"] == given["Main"] == frozenset()
    assert given[""] == {"a", "c", "n", "seen", "RESULT"}
    calls = [expr for skill in flow.skills for expr in expressions(skill.body)]
    assert {received(expr, given) for expr in calls} == {frozenset(), given["Literal"], given[""]}


# --- types ---------------------------------------------------------------------------------------


def typed(*scripts: Script) -> dict[str, Types]:
    return dict(types(flow_from(*scripts)))


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        ("", ""),
        ("str", "str"),
        ("str int", "int | str"),
        ("str Reply", "str"),
        ("Reply JsonText", "JsonText | Reply"),
        ("list[Any] DslList", "list[Any]"),
        ("None int", "int | None"),
        ("str Any None", "Any"),
    ],
)
def test_join_drops_what_another_part_includes(parts: str, joined: str) -> None:
    assert shown(join(*(frozenset({part}) for part in parts.split()))) == joined


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{set 'x' 'a'}}", "str"),
        ("{{set 'x' p}}", "str"),
        ("{{set 'x' none}}", "None"),
        ("{{set 'x' (1 + 2.5)}}", "float"),
        ("{{set 'x' n}}{{set 'n' (1 / 2)}}", "Undefined | float"),
        ("{{set 'x' (1 < 2)}}", "bool"),
        ("{{set 'x' (not p)}}", "bool"),
        ("{{set 'x' (p or 1)}}", "int | str"),
        ("{{set 'x' p.k}}", "Any"),
        ("{{set 'x' [p]}}{{set 'x' CreateArray(p)}}", "list[Any]"),
        ("{{set 'x' GenStream()}}", "Reply"),
        ("{{set 'r' GenStream()}}{{set 'x' r.failed}}", "bool"),
        ("{{gen 'x'}}", "str"),
        ("{{#block 'x'}}{{/block}}", "str"),
        ("{{#if p}}{{set 'x' 1}}{{/if}}{{x}}", "Undefined | int"),
        ("{{set 'x' y}}{{set 'y' x}}", "Undefined"),
        ("{{#each p as i}}{{set 'x' i}}{{/each}}", "Any"),
        ("{{#each p as i}}{{set 'x' @index}}{{set 'x' @first}}{{/each}}", "bool | int"),
        ("{{Set('x', 1, expose=True)}}", "int"),
        ("{{set 'x' (Set('y', 1))}}", "str"),
        ("{{set 'x' (p + Return(1))}}", "Any"),
        ("{{set 'x' 1}}{{Set(p, 1)}}", "Any"),
        ("{{set 'x' len(p)}}{{set 'x' Stringify(p)}}", "int | str"),
    ],
)
def test_type_of_a_variable(text: str, expected: str) -> None:
    (known,) = typed(script("Main", text, "p")).values()
    assert shown(known.variables["x"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "str"),
        ("{{Return(1)}}", "int | str"),
        ("{{Return()}}", "str"),
        ("{{Return(p.k)}}", "Any"),
        ("{{#if p}}{{Return(1)}}{{/if}}{{set 'RESULT' none}}", "int | None"),
        ("{{#if p}}{{set 'RESULT' 1}}{{/if}}", "int | str"),
        ("{{Concat(Return(1))}}", "Any"),
        ("{{Return(Main(p=p))}}", "str"),
        ("{{#if p}}{{Return(1)}}{{/if}}{{Return(Main(p=p))}}", "int | str"),
    ],
)
def test_type_of_a_result(text: str, expected: str) -> None:
    (known,) = typed(script("Main", text, "p")).values()
    assert shown(known.result) == expected


def test_types_travel_through_calls_in_both_directions() -> None:
    known = typed(
        script("Even", "{{#if n}}{{Return(Odd(n=n))}}{{/if}}{{Return(true)}}", "n"),
        script("Odd", "{{#if n}}{{Return(Even(n=n))}}{{/if}}{{Return(none)}}", "n"),
        script("Main", "{{Even(n=p)}}{{Text(t=p, u=1)}}{{Text(t=Even(n='1'))}}", "p"),
        script("Text", "{{Return(t)}}", "t", "u"),
        script("Called", "{{n}}{{m}}", "n", "m"),
        script("Late", "{{Do(x, m=1)}}", "x"),
    )
    assert shown(known["Even"].result) == shown(known["Odd"].result) == "bool | str | None"
    parameters = {
        f"{idn}.{name}": shown(known[idn].variables[name])
        for idn, name in [
            *(("Even", "n"), ("Main", "p"), ("Text", "t"), ("Text", "u")),
            *(("Called", "n"), ("Called", "m")),
        ]
    }
    assert parameters == {
        "Even.n": "str",
        "Main.p": "str",
        "Text.t": "Any",
        "Text.u": "Any",
        "Called.n": "str",
        "Called.m": "Any",
    }


def test_exposed_variables_may_be_anything_to_the_caller() -> None:
    known = typed(script("Put", "{{Set('x', 1, expose=True)}}"), script("Main", "{{Put()}}{{x}}"))
    assert shown(known["Put"].variables["x"]) == "int"
    assert shown(known["Main"].variables["x"]) == "Any"


# --- walking -------------------------------------------------------------------------------------

TREE = """a{{#if b}}{{set 'c' (d + e)}}{{else}}{{f}}{{/if}}{{#each g as h}}{{i}}{{else}}{{j}}{{/each}}
{{#system name=k}}{{#block 'l'}}{{m}}{{/block}}{{/system}}{{#select 'n'}}{{o}}{{or}}{{p}}{{/select}}
{{Set(q, r, expose=s)}}{{Set('t', u, expose=v)}}{{Return(Concat(w, Return(x)))}}"""


def names(body: tuple[Stmt, ...]) -> str:
    return "".join(expr.name for expr in expressions(body) if isinstance(expr, Name))


def test_everything_is_visited_in_the_order_of_the_template() -> None:
    (main,) = flow_from(script("Main", TREE)).skills
    # Behind the block and the choice, `l` and `n` are read again: the name that `s` exposes may be any.
    assert names(main.body) == "bdefgijkmlopnqrsuvwx"
    assert sum(isinstance(stmt, Each) for stmt in statements(main.body)) == 1


def test_rewrite_reaches_every_expression_innermost_first() -> None:
    (main,) = flow_from(script("Main", TREE)).skills
    seen: list[Expr] = []

    def change(expr: Expr) -> Expr:
        assert all(any(part is other for other in seen) for part in children(expr))
        seen.append(expr)
        return expr

    assert rewrite(main.body, change) == main.body
    assert len(seen) == len(list(expressions(main.body)))


def test_rewrite_puts_the_new_parts_in_place_of_the_old_ones() -> None:
    (main,) = flow_from(script("Main", TREE)).skills

    def upper(expr: Expr) -> Expr:
        return Name(expr.span, expr.name.upper()) if isinstance(expr, Name) else expr

    assert names(rewrite(main.body, upper)) == names(main.body).upper()
    assert dump_body(rewrite(main.body, upper)).lower() == dump_body(main.body).lower()


def test_rewrite_shows_a_change_the_changed_parts() -> None:
    one = ActionCall(HERE, "Concat", rest=(name("a"), const("b")))
    body = (printing(ActionCall(HERE, "Concat", rest=(one, name("a")))),)

    def joined(expr: Expr) -> Expr:
        match expr:
            case Name():
                return const("a")
            case ActionCall(rest=rest):
                return const("".join(str(part.value) for part in rest if isinstance(part, Const)))
            case _:
                return expr

    assert rewrite(body, joined) == (printing(const("aba")),)


def test_subexpressions_come_outer_ones_first() -> None:
    inner = ActionCall(HERE, "Concat", rest=(name("a"),), args=(("x", name("b")),))
    whole = ActionCall(HERE, "Concat", rest=(inner,), extra=(("y", name("c")),))
    assert list(subexpressions(whole)) == [whole, inner, name("a"), name("b"), name("c")]
