"""The arrows between modules: what may import what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILER = ROOT / "compiler" / "skillc"
RUNTIME = ROOT / "runtime" / "skillrt"

LAYERS = (
    "deep",
    "source",
    "errors",
    "ir",
    "dump",
    "verify",
    "frontends",
    "analyses",
    "passes",
    "emit",
    "compile",
    "project",
    "cli",
    "__main__",
)
COMPILER_LIBRARIES = {"jinja2", "libcst", "yaml", "click", "skillc"}
PURE = (
    "values",
    "pipeline",
    "prompt",
    "kinds",
    "catalogue",
    "manifest",
    "model",
    "names",
    "retries",
)
READS_FILES = {"project/load.py", "project/config.py"}
WRITES_FILES = {"project/build.py"}


def imports(path: Path) -> Iterator[str]:
    """The dotted names a module imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            yield node.module


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py"))


def layer_of(path: Path) -> str:
    first = path.relative_to(COMPILER).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", modules(COMPILER), ids=lambda p: str(p.relative_to(COMPILER)))
def test_compiler_imports_only_from_its_left(path: Path) -> None:
    own = layer_of(path)
    if own == "__init__":
        assert not list(imports(path))
        return
    position = LAYERS.index(own)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "skillc" and len(parts) > 1:
            assert LAYERS.index(parts[1]) <= position, f"{own} imports {name}"


@pytest.mark.parametrize("path", modules(RUNTIME), ids=lambda p: str(p.relative_to(RUNTIME)))
def test_runtime_knows_nothing_of_the_compiler(path: Path) -> None:
    assert not COMPILER_LIBRARIES & {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_do_no_io(name: str) -> None:
    names = set(imports(RUNTIME / f"{name}.py")) - {"os.path"}  # functions of texts
    used = {imported.split(".")[0] for imported in names}
    assert not used & {"anyio", "asyncio", "trio", "httpx", "socket", "time", "os", "pathlib"}


def test_only_the_http_seam_imports_an_http_library() -> None:
    users = {
        p.relative_to(RUNTIME).as_posix() for p in modules(RUNTIME) if "httpx" in set(imports(p))
    }
    assert users == {"llm/http.py"}


@pytest.mark.parametrize("path", modules(COMPILER), ids=lambda p: str(p.relative_to(COMPILER)))
def test_only_load_reads_and_only_build_writes(path: Path) -> None:
    name = path.relative_to(COMPILER).as_posix()
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    }
    if name not in READS_FILES | WRITES_FILES:
        assert not calls & {"read_text", "read_bytes", "open", "iterdir", "scandir", "rglob"}
    if name not in WRITES_FILES:
        assert not calls & {"write_text", "write_bytes", "mkdir", "unlink", "rename", "rmtree"}


@pytest.mark.parametrize("folder", ["compiler", "runtime", "build"])
def test_import_roots_are_no_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize(
    "path", modules(COMPILER) + modules(RUNTIME), ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring
    assert docstring.partition("\n")[0].endswith((".", "?"))
