"""YAML as nodes with places: what is refused and where, whatever the file holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillc.errors import Report
from skillc.project.documents import NODE_LIMIT, Items, Node, Pairs, Scalar, parse_yaml, to_json
from skillc.source import Source


def parse(text: str) -> tuple[Node, list[str]]:
    """The node, and `line:column: message` of each finding."""
    source = Source("f.yaml", text)
    report = Report(source)
    node = parse_yaml(source, report)
    findings = report.findings.values()
    assert {finding.code for finding in findings} <= {"SK610"}
    return node, [
        "{}:{}: {}".format(*source.line_column(finding.span.start), finding.message)
        for finding in findings
    ]


def test_yaml_nodes_know_their_characters() -> None:
    text = 'ž: "é"\nlist: [ü, 1] # c\ntext: |\n  ö\n  x\nlast: end\n'
    node, findings = parse(text)
    assert findings == []
    assert isinstance(node, Pairs)
    places = {key.text: value.span for key, value in node.pairs}
    assert text[slice(*places["ž"])] == '"é"'
    assert text[slice(*places["list"])] == "[ü, 1]"
    assert text[slice(*places["last"])] == "end"
    assert [text[slice(*key.span)] for key, _ in node.pairs] == ["ž", "list", "text", "last"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\n\tb: 2\n", "2:1: found a tab character that violates indentation"),
        ("a: [1\n", "2:1: did not find expected ',' or ']'"),
        ("a: 'x\n", "2:1: found unexpected end of stream"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document"),
        ("a: 1\na: 2\n", "2:1: key 'a' is already on line 1"),
        ("a: !!python/object/apply:os.system [x]", "1:4: tag '!!python/object/apply:os.system' is not allowed"),
        ("a: !include x", "1:4: tag '!include' is not allowed"),
        ("a: !enum [x]", "1:4: tag '!enum' is not allowed"),
        ("a: *b", "1:4: nothing before this is anchored as '&b'"),
        ("a: &b [*b]", "1:8: nothing before this is anchored as '&b'"),
        ("? [x]\n: y", "1:3: a key must be text"),
        ("a: \x07", "1:4: control characters are not allowed"),
        ("[" * 60 + "]" * 60, "1:51: nested deeper than 50 levels"),
    ],
)  # fmt: skip
def test_yaml_refuses_at_the_place(text: str, found: str) -> None:
    assert parse(text)[1] == [found]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null", "~"])
def test_yaml_empty_file_is_an_empty_mapping(text: str) -> None:
    node, findings = parse(text)
    assert (to_json(node), findings) == ("{}", [])


def test_yaml_norway_and_numbers_keep_their_text() -> None:
    node, _ = parse("[no, 1_000, 0o7, 1e3, 012, yes, 2020-01-01, .5, 'true', true, null]")
    assert isinstance(node, Items)
    assert [item.text for item in node.items if isinstance(item, Scalar)][:3] == [
        "no",
        "1_000",
        "0o7",
    ]
    assert to_json(node) == (
        '["no","1_000","0o7",1e3,"012","yes","2020-01-01",".5","true",true,null]'
    )


def test_yaml_aliases_share_their_node() -> None:
    node, findings = parse("a: &x {k: 1}\nb: *x\n")
    assert (to_json(node), findings) == ('{"a":{"k":1},"b":{"k":1}}', [])


def test_yaml_billion_laughs_is_counted_not_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    node, (found,) = parse("\n".join(lines))
    assert found.endswith(f"more than {NODE_LIMIT} values")
    assert to_json(node) == "{}"


def test_yaml_aliases_cannot_nest_deeper_than_lists() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]
    assert parse("\n".join(lines))[1] == ["49:12: nested deeper than 50 levels"]
    assert parse("\n".join(lines[:48]))[1] == []


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_yaml_depth_is_refused_before_it_costs(text: str) -> None:
    (found,) = parse(text)[1]  # unbounded, the parser alone takes half a minute
    assert "nested deeper" in found or "expected" in found or "could not find" in found


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cn", "Zl", "Zp")))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@examples(100, 10_000)
@given(st.lists(JSON) | st.dictionaries(TEXT, JSON))
def test_yaml_reads_json_as_itself(value: object) -> None:
    """A JSON document read as YAML and written as JSON is the same value."""
    node, findings = parse(json.dumps(value, ensure_ascii=False))
    assert findings == []
    assert json.loads(to_json(node)) == value


@examples(100, 10_000)
@given(
    st.text(st.characters(codec="utf-8"), max_size=200)
    | st.text("ab:-[]{}&*!|>'\"#%@,? \n\t\\0", max_size=80)
)
def test_yaml_any_text_is_a_node_or_findings_inside_it(text: str) -> None:
    """Any text gives a node, or findings whose spans begin inside it; never an exception."""
    source = Source("f.yaml", text)
    report = Report(source)
    parse_yaml(source, report)
    assert all(0 <= finding.span.start <= len(text) for finding in report.findings.values())
