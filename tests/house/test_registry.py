"""The registry of messages: what each must be shown with, and how all of them read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from casefile import Case, read_cases
from skillc.errors import REGISTRY
from skillrt.actions import CATALOGUE

ROOT = Path(__file__).parents[2]
COMPILER = ROOT / "compiler" / "skillc"
CASES = [case for path in sorted((ROOT / "tests/cases").glob("*.md")) for case in read_cases(path)]
PROJECTS = "".join(
    path.read_text("utf-8") for path in (ROOT / "tests/compiler").glob("test_project_*.py")
)
OF_TEMPLATES = [code for code in REGISTRY if code < "SK600"]
OF_PROJECTS = [code for code in REGISTRY if code >= "SK600"]
PROPER_NAMES = {"Guidance", "Jinja"}


def shown(case: Case) -> str:
    """What a case says is found."""
    fence = case.one("diagnostics")
    return fence.body if fence else ""


def reports() -> Iterator[tuple[Path, ast.Call, list[str]]]:
    """The calls of the compiler that report one of several codes written right there."""
    for path in sorted(COMPILER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and is_report(node.func) and node.args:
                inside = [n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)]
                codes = [v for v in inside if isinstance(v, str) and v in REGISTRY]
                if codes:
                    yield path, node, codes


def is_report(function: ast.expr) -> bool:
    """Whether a call is one of `report`, `x.report` or `x.report(y)`."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Call(func=ast.Attribute(attr=name)):
            return name == "report"
        case _:
            return False


def placeholders(code: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(REGISTRY[code].text) if name is not None}


def test_codes_are_in_order() -> None:
    assert list(REGISTRY) == sorted(REGISTRY)


def test_names_are_different() -> None:
    assert len({entry.name for entry in REGISTRY.values()}) == len(REGISTRY)


@pytest.mark.parametrize("code", OF_TEMPLATES)
def test_message_about_a_template_has_a_bad_and_a_good_example(code: str) -> None:
    about = [case for case in CASES if case.name.startswith(f"{code} ")]
    bad = [case for case in about if not case.name.startswith(f"{code} quiet: ")]
    good = [case for case in about if case not in bad]
    assert bad
    assert good
    assert all(f"[{code}]" in shown(case) for case in bad)
    assert not any(f"[{code}]" in shown(case) for case in good)


@pytest.mark.parametrize("code", OF_PROJECTS)
def test_message_about_a_project_is_tested(code: str) -> None:
    assert f'"{code}"' in PROJECTS or f"[{code}]" in PROJECTS


@pytest.mark.parametrize("code", REGISTRY)
def test_message_reads_like_the_others(code: str) -> None:
    text = REGISTRY[code].text.format_map(dict.fromkeys(placeholders(code), "x"))
    first = text.split(maxsplit=1)[0].rstrip(":")
    assert not first[0].isupper() or first in CATALOGUE or first in PROPER_NAMES
    assert not text.endswith(".")
    assert text == " ".join(text.split())


def test_reports_fill_the_placeholders_of_their_messages() -> None:
    for path, call, codes in reports():
        given = {keyword.arg for keyword in call.keywords} - {"hint"}
        for code in codes:
            where = f"{path.relative_to(ROOT)}:{call.lineno} {code}"
            if None in given:  # some are passed on
                assert given - {None} <= placeholders(code), where
            else:
                assert given == placeholders(code), where


def test_every_message_can_be_reported() -> None:
    code = "".join(
        path.read_text("utf-8") for path in COMPILER.rglob("*.py") if path.name != "errors.py"
    )
    assert [number for number in REGISTRY if f'"{number}"' not in code] == []
