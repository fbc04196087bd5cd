"""Python names: what stays, what yields, and that different names never meet."""

from __future__ import annotations

import keyword
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillc.emit.names import IMPORTS
from skillrt.errors import ActionError
from skillrt.functions import FUNCTIONS
from skillrt.modules import MODULES as TEMPLATE_MODULES
from skillrt.names import (
    KEYWORDS,
    MODULES,
    NAMES,
    TOP_LEVEL,
    module_names,
    python_name,
    set_variable,
    variable_name,
)
from skillrt.values import UNDEFINED


@pytest.mark.parametrize(
    ("idn", "python"),
    [
        ("GreetUser", "GreetUser"),
        ("Greet-User", "Greet_u002d_User"),
        ("a_u002d_b", "a_u005f_u002d_b"),
        ("2nd", "_u0032_nd"),
        ("__init__", "_u005f__init__"),
        ("_-x", "_u005f__u002d_x"),
        ("from", "from_"),
        ("from_", "from__"),
        ("text", "text_"),
        ("Reply", "Reply"),
        ("_", "_"),
        ("match", "match"),
        ("ctx", "ctx_"),
        ("json", "json_"),
        ("ﬁ", "_ufb01_"),
        ("fi", "fi"),
        ("😀", "_u1f600_"),
        ("a\nimport os", "a_u000a_import_u0020_os"),
        ("\u202ex", "_u202e_x"),
        ("../x", "_u002e__u002e__u002f_x"),
        ('"', "_u0022_"),
        ("\0", "_u0000_"),
    ],
)
def test_python_name_keeps_escapes_or_yields(idn: str, python: str) -> None:
    assert python_name(idn) == python


def test_python_name_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="never empty"):
        python_name("")


def restored(python: str, taken: frozenset[str]) -> str:
    """The name that a Python name stands for: the rule, backwards."""
    if python.rstrip("_") in taken:
        python = python[:-1]
    return re.sub(r"_u([0-9a-f]{4,6})_", lambda found: chr(int(found[1], 16)), python)


IDNS = st.text(
    st.sampled_from("_u0aA1-ﬁ\u202e2fd\n") | st.characters(), min_size=1
) | st.sampled_from(sorted(NAMES)).flatmap(
    lambda name: st.sampled_from([name, name + "_", name + "__", "_" + name])
)


@examples(100, 10_000)
@given(IDNS)
def test_python_name_is_reversible(idn: str) -> None:
    """Every name is an identifier that nothing else uses, and tells which name it stands for."""
    python = python_name(idn)
    assert python.isascii()
    assert python.isidentifier()
    assert not keyword.iskeyword(python)
    assert python not in NAMES
    assert not python.startswith("__")
    assert restored(python, NAMES) == idn


def test_taken_names_cover_what_generated_code_uses() -> None:
    for name in (*IMPORTS, *FUNCTIONS, *TEMPLATE_MODULES, "ctx", "out", "extra", "annotations"):
        assert python_name(name) != name


def test_keywords_are_those_of_python() -> None:
    assert set(keyword.kwlist) == KEYWORDS


def test_top_level_names_hide_no_library() -> None:
    ours = {name for name in sys.stdlib_module_names if not name.startswith("_x")}
    assert not ours - TOP_LEVEL
    for name in ("email", "skillrt", "anyio"):
        assert module_names([name], TOP_LEVEL)[name] == f"{name}_"


@pytest.mark.parametrize("idn", ["con", "CON", "Nul", "lpT1", "libraries", "import", "_manifest"])
def test_module_names_yield_to_devices_and_ours(idn: str) -> None:
    assert module_names([idn]) == {idn: f"{idn}_"}


def test_module_names_differ_on_disks_that_ignore_case() -> None:
    names = module_names(["Talk", "talk", "other"])
    assert names["other"] == "other"
    assert re.fullmatch(r"Talk_[0-9a-f]{8}", names["Talk"])
    assert re.fullmatch(r"talk_[0-9a-f]{8}", names["talk"])
    assert names["Talk"].lower() != names["talk"].lower()


def test_module_names_of_long_idns_are_cut() -> None:
    names = module_names(["a" * 300, "a" * 299, "b" * 120])
    assert len(names["a" * 300]) == len(names["a" * 299]) == 109
    assert names["a" * 300] != names["a" * 299]
    assert names["b" * 120] == "b" * 120


@examples(100, 10_000)
@given(st.sets(st.text("aA_-", min_size=1, max_size=4), max_size=12))
def test_module_names_never_meet(idns: set[str]) -> None:
    """Siblings have names that differ without case, whatever the order they came in."""
    names = module_names(sorted(idns))
    assert len({name.lower() for name in names.values()}) == len(idns)
    assert names == module_names(sorted(idns, reverse=True))
    assert not set(names.values()) & MODULES


def test_variable_name_takes_identifiers_only() -> None:
    assert variable_name(" from ") == "from"
    for wrong in ("", "a b", "1x", 3, None, "x; import os"):
        with pytest.raises(ActionError, match="Set: parameter 'name': expected a variable name"):
            variable_name(wrong)


def test_variable_name_of_a_generation_may_be_blank() -> None:
    assert variable_name(" n ", "Gen") == "n"
    for blank in ("", " ", None, UNDEFINED):
        assert variable_name(blank, "Gen") == ""
    for wrong in ("a b", 3, []):
        with pytest.raises(ActionError, match="Gen: parameter 'name': expected a variable name"):
            variable_name(wrong, "Gen")
    variables = {"a": 1}
    assert set_variable(variables, "", 2) == 2
    assert variables == {"a": 1}
