"""Flows for the tests of the emitter, from templates or from bare IR, and the code they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import Script, compiled
from skillc.emit import emit_flow
from skillc.ir import Const, Emit, Expr, Flow, Name, Parameter, Skill, Stmt
from skillc.source import Source, Span
from skillrt import Runtime
from skillrt.context import Run
from skillrt.testing.provider import ScriptedProvider

HERE = Span(0, 1)


def name(text: str) -> Name:
    return Name(HERE, text)


def const(value: str | float | bool | None) -> Const:
    return Const(HERE, value)


def printing(value: Expr) -> Emit:
    return Emit(HERE, value)


def skill_of(*body: Stmt, idn: str = "Main", parameters: tuple[str, ...] = ()) -> Skill:
    """A skill of bare IR; all of it claims to stand on the first of ten lines."""
    declared = tuple(Parameter(parameter) for parameter in parameters)
    return Skill(idn, Source("Main.guidance", "{{x}}\n" * 10), "guidance", body, declared)


def flow_of(*skills: Skill) -> Flow:
    return Flow("demo", "demo", tuple(sorted(skills, key=lambda skill: skill.idn)))


def script(idn: str, text: str, *parameters: str) -> Script:
    return Script(idn, text, dict.fromkeys(parameters, ""))


def flow_from(*scripts: Script) -> Flow:
    """The resolved flow of some templates."""
    done = compiled(*scripts)
    assert done.emitted is not None, [finding.message for finding in done.findings]
    return done.flow


def emitted(*scripts: Script) -> str:
    return emit_flow(flow_from(*scripts)).text


def body_of(text: str, function: str = "Main") -> list[str]:
    """The lines inside the `with` of a function, without empty ones, their indentation and a final `return ""`."""
    lines = iter(text.split("\n"))
    while not next(lines).startswith(f"async def {function}("):
        pass
    next(lines)
    body: list[str] = []
    for line in lines:
        if line and not line.startswith("        "):
            break
        if line:
            body.append(line.removeprefix("        "))
    return body[:-1] if body[-1] == 'return ""' else body


def code(template: str, *parameters: str) -> list[str]:
    """The lines that a template becomes."""
    return body_of(emitted(script("Main", template, *parameters)))


def code_of(*body: Stmt, parameters: tuple[str, ...] = ()) -> list[str]:
    """The lines that bare statements become."""
    return body_of(emit_flow(flow_of(skill_of(*body, parameters=parameters))).text)


def loaded(text: str) -> dict[str, Any]:
    """The namespace of an emitted module."""
    namespace: dict[str, Any] = {"__name__": "demo"}
    exec(compile(text, "demo.py", "exec", dont_inherit=True), namespace)
    return namespace


async def run(text: str, arguments: Mapping[str, Any] | None = None, function: str = "Main") -> Run:
    """Run a function of an emitted module; generations answer `G`."""
    runtime = Runtime(provider=ScriptedProvider(["G"]))
    return await runtime.run(loaded(text)[function], message="hello", arguments=arguments)


async def printed(text: str, **arguments: Any) -> str:
    """What Main prints outside roles."""
    return (await run(text, arguments)).out
