"""Building a project of 1,200 skills: all of it, none of it, after one edit; against Python's compiler."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from large_project import FLOWS, write_large_project
from skillc.passes import Settings
from skillc.project.build import Built, build
from skillc.project.load import load

EDITED = Path("in/large/agents/Agent1/flows/Flow1/skills/Step3.nslg")
MODULES = FLOWS + 1 + 1 + 5 + 1 + 1
"""Flows and the library, the packages of project, agents and libraries, the manifest."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project, and later with what is built of it."""
    folder = tmp_path_factory.mktemp("large")
    write_large_project(folder / "in")
    return folder


def make(root: Path) -> Built:
    """Read and build it as the command does."""
    jobs = os.cpu_count() or 1
    return build(load(root / "in"), root / "out", Settings(), lambda _: None, jobs)


def modules(root: Path) -> Iterator[Path]:
    """What was built."""
    return (root / "out").rglob("*.py")


@pytest.mark.benchmark(group="build 1,200 skills")
def test_build_everything(benchmark: Any, root: Path) -> None:
    benchmark.extra_info.update(unit="project")
    assert len(benchmark.pedantic(lambda: make(root), rounds=1).written) == MODULES
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peaks_mb = [resource.getrusage(kind).ru_maxrss // 1024 for kind in kinds]
    benchmark.extra_info.update(peak_mb=max(peaks_mb))


@pytest.mark.benchmark(group="build 1,200 skills")
def test_build_unchanged(benchmark: Any, root: Path) -> None:
    benchmark.extra_info.update(unit="project")
    assert benchmark.pedantic(lambda: make(root), rounds=5).written == ()


@pytest.mark.benchmark(group="build 1,200 skills")
def test_build_one_edit(benchmark: Any, root: Path) -> None:
    def edit() -> None:
        path = root / EDITED
        path.write_text("One more line.\n" + path.read_text())

    benchmark.extra_info.update(unit="project")
    assert len(benchmark.pedantic(lambda: make(root), setup=edit, rounds=5).written) == 1


@pytest.mark.benchmark(group="build 1,200 skills")
def test_python_compiles_the_modules(benchmark: Any, root: Path) -> None:
    texts = [path.read_text() for path in modules(root)]
    benchmark.extra_info.update(baseline=True, unit="project")
    benchmark.pedantic(lambda: [compile(text, "x", "exec") for text in texts], rounds=3)
    assert len(texts) == MODULES
