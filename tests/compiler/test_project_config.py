"""Settings: who wins, where the file is found, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from skillc.errors import UsageError
from skillc.project.config import Config, configure


def settle(environ: Mapping[str, str] | None = None, **flags: str) -> Config:
    """The settings as seen from the working directory."""
    return configure({"src": None, "out": None, "similarity": None} | flags, environ or {}, Path())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_config_defaults(project: Path) -> None:
    config = settle()
    assert (config.src, config.out, config.settings.similarity) == (
        Path("skills"),
        Path("build"),
        "platform",
    )


def test_config_flag_wins_over_environment_over_file(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.skillc]\nsrc = "a"\nout = "a"\nsimilarity = "normalized"\n'
    )
    config = settle({"SKILLC_OUT": "b", "SKILLC_SRC": "b", "HOME": "x"}, src="c")
    assert (config.src, config.out) == (Path("c"), Path("b"))
    assert config.settings.similarity == "normalized"
    assert settle({"SKILLC_SIMILARITY": "platform"}).settings.similarity == "platform"


def test_config_empty_variable_says_nothing(project: Path) -> None:
    assert settle({"SKILLC_OUT": "", "SKILLC_TRACEBACK": "1"}).out == Path("build")


def test_config_file_is_found_upwards_from_the_source(project: Path) -> None:
    inner = project / "shop" / "skills"
    inner.mkdir(parents=True)
    (project / "pyproject.toml").write_text('[tool.skillc]\nout = "outer"\n')
    assert settle(src="shop/skills").out == Path("outer")
    (project / "shop" / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert settle(src="shop/skills").out == Path("outer")
    (project / "shop" / "skillc.toml").write_text('out = "generated"\n')
    assert settle(src="shop/skills").out == Path("shop/generated")
    assert settle().out == Path("outer")


def test_config_paths_in_a_file_are_relative_to_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "skillc.toml").write_text('src = "templates"\n')
    (project / "inner").mkdir()
    monkeypatch.chdir(project / "inner")
    assert settle().src == Path("../templates")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('ouput = "x"', "skillc.toml: unknown key 'ouput'; did you mean 'out'?"),
        ('colour = "x"', "skillc.toml: unknown key 'colour'"),
        ("out = 1", "skillc.toml: 'out' must be text"),
        (
            'similarity = "normalised"',
            "skillc.toml: 'similarity' must be 'platform' or 'normalized', not 'normalised'; "
            "did you mean 'normalized'?",
        ),
        ("out = ", "skillc.toml: Invalid value (at end of document)"),
    ],
)
def test_config_mistakes_in_a_file_are_one_line(project: Path, text: str, message: str) -> None:
    (project / "skillc.toml").write_text(text)
    with pytest.raises(UsageError) as refused:
        settle()
    assert str(refused.value) == message


def test_config_table_of_the_wrong_shape_is_refused(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool]\nskillc = 3\n")
    with pytest.raises(UsageError, match=r"pyproject.toml: 'tool.skillc' must be a table"):
        settle()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SKILLC_OTU", "x", "the environment: unknown variable 'SKILLC_OTU'; did you mean 'SKILLC_OUT'?"),
        ("SKILLC_SIMILARITY", "loose", "SKILLC_SIMILARITY must be 'platform' or 'normalized', not 'loose'"),
    ],
)  # fmt: skip
def test_config_mistakes_in_the_environment_are_one_line(
    project: Path, name: str, value: str, message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        settle({name: value})
    assert str(refused.value) == message


def test_layout_and_customer_are_settings_too() -> None:
    assert (settle({}).layout, settle({}).customer) == (None, None)
    chosen = settle({"SKILLC_LAYOUT": "v1", "SKILLC_CUSTOMER": "PIER7"})
    assert (chosen.layout, chosen.customer) == ("v1", "PIER7")
    with pytest.raises(UsageError, match="'auto' or 'folder' or 'v1' or 'v2', not 'v3'"):
        settle({"SKILLC_LAYOUT": "v3"})
