"""One input, one output: to the byte, whatever the machine, the place, the language, or the order of files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from safety.hostile import IDNS, TEXTS, is_unicode, printing
from skillc.project.idn import refuse_idn

ROOT = Path(__file__).parent.parent.parent


def sources() -> dict[str, str]:
    """A project: the skills of this repository, and hostile names and texts, by path."""
    found = {
        str(path.relative_to(ROOT / "skills")): path.read_text("utf-8")
        for path in (ROOT / "skills").rglob("*")
        if path.is_file()
    }
    names = [n for n in IDNS if not refuse_idn(n) and n[0] != "." and len(n.encode()) <= 200]
    for number, (name, text) in enumerate(zip(names[::3], filter(is_unicode, TEXTS), strict=False)):
        found[f"hostile{number % 3}/{name}.guidance"] = f"{printing(text)}{{{{x}}}}{{{{y}}}}"
        found[f"hostile{number % 3}/{name}.meta.yaml"] = "parameters: [{name: x}, {name: y}]"
    return found


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def built(
    source: str, out: Path, cwd: Path, env: Mapping[str, str], *flags: str
) -> dict[str, bytes]:
    """The files that a build in a process of its own writes, by path."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, *flags, "-m", "skillc", "build", source, "-o", str(out)]
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd), **env}
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


SURROUNDINGS = {
    "another hash seed": {"PYTHONHASHSEED": "1"},
    "another language": {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"},
    "another encoding": {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONIOENCODING": "latin-1"},
    "no UTF-8": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("first")
    write(root / "skills", sources())
    return built("skills", root / "out", root, {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"})


@pytest.mark.parametrize("what", SURROUNDINGS)
def test_surroundings_change_nothing(what: str, expected: dict[str, bytes], tmp_path: Path) -> None:
    """Each time from another folder, whose files were made in another order."""
    root = tmp_path / f"a place, é {what}"
    files = sources()
    backwards = dict(reversed(files.items())) if len(what) % 2 else dict(sorted(files.items()))
    source = write(root / "kept" / "elsewhere", backwards)
    found = built(str(source), root / "out", tmp_path, SURROUNDINGS[what])
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_nothing_of_the_machine_is_in_it(expected: dict[str, bytes]) -> None:
    """The machine's name as a whole word: where it is `vm`, `divmod` is no leak."""
    assert len(expected) > 3
    named = re.compile(rb"(?<!\w)%s(?!\w)" % re.escape(os.uname().nodename.encode()))
    for name, content in expected.items():
        assert not named.search(content), name
        for word in (str(ROOT), "/tmp", sys.version.split()[0], sys.prefix):
            assert word.encode() not in content, name


def test_a_second_build_and_an_optimised_python_change_nothing(
    expected: dict[str, bytes], tmp_path: Path
) -> None:
    source = write(tmp_path / "skills", sources())
    out = tmp_path / "out"
    assert built(str(source), out, tmp_path, {}, "-O") == expected
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    command = [sys.executable, "-m", "skillc", "build", "skills", "-o", "out"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=50)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
