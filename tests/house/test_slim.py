"""What a service installs and imports: the runtime and its needs, nothing of the compiler."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"

FORBIDDEN = {"jinja2", "libcst", "yaml", "click", "skillc"}
EXTRAS = {"jinja2", "libcst", "pyyaml", "click"}
FOREIGN = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module({name!r})
print(json.dumps(sorted(set(sys.modules) - before)))
"""
NEEDS = {"anyio", "idna", "msgspec", "skillrt", "typing_extensions", "exceptiongroup", "sniffio"}


def loaded_by(name: str, python: str = sys.executable, path: Path | None = None) -> set[str]:
    """The modules that importing `name` in a fresh process adds."""
    finished = subprocess.run(
        [python, "-c", FOREIGN.format(name=name)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": str(path)} if path else {},
    )
    return set(json.loads(finished.stdout))


def imported_by(name: str, python: str = sys.executable, path: Path | None = None) -> set[str]:
    """The top-level ones among them."""
    return {module.partition(".")[0] for module in loaded_by(name, python, path)}


@pytest.mark.parametrize("module", ["skillrt", "skillrt.runtime", "skillrt.actions"])
def test_runtime_imports_no_compiler_and_no_http(module: str) -> None:
    assert not imported_by(module) & (FORBIDDEN | {"httpx", "httpcore"})


def test_compiled_module_loads_no_engine() -> None:
    loaded = loaded_by("genstream", path=BUILD)
    assert "skillrt.actions" in loaded
    assert not loaded & {"skillrt.runtime", "skillrt.engine", "skillrt.connectors.program_timer"}


@pytest.mark.parametrize("module", sorted(path.stem for path in BUILD.glob("*.py")))
def test_compiled_module_imports_only_the_runtime_and_its_needs(module: str) -> None:
    added = imported_by(module, path=BUILD)
    assert added - set(sys.stdlib_module_names) - NEEDS == {module}


@pytest.fixture(scope="module")
def plain_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A fresh environment that holds the plain wheel and nothing else."""
    folder = tmp_path_factory.mktemp("plain")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=300
    )
    (wheel,) = folder.glob("skillc-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, timeout=120)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", str(wheel)], check=True, timeout=300)
    return str(python)


def test_plain_install_holds_no_extra(plain_python: str) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "--python", plain_python, "list", "--format=json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert "skillc" in names
    assert not names & EXTRAS


def test_plain_install_runs_compiled_modules(plain_python: str) -> None:
    assert not imported_by("genstream", plain_python, BUILD) & FORBIDDEN


def test_command_without_the_extra_says_what_to_install(plain_python: str) -> None:
    command = Path(plain_python).with_name("skillc")
    finished = subprocess.run([command, "build"], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 2
    assert finished.stderr.strip().splitlines() == [
        "skillc: the compiler is not installed; add it with: pip install 'skillc[compiler]'"
    ]
