"""Writing and comparing modules: only what changed, nothing by half, nothing of anybody else's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillc.errors import Diagnostic, TemplateError, UsageError, render_diagnostic
from skillc.passes import Settings
from skillc.project.build import RECORD, Built, build, compare
from skillc.project.load import load

HELLO = "Hello {{GetUser()}}\n"
WARNS = "Price ${name}\n"
FAILS = "{{/if}}"


class Doing(list[str]):
    """Remembers what a build said it does."""

    def __call__(self, doing: str) -> None:
        self.append(doing)


def write(root: Path, files: dict[str, str]) -> None:
    """The files below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make(root: Path, settings: Settings | None = None, doing: Doing | None = None) -> Built:
    """Build `root`/skills to `root`/build."""
    progress = Doing() if doing is None else doing
    return build(load(root / "skills"), root / "build", settings or Settings(), progress)


def differences(root: Path) -> dict[str, str]:
    """What `compare` finds, by file name."""
    found = compare(load(root / "skills"), root / "build", Settings(), Doing()).differences
    return {Path(difference.path).name: difference.kind for difference in found}


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fail(root: Path) -> list[str]:
    """The findings of a build that fails, first lines only."""
    with pytest.raises(TemplateError) as failed:
        make(root)
    return [render_diagnostic(finding).splitlines()[0] for finding in failed.value.diagnostics]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two flows of three skills."""
    write(
        tmp_path / "skills",
        {"shop/A.guidance": HELLO, "shop/B.guidance": "Bye\n", "desk/C.guidance": HELLO},
    )
    return tmp_path


def test_build_writes_one_module_a_flow_and_the_record(project: Path) -> None:
    built = make(project)
    assert built.written == (str(project / "build/desk.py"), str(project / "build/shop.py"))
    assert (built.modules, built.removed, built.findings) == (2, (), ())
    assert set(snapshot(project / "build")) == {"desk.py", "shop.py", RECORD}
    compile((project / "build/shop.py").read_text(), "shop.py", "exec")


def test_build_again_compiles_and_writes_nothing(project: Path) -> None:
    make(project)
    times = {path: path.stat().st_mtime_ns for path in (project / "build").iterdir()}
    doing = Doing()
    assert make(project, doing=doing).written == ()
    assert doing == []
    assert {path: path.stat().st_mtime_ns for path in (project / "build").iterdir()} == times


def test_build_compiles_only_what_changed(project: Path) -> None:
    make(project)
    write(project, {"skills/shop/B.guidance": "Goodbye\n"})
    doing = Doing()
    assert make(project, doing=doing).written == (str(project / "build/shop.py"),)
    assert doing == ["compiling shop (1 of 1)"]


@pytest.mark.parametrize(
    "change",
    [
        {"skills/shop/A.meta.yaml": "title: Other"},
        {"skills/shop/A.meta.yaml": "parameters: [{name: boat}]"},
        {"skills/shop/A.meta.yaml": "model: {model_idn: gpt4}"},
        {"skills/shop/D.guidance": "new"},
    ],
)
def test_build_notices_metadata_and_new_skills(project: Path, change: dict[str, str]) -> None:
    make(project)
    write(project, change)
    assert make(project).written == (str(project / "build/shop.py"),)


def test_build_settings_are_part_of_the_input(project: Path) -> None:
    make(project)
    doing = Doing()
    make(project, Settings(similarity="normalized"), doing)
    assert len(doing) == 2


def test_build_same_bytes_wherever_and_however(project: Path, tmp_path: Path) -> None:
    """Another folder, hash seed and locale: every file is the same, the record too."""
    builds: dict[Path, subprocess.Popen[bytes]] = {}
    for seed, locale in (("1", "C"), ("2", "C.UTF-8")):
        other = tmp_path / ("elsewhere" * int(seed))
        shutil.copytree(project / "skills", other / "skills")
        environ = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale}
        command = [sys.executable, "-m", "skillc", "build", "-q"]
        builds[other] = subprocess.Popen(command, cwd=other, env=environ)
    assert [process.wait(120) for process in builds.values()] == [0, 0]
    one, two = (snapshot(other / "build") for other in builds)
    assert one == two
    make(project)
    assert {name: one[name] for name in one if name != RECORD} == {
        name: content for name, content in snapshot(project / "build").items() if name != RECORD
    }


def test_build_with_a_template_error_touches_nothing_and_shows_all(project: Path) -> None:
    make(project)
    before = snapshot(project / "build")
    write(
        project,
        {
            "skills/shop/A.guidance": FAILS,
            "skills/shop/B.guidance": WARNS,
            "skills/desk/C.guidance": FAILS,
            "skills/new/D.guidance": "fine",
        },
    )
    found = fail(project)
    assert [line.split("skills/")[1].split(":")[0] for line in found] == [
        "desk/C.guidance",
        "shop/A.guidance",
        "shop/B.guidance",
    ]
    assert snapshot(project / "build") == before


def test_build_with_an_error_in_metadata_writes_nothing(project: Path) -> None:
    write(project, {"skills/shop/A.meta.yaml": "parameters: x"})
    assert "SK611" in fail(project)[0]
    assert not (project / "build").exists()


def test_build_skill_that_does_not_parse_is_still_known_to_the_others(project: Path) -> None:
    write(project, {"skills/shop/A.guidance": FAILS, "skills/shop/B.guidance": "{{A()}}"})
    assert all("shop/A.guidance" in line for line in fail(project))


def test_build_both_dialects_in_one_module(project: Path) -> None:
    write(project, {"skills/shop/N.nsl": "{{ A() }}"})
    make(project)
    assert "await A(ctx)" in (project / "build/shop.py").read_text()


# --- what is in the way ----------------------------------------------------------------------------------


def test_build_refuses_to_replace_foreign_files(project: Path) -> None:
    write(project / "build", {"shop.py": "print('mine')\n"})
    with pytest.raises(UsageError, match=r"shop\.py' is in the way and not written by skillc"):
        make(project)
    assert snapshot(project / "build") == {"shop.py": b"print('mine')\n"}


@pytest.mark.parametrize("obstacle", ["directory", "dangling link", "file for the folder"])
def test_build_refuses_whatever_else_is_in_the_way(project: Path, obstacle: str) -> None:
    out = project / "build"
    if obstacle == "file for the folder":
        out.write_text("mine")
    else:
        out.mkdir()
        if obstacle == "directory":
            (out / "shop.py").mkdir()
        else:
            (out / "shop.py").symlink_to(out / "gone")
    with pytest.raises(UsageError):
        make(project)
    assert not (out / RECORD).exists()
    assert not (out / "desk.py").exists()


def test_build_removes_its_own_leftovers_and_nothing_else(project: Path) -> None:
    make(project)
    write(
        project / "build",
        {"mine.py": "x = 1\n", "notes.txt": "n", "__pycache__/desk.pyc": "c", "inner/own.py": "y"},
    )
    shutil.rmtree(project / "skills" / "desk")
    assert make(project).removed == (str(project / "build/desk.py"),)
    assert set(snapshot(project / "build")) == {
        "shop.py",
        RECORD,
        "mine.py",
        "notes.txt",
        "__pycache__/desk.pyc",
        "inner/own.py",
    }


@pytest.mark.parametrize(
    "record", [b"", b"{", b"[]", b"\xff", b'{"schema": 99}', b"[" * 10_000, b'{"modules": {"shop": 1}}']
)  # fmt: skip
def test_build_with_a_broken_record_starts_over(project: Path, record: bytes) -> None:
    make(project)
    good = snapshot(project / "build")
    (project / "build" / RECORD).write_bytes(record)
    doing = Doing()
    assert make(project, doing=doing).written == ()
    assert len(doing) == 2
    assert snapshot(project / "build") == good


def test_build_record_of_another_compiler_is_not_believed(project: Path) -> None:
    make(project)
    path = project / "build" / RECORD
    path.write_text(path.read_text().replace('"compiler": "', '"compiler": "0'))
    doing = Doing()
    make(project, doing=doing)
    assert len(doing) == 2


def test_build_edited_output_is_made_again(project: Path) -> None:
    make(project)
    good = snapshot(project / "build")
    with open(project / "build" / "shop.py", "a") as file:
        file.write("# edited\n")
    assert make(project).written == (str(project / "build/shop.py"),)
    assert snapshot(project / "build") == good


def test_build_shows_the_warnings_of_what_it_did_not_compile_again(project: Path) -> None:
    write(project, {"skills/shop/B.guidance": WARNS})
    first = make(project).findings
    assert [finding.code for finding in first] == ["SK122"]
    doing = Doing()
    second = make(project, doing=doing).findings
    assert doing == []
    assert list(map(render_diagnostic, second)) == list(map(render_diagnostic, first))
    assert all(isinstance(finding, Diagnostic) for finding in second)


def test_build_files_have_usual_permissions(project: Path) -> None:
    make(project)
    write(project, {"usual": ""})
    usual = (project / "usual").stat().st_mode
    assert {path.stat().st_mode for path in (project / "build").iterdir()} == {usual}


def test_build_twice_at_once_leaves_whole_files(project: Path) -> None:
    """However builds overlap, every module is always one that some build meant, and nothing else stays behind."""
    errors: list[BaseException] = []

    def again() -> None:
        try:
            for _ in range(3):
                (project / "build" / RECORD).unlink(missing_ok=True)
                make(project)
        except BaseException as error:
            errors.append(error)

    make(project)
    good = snapshot(project / "build")
    threads = [threading.Thread(target=again) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert snapshot(project / "build") == good


NAMES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60),
    st.sampled_from(
        [
            "con",
            "nul",
            "import",
            "__init__",
            "import os",
            "json",
            "skillrt",
            "libraries",
            "a.b",
            "-",
            "0",
            "..",
        ]
    ),
    st.sampled_from(
        ["{x}", "'''", "\\N{DASH}", "a'b\"c", "x\ny", "\u202eevil", "ﬁ", "fi", "x" * 120, "x" * 250]
    ),
)


@examples(60, 1_000)
@given(
    folders=st.lists(NAMES, min_size=1, max_size=4), skills=st.lists(NAMES, min_size=1, max_size=3)
)
def test_build_any_names_stay_inside_the_output_and_never_meet(
    folders: list[str], skills: list[str]
) -> None:
    """Whatever flows and skills are called: a finding, or one importable module a flow, directly in OUT."""
    with TemporaryDirectory() as name:
        root = Path(name)
        for number, folder in enumerate(folders):
            directory = root / "skills" / str(number)
            directory.mkdir(parents=True)
            (directory / "flow.yaml").write_text(json.dumps({"idn": folder}, ensure_ascii=False))
            for place, skill in enumerate(skills):
                (directory / f"s{place}.guidance").write_text("Hi {{somebody}}")
                (directory / f"s{place}.meta.yaml").write_text(
                    json.dumps({"idn": skill}, ensure_ascii=False)
                )
        before = snapshot(root)
        try:
            built = make(root)
        except TemplateError as error:
            codes = {found.code for found in error.diagnostics}
            assert codes & {"SK610", "SK620", "SK605", "SK630"}
            assert snapshot(root) == before
            return
        made = snapshot(root / "build")
        assert len(made) == built.modules + 1 == len(folders) + 1
        assert len({path.lower() for path in made}) == len(made)
        for path, content in made.items():
            if path != RECORD:
                assert path.removesuffix(".py").isidentifier()
                compile(content, path, "exec")


# --- comparing -------------------------------------------------------------------------------------------


def test_compare_fresh_output_is_equal_even_without_its_record(project: Path) -> None:
    make(project)
    assert differences(project) == {}
    (project / "build" / RECORD).unlink()
    assert differences(project) == {}


def test_compare_names_each_kind_of_difference_and_writes_nothing(project: Path) -> None:
    write(project / "skills", {"e/E.guidance": "e", "f/F.guidance": "f", "g/G.guidance": "g"})
    make(project)
    out = project / "build"
    write(project, {"skills/shop/A.guidance": "changed"})
    shutil.rmtree(project / "skills" / "desk")
    (out / "e.py").unlink()
    (out / "f.py").write_text("mine")
    (out / "g.py").write_text((out / "g.py").read_text() + "# edited\n")
    before = snapshot(out)
    assert differences(project) == {
        "desk.py": "left over",
        "e.py": "missing",
        "f.py": "foreign",
        "g.py": "edited",
        "shop.py": "stale",
    }
    assert snapshot(out) == before


def test_compare_without_output_misses_everything(project: Path) -> None:
    assert differences(project) == {"desk.py": "missing", "shop.py": "missing"}
    assert not (project / "build").exists()


def test_compare_with_a_template_error_shows_it(project: Path) -> None:
    write(project, {"skills/shop/A.guidance": FAILS})
    with pytest.raises(TemplateError):
        differences(project)
