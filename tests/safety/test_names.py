"""Whatever skills, flows, parameters and variables are called: refused, or a Python name that is theirs alone."""

from __future__ import annotations

import json
import keyword
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emit_flows import skill_of
from fuzz import examples
from harness import Script, compiled
from safety.hostile import ANY_NAME, IDNS, is_unicode, literal
from skillc.emit import emit_flow
from skillc.errors import TemplateError
from skillc.ir import Flow
from skillc.passes import Settings
from skillc.project.build import RECORD, build
from skillc.project.idn import refuse_idn
from skillc.project.load import load
from skillrt import Runtime
from skillrt.actions import CATALOGUE
from skillrt.names import DEVICES, TOP_LEVEL, module_names, python_name
from skillrt.testing.provider import ScriptedProvider

UNDECODABLE = [os.fsdecode(b"x\xff"), os.fsdecode(b"\xc3\x28"), os.fsdecode(b"\xed\xa0\x80")]


def refused(idn: str) -> bool:
    """Whether an idn breaks the rule: 1-200 characters, no control character or slash, no `.` or `..`, UTF-8."""
    wrong = {
        "/",
        "\\",
        *map(chr, range(0x20)),
        *map(chr, range(0x7F, 0xA0)),
        *map(chr, range(0xD800, 0xE000)),
    }
    return not 1 <= len(idn) <= 200 or idn in {".", ".."} or bool(wrong & {*idn})


def fits_a_disk(name: str) -> bool:
    """Whether a file system takes the name, and the loader enters what is called so."""
    try:
        return 0 < len(os.fsencode(name)) <= 200 and not {"/", "\0"} & {*name} and name[0] != "."
    except UnicodeEncodeError:
        return False


def quoted(text: str) -> str:
    """The text as YAML writes it, every character but the plainest escaped."""
    return (
        '"' + "".join(c if c.isascii() and c.isalnum() else f"\\U{ord(c):08x}" for c in text) + '"'
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def files_in(root: Path) -> set[str]:
    """All files below a directory."""
    return {os.path.join(place, name) for place, _, names in os.walk(root) for name in names}


def built(source: Path) -> dict[str, dict[str, Any]]:
    """Build what is in a directory; the namespaces of the modules by flow.

    Only files in the output folder are written; their names are safe on every disk, and hide no module of Python's.
    """
    root, out = source.parent, source.parent / "out"
    before = files_in(root)
    loaded = load(source)
    build(loaded, out, Settings(), lambda _: None)
    written = sorted(os.path.relpath(path, out) for path in files_in(root) - before)
    modules = {flow.module: flow.idn for flow in loaded.flows}
    assert written == sorted([RECORD, *(f"{module}.py" for module in modules)])
    for module in modules:
        assert module.isascii()
        assert module.isidentifier()
        assert not keyword.iskeyword(module)
        assert len(module) <= 130
        assert module.lower() not in DEVICES
        assert module not in sys.stdlib_module_names | {"skillrt", "skillc"}
    assert len({module.lower() for module in modules}) == len(modules)
    return {idn: loaded_module(out / f"{module}.py") for module, idn in modules.items()}


def loaded_module(path: Path) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": path.stem}
    exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), namespace)
    return namespace


def refusal(source: Path) -> list[str]:
    """The codes of the errors for which a build of a directory refuses to write anything."""
    out = source.parent / "out"
    before = files_in(source.parent)
    with pytest.raises(TemplateError) as caught:
        build(load(source), out, Settings(), lambda _: None)
    assert files_in(source.parent) == before
    return [finding.code for finding in caught.value.diagnostics if finding.severity == "error"]


def functions_of(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The functions of a module by the idns of its skills, no two the same."""
    skills = namespace["__manifest__"]["skills"]
    names = [about["function"] for about in skills.values()]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.isascii()
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert not name.startswith("__")
    return {idn: namespace[about["function"]] for idn, about in skills.items()}


async def outs(functions: Iterable[Any], arguments: Mapping[str, Any] | None = None) -> list[str]:
    """What some skills print."""
    runtime = Runtime(provider=ScriptedProvider())
    return [
        (await runtime.run(function, message="hello", arguments=arguments)).out
        for function in functions
    ]


def check_skills(namespace: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """That each skill is there, under its own idn, and prints its own text."""
    functions = functions_of(namespace)
    assert functions.keys() == texts.keys()
    assert anyio.run(outs, [functions[idn] for idn in texts]) == list(texts.values())


def test_there_are_enough_names() -> None:
    assert len(IDNS) > 400
    assert [idn for idn in IDNS if refused(idn) != (refuse_idn(idn) is not None)] == []


def test_skills_named_by_files(tmp_path: Path) -> None:
    source = tmp_path / "talk"
    names = [*filter(fits_a_disk, IDNS), *UNDECODABLE]
    for number, name in enumerate(names):
        write(source / f"{name}.guidance", f"Skill {number}")
    wrong = [name for name in names if refused(name)]
    assert refusal(source) == ["SK620"] * len(wrong)
    for name in wrong:
        (source / f"{name}.guidance").unlink()
    texts = {name: f"Skill {number}" for number, name in enumerate(names) if name not in wrong}
    check_skills(built(source)["talk"], texts)
    assert len(texts) > 400


def test_skills_named_by_sidecars(tmp_path: Path) -> None:
    source = tmp_path / "talk"
    for number, idn in enumerate(IDNS):
        write(source / f"s{number}.guidance", f"Skill {number}")
        write(source / f"s{number}.meta.yaml", f"idn: {quoted(idn)}")
    wrong = [number for number, idn in enumerate(IDNS) if refused(idn)]
    codes = refusal(source)
    assert len(codes) == len(wrong)
    assert set(codes) == {"SK610", "SK620"}  # YAML itself refuses surrogates
    for number in wrong:
        (source / f"s{number}.guidance").unlink()
    texts = {idn: f"Skill {n}" for n, idn in enumerate(IDNS) if n not in wrong}
    check_skills(built(source)["talk"], texts)


def test_flows_named_by_folders(tmp_path: Path) -> None:
    source = tmp_path / "skills"
    names = [*filter(fits_a_disk, IDNS), *UNDECODABLE]
    for name in names:
        write(source / name / "Main.guidance", f"In {len(name)}")
    wrong = [name for name in names if refused(name)]
    assert refusal(source) == ["SK620"] * len(wrong)
    for name in wrong:
        (source / name).rename(tmp_path / f"moved{wrong.index(name)}")
    modules = built(source)
    assert modules.keys() == set(names) - set(wrong)
    for idn, namespace in modules.items():
        assert namespace["__manifest__"]["idn"] == idn
        check_skills(namespace, {"Main": f"In {len(idn)}"})


def test_flows_named_by_files(tmp_path: Path) -> None:
    source = tmp_path / "skills"
    idns = IDNS[::2]
    for number, idn in enumerate(idns):
        write(source / f"f{number}" / "Main.guidance", "Hi")
        write(source / f"f{number}" / "flow.yaml", f"idn: {quoted(idn)}")
    wrong = [number for number, idn in enumerate(idns) if refused(idn)]
    assert len(refusal(source)) == len(wrong)
    for number in wrong:
        (source / f"f{number}" / "Main.guidance").unlink()
    assert built(source).keys() == {idn for idn in idns if not refused(idn)}


def test_parameters(tmp_path: Path) -> None:
    names = [*filter(is_unicode, IDNS)]
    readable = [
        name
        for name in names
        if name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    ]
    readable = [
        name for name in readable if name not in {"true", "false", "none", "null", "elif", "elseif"}
    ]
    parameters = [f"  - {{name: {quoted(name)}, default_value: {quoted(name)}}}" for name in names]
    source = tmp_path / "talk"
    write(source / "Main.guidance", "".join(f"{{{{{name}}}}}|" for name in readable))
    write(source / "Main.meta.yaml", "\n".join(["parameters:", *parameters]))
    namespace = built(source)["talk"]
    python = namespace["__manifest__"]["skills"]["Main"]["parameters"]
    assert list(python) == names
    assert len({*python.values()}) == len(names)
    assert namespace["Main"].__kwdefaults__ == {python[name]: name for name in names}
    assert anyio.run(outs, [namespace["Main"]]) == ["".join(f"{name}|" for name in readable)]
    given = {python[name]: f"<{number}>" for number, name in enumerate(names)}
    expected = "".join(f"<{names.index(name)}>|" for name in readable)
    assert anyio.run(outs, [namespace["Main"]], given) == [expected]
    assert len(names) > 400


def test_other_metadata_is_data(tmp_path: Path) -> None:
    source = tmp_path / "talk"
    texts: dict[str, str] = {}
    for number, text in enumerate(IDNS[::2]):
        if is_unicode(text):
            value = quoted(text)
            about = [
                f"title: {value}",
                f"result_variable: {value}",
                f"model: {{provider_idn: {value}}}",
            ]
            about.append(f"parameters: [{{name: p, default_value: {value}}}]")
            write(source / f"s{number}.guidance", f"Skill {number}{{{{p}}}}")
            write(source / f"s{number}.meta.yaml", "\n".join(about))
            texts[f"s{number}"] = f"Skill {number}{text}"
    namespace = built(source)["talk"]
    check_skills(namespace, texts)
    for idn, about in namespace["__manifest__"]["skills"].items():
        text = texts[idn].removeprefix(f"Skill {idn[1:]}")
        assert (about["title"], about["model"]) == (text, (text, ""))


def test_skills_reach_each_other_by_any_name() -> None:
    idns = [
        idn
        for idn in IDNS
        if not refused(idn) and idn == idn.strip() and CATALOGUE.find(idn) is None
    ]
    skills = [Script(idn, f'{{{{Return(val="{number} ")}}}}') for number, idn in enumerate(idns)]
    computed = Script(
        "Computed", "{{#each idns}}{{Do(actionName=this)}}{{/each}}", {"idns": json.dumps(idns)}
    )
    written = Script("Written", "".join(f"{{{{Do(actionName={literal(idn)})}}}}" for idn in idns))
    functions = compiled(*skills, computed, written).functions()
    found = anyio.run(outs, [functions["Computed"], functions["Written"]])
    assert found == ["".join(f"{number} " for number in range(len(idns)))] * 2


def test_variables_are_not_normalised() -> None:
    text = '{{Set(name="fi", value="two letters")}}{{Set(name="ﬁ", value="one")}}{{fi}}, '
    computed = "{{#each names}}{{Set(name=this, value=this)}}{{/each}}{{fi}} {{ctx}} {{import}}"
    names = json.dumps([name for name in IDNS if name.isidentifier()])
    done = compiled(Script("Main", text), Script("Computed", computed, {"names": names}))
    functions = done.functions()
    found = anyio.run(outs, [functions["Main"], functions["Computed"]])
    assert found == ["two letters, ", "fi ctx import"]


def test_what_is_no_identifier_is_no_variable() -> None:
    for name in IDNS:
        if not name.strip().isidentifier() and not any(char in name for char in '"\\\r'):
            done = compiled(Script("Main", f'{{{{Set(name="{name}", value=1)}}}}'))
            assert [finding.code for finding in done.findings if finding.severity == "error"] == [
                "SK311"
            ]


@examples(1_000, 20_000)
@given(st.lists(ANY_NAME, unique=True, max_size=6))
def test_no_two_names_meet(idns: list[str]) -> None:
    """Different names have different Python names; those of modules differ without case, and are short."""
    assert len({python_name(idn) for idn in idns}) == len(idns)
    modules = module_names(idns, TOP_LEVEL)
    assert len({module.lower() for module in modules.values()}) == len(idns)
    for module in modules.values():
        assert module.isascii()
        assert module.isidentifier()
        assert module not in TOP_LEVEL
        assert len(module) <= 130


@examples(40, 4_000)
@given(st.lists(ANY_NAME, unique=True, min_size=1, max_size=5))
def test_any_names_compile(names: list[str]) -> None:
    """A flow whose skills and parameters have any names is a module with all of them, each by a name of its own."""
    skills = tuple(skill_of(idn=name, parameters=tuple(names)) for name in sorted(names))
    code = emit_flow(Flow("demo", "demo", skills)).text
    namespace: dict[str, Any] = {"__name__": "demo"}
    exec(compile(code.encode(), "demo.py", "exec", dont_inherit=True), namespace)
    assert functions_of(namespace).keys() == {*names}
    for function in functions_of(namespace).values():
        assert len(function.__kwdefaults__) == len(names)
