"""Building projects: packages, what a change compiles again, what goes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import V1, V2, changed, write
from skillc.passes import Settings
from skillc.project.build import RECORD, Built, build, compare
from skillc.project.load import load

FLOW = "harbor/agents/Clerk/flows/Talk/Talk.yaml"
REPLY = "harbor/agents/Clerk/flows/Talk/skills/Reply.nslg"
TIDY = "harbor/libraries/shared/skills/tidy.nslg"
OTHER = {
    "harbor/agents/Clerk/flows/Other/Other.yaml": "idn: Other\n",
    "harbor/agents/Clerk/flows/Other/skills/A.nslg": "a\n",
}
FILES = [
    "harbor/Clerk/Other.py",
    "harbor/Clerk/Talk.py",
    "harbor/Clerk/__init__.py",
    "harbor/__init__.py",
    "harbor/_manifest.py",
    "harbor/libraries/__init__.py",
    "harbor/libraries/shared.py",
]


def below(folder: Path) -> Iterator[str]:
    """The files below a folder, sorted."""
    return (
        path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two flows and a library."""
    write(tmp_path / "in", {**V2, **OTHER})
    return tmp_path


def make(root: Path, doing: list[str] | None = None) -> Built:
    """Build `root`/in to `root`/out."""
    done: list[str] = [] if doing is None else doing
    return build(load(root / "in"), root / "out", Settings(), done.append)


def written(root: Path) -> list[str]:
    """What a build writes, by path inside the output."""
    return [str(Path(path).relative_to(root / "out")) for path in make(root).written]


def test_project_is_a_package_of_packages(root: Path) -> None:
    assert make(root).modules == len(FILES)
    assert list(below(root / "out")) == sorted([RECORD, *FILES])
    assert (
        (root / "out/harbor/libraries/__init__.py")
        .read_text()
        .endswith('from harbor.libraries import shared\n\n__all__ = ("shared",)\n')
    )
    assert "from harbor import libraries\n" in (root / "out/harbor/Clerk/Talk.py").read_text()


def test_unchanged_project_compiles_nothing(root: Path) -> None:
    make(root)
    doing: list[str] = []
    assert make(root, doing).written == ()
    assert doing == []


@pytest.mark.parametrize(
    ("file", "before", "after", "compiled"),
    [
        (REPLY, "topic", "topic\\n", ["harbor/Clerk/Talk.py"]),
        (FLOW, "interrupt_mode: interrupt", "interrupt_mode: cancel", ["harbor/Clerk/Talk.py"]),
        (FLOW, "none yet", "nothing", ["harbor/Clerk/Talk.py"]),
        (TIDY, "val=x", 'val=Concat("a", "b")', ["harbor/Clerk/Talk.py", "harbor/libraries/shared.py"]),
        (TIDY, "{{Return", "{{!-- same --}}{{Return", ["harbor/libraries/shared.py"]),
        ("harbor/harbor.yaml", "The harbor", "A harbor", ["harbor/_manifest.py"]),
        ("attributes.yaml", "Pier", "Quay", ["harbor/_manifest.py"]),
        ("akb/Clerk.yaml", "Nine", "Ten", ["harbor/_manifest.py"]),
    ],
)  # fmt: skip
def test_change_writes_what_depends_on_it(
    root: Path, file: str, before: str, after: str, compiled: list[str]
) -> None:
    make(root)
    write(root / "in", changed({**V2, **OTHER}, {file: (before, after)}))
    assert written(root) == compiled
    assert written(root) == []


def test_change_inside_a_library_does_not_compile_its_callers(root: Path) -> None:
    make(root)
    write(root / "in", changed(V2, {TIDY: ("{{Return", "{{Set(name='y', value=x)}}{{Return")}))
    doing: list[str] = []
    make(root, doing)
    assert doing == ["compiling libraries"]


def test_manifest_keeps_findings_of_what_is_not_compiled_again(root: Path) -> None:
    write(root / "in", {TIDY: "{{Return(val=y)}}"})
    first = make(root).findings
    assert [found.code for found in first] == ["SK301"]
    assert make(root).findings == first


def test_what_nothing_makes_any_more_goes_with_its_package(root: Path) -> None:
    make(root)
    for package in ("harbor/Clerk", "harbor/libraries"):
        write(root / "out", {f"{package}/__pycache__/x.cpython-311.pyc": b"cache"})
    write(root / "out", {"harbor/libraries/mine.txt": "mine"})
    for path in sorted((root / "in").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    write(root / "in", {"kiosk/A.guidance": "a"})
    assert len(make(root).removed) == len(FILES)
    assert list(below(root / "out")) == [
        RECORD,
        "harbor/libraries/__pycache__/x.cpython-311.pyc",
        "harbor/libraries/mine.txt",
        "kiosk.py",
    ]


def test_compare_tells_of_packages(root: Path) -> None:
    make(root)
    assert compare(load(root / "in"), root / "out", Settings(), lambda _: None).differences == ()
    (root / "out/harbor/Clerk/__init__.py").unlink()
    (root / "out/harbor/_manifest.py").write_text(
        (root / "out/harbor/_manifest.py").read_text() + "\n"
    )
    write(root / "out", {"harbor/Old.py": (root / "out/harbor/__init__.py").read_text()})
    found = compare(load(root / "in"), root / "out", Settings(), lambda _: None)
    assert found.modules == len(FILES)
    assert [(Path(one.path).relative_to(root / "out").as_posix(), one.kind) for one in found.differences] == [
        ("harbor/Clerk/__init__.py", "missing"),
        ("harbor/Old.py", "left over"),
        ("harbor/_manifest.py", "edited"),
    ]  # fmt: skip


def test_both_layouts_give_the_same_code(tmp_path: Path) -> None:
    for name, files in (("v1", V1), ("v2", V2)):
        write(tmp_path / name / "in", files)
        make(tmp_path / name)
    one, other = (
        (tmp_path / name / "out/harbor/Clerk/Talk.py").read_text().partition("\n__manifest__")[0]
        for name in ("v1", "v2")
    )
    assert one == other
