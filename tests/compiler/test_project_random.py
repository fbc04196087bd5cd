"""Projects with random damage: the loader reports it and reads the rest."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from projects import FLAT, V1, V2, Files, write
from skillc.errors import render_diagnostic
from skillc.project.load import load

SPARE: Files = {
    "agents/Spare/flows/Quiet/Quiet.yaml": "idn: Quiet\n",
    "agents/Spare/flows/Quiet/skills/Hush.nslg": "hush\n",
}
SCRAPS = (
    *(
        "",
        "~",
        "[]",
        "{}",
        "- x",
        ": ",
        "\t",
        "\n",
        "#",
        "&a ",
        "*a",
        "<<: *a",
        "!!set ",
        "!enum x",
    ),
    *("---\n", "...", "'", '"', "|\n", "? ", "[" * 60, "\u2028", "\x00", "é", "idn: a/b", "null"),
    *("idn:", "skills: x", "events: [{}]", "state_fields: [1]", "parameters: {}", "flows: [{}]"),
)
EDITS = st.lists(
    st.tuples(
        st.integers(0, 100),
        st.integers(0, 400),
        st.integers(0, 60),
        st.sampled_from(SCRAPS) | st.text(max_size=8),
    ),
    max_size=5,
)


def damaged(files: Files, edits: list[tuple[int, int, int, str]]) -> Files:
    """The files with scraps put in place of parts of their metadata."""
    made = dict(files)
    metadata = sorted(name for name in files if name.endswith((".yaml", ".json", ".txt")))
    for which, start, length, scrap in edits:
        name = metadata[which % len(metadata)]
        text = made[name]
        assert isinstance(text, str)
        at = start % (len(text) + 1)
        made[name] = (text[:at] + scrap + text[at + length :]).encode("utf-8", "ignore").decode()
    return made


@given(st.sampled_from((V1, V2, FLAT)), EDITS)
@examples(200, 5_000)
def test_damaged_metadata_is_reported_inside_its_file_and_the_rest_is_read(
    files: Files, edits: list[tuple[int, int, int, str]]
) -> None:
    """Whatever metadata holds, loading ends with findings that can be shown, and other projects are as ever."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(root / "bad", damaged(files, edits))
        write(root / "spare", SPARE)
        loaded = load(root)
        for finding in loaded.findings:
            assert 0 <= finding.span.start <= len(finding.source.text) + 1
            render_diagnostic(finding).encode()
        spare = [flow for flow in loaded.flows if flow.project == "spare"]
        assert [[skill.idn for skill in flow.skills] for flow in spare] == [["Hush"]]
        assert len({flow.module for flow in loaded.flows}) == len(loaded.flows)


@given(st.sampled_from((V1, V2, FLAT)), st.sets(st.integers(0, 30), max_size=6))
@examples(100, 2_000)
def test_missing_files_are_reported_and_the_rest_is_read(files: Files, gone: set[int]) -> None:
    """Whichever files are missing, loading ends with findings and what stands alone is as ever."""
    names = sorted(files)
    left = {name: files[name] for at, name in enumerate(names) if at not in gone}
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(root / "bad", left)
        write(root / "spare", SPARE)
        loaded = load(root)
        assert [flow.module for flow in loaded.flows if flow.project == "spare"] == [
            "spare.Spare.Quiet"
        ]
