"""Role tags of the NSL dialect: where they are blocks, where statements, where names."""

from __future__ import annotations

import pytest

from nsl import codes, guidance, parse, said, shape, tree
from skillc.ir import CloseRole, Emit, If, OpenRole, Role, Stmt


def kinds(body: tuple[Stmt, ...]) -> list[str]:
    """The statements of a body by type; what stands in a role in brackets behind it."""
    found: list[str] = []
    for stmt in body:
        inside = f"[{' '.join(kinds(stmt.body))}]" if isinstance(stmt, Role) else ""
        found.append(type(stmt).__name__ + inside)
    return found


def test_balanced_tags_are_the_block_of_guidance() -> None:
    nsl = "{{system -}} S {{ n }} {{- end}}{{user}}U{{end}}"
    other = "{{#system~}} S {{n}} {{~/system}}{{#user}}U{{/user}}"
    assert shape(tree(nsl)) == shape(guidance(other))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{user}}{% if a %}x{% endif %}{{end}}", ["Role[If]"]),
        ("{{user}}{% for x in l %}{{ x }}{% endfor %}{{end}}", ["Role[Each]"]),
        ("{% if a %}{{user}}x{{end}}{% endif %}", ["If"]),
        ("{{user}}{% with a=1 %}{{ a }}{{end}}{% endwith %}", ["Role[Assign Emit]"]),
        # Not in one body.
        ("{% if a %}{{system}}{% else %}{{user}}{% endif %}T{{end}}", ["If", "Emit", "CloseRole"]),
        ("{{user}}a{% if b %}{{end}}{% else %}{{end}}{% endif %}", ["OpenRole", "Emit", "If"]),
        # A role that is left by `continue` stays open: no block.
        (
            "{% for x in l %}{{user}}{% if x %}{% continue %}{% endif %}{{end}}{% endfor %}",
            ["Each"],
        ),
        ("{{user}}{% for x in l %}{% break %}{% endfor %}{{end}}", ["Role[Each]"]),
        # Behind a role that may be open, a block would nest; before it, it does not.
        (
            "{{user}}a{{end}}{% if a %}{{system}}{% endif %}{{user}}b{{end}}",
            ["Role[Emit]", "If", "OpenRole", "Emit", "CloseRole"],
        ),
        ("{{end}}{{user}}a{{end}}", ["CloseRole", "Role[Emit]"]),
    ],
)
def test_which_tags_are_blocks(text: str, expected: list[str]) -> None:
    made, _ = parse(text)
    assert kinds(made) == expected


def test_tags_inside_branches_are_statements() -> None:
    branch, _, close = tree("{% if a %}{{system}}{% else %}{{user}}{% endif %}T{{end}}")
    assert isinstance(branch, If)
    opened = [stmt.role for stmt in (*branch.body, *branch.orelse) if isinstance(stmt, OpenRole)]
    assert opened == ["system", "user"]
    assert isinstance(close, CloseRole)


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("{{ user }}", ["user"]),
        ("{% set user = 'Bo' %}{{ user }}", []),
        ("{{ user }}{{ Set(name='user', value=1) }}", []),
        ("{{ user }}{% for user in l %}{% endfor %}", []),
        ("{{ user }}{% macro f(user) %}{% endmacro %}", []),
        ("{{ user.name }}", []),
        ("{{ user }}{% set a, user = l %}", []),
        ("{{ (system, end) }}", []),
    ],
)
def test_name_that_is_a_variable_is_no_role_tag(text: str, outside: list[str]) -> None:
    made, _ = parse(text, *outside)
    assert any(isinstance(stmt, Emit) for stmt in made)
    assert not any(isinstance(stmt, Role | OpenRole | CloseRole) for stmt in made)


def test_one_role_name_may_be_a_variable_and_the_others_tags() -> None:
    made = tree("{{system}}{{ user }}{{end}}", "user")
    assert kinds(made) == ["Role[Emit]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{system}}S", ["1:1 SK404 [{{system}}] '{{system}}' on line 1 has no '{{end}}'"]),
        ("a\n{{ end }}", ["2:1 SK404 [{{ end }}] '{{end}}' on line 2 has no '{{system}}'"]),
        (
            "{{system}}S{{user}}U{{end}}",
            ["1:1 SK404 [{{system}}] '{{system}}' on line 1 has no '{{end}}'"],
        ),
        (
            "{% if a %}{{user}}{% endif %}{{system}}S{{end}}",
            ["1:11 SK404 [{{user}}] '{{user}}' on line 1 has no '{{end}}'"],
        ),
        ("{{user}}{% if a %}{{end}}{% else %}{{end}}{% endif %}", []),
        ("{% if a %}{{system}}{% else %}{{user}}{% endif %}T{{end}}", []),
        ("{% set x %}{{user}}{% endset %}", ["1:12 SK405 [{{user}}] role tags cannot be captured"]),
        ("{% filter upper %}{{end}}{% endfilter %}", ["1:19 SK405 [{{end}}] role tags cannot be captured"]),
    ],
)  # fmt: skip
def test_what_is_said_of_role_tags(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize("block", ["macro m()", "call m()"])
def test_role_tag_in_a_macro(block: str) -> None:
    text = f"{{% macro m() %}}{{% endmacro %}}{{% {block} %}}{{{{user}}}}{{% end{block[:5].strip()} %}}"
    assert [line.split()[1] for line in codes(text)] == ["SK405"]
