"""The skills that the benchmarks compile."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from skillc.compile import compile_flow
from skillc.passes import Settings
from skillc.project.load import load

SKILLS = Path(__file__).parent / "skills"


def compiled_text(name: str) -> str:
    """The Python of one folder of skills."""
    (flow,) = load(SKILLS / name).flows
    return compile_flow(flow, Settings(similarity="normalized")).text


def compiled_module(name: str) -> ModuleType:
    """The same, executed."""
    module = ModuleType(name)
    exec(compile(compiled_text(name), f"{name}.py", "exec"), module.__dict__)
    return module
