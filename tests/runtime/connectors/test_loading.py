"""Connectors by name: paths, entry points, and what can be wrong with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skillrt.connectors.loading import load_connector
from skillrt.connectors.sandbox import Sandbox
from skillrt.errors import ConfigurationError

MODULE = """
from skillrt.connectors.base import Service

class Pager(Service):
    integration_idn = "pager"
    def __init__(self, connector_idn="desk"):
        self.connector_idn = connector_idn

class Nothing:
    integration_idn = "nothing"
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with connectors, found on the path."""
    (tmp_path / "pagers.py").write_text(MODULE)
    about = tmp_path / "pagers-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pagers\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[skillc.connectors]\npager = pagers:Pager\nlost = pagers:Gone\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pagers", raising=False)


def test_path_names_a_class() -> None:
    connector = load_connector("pagers:Pager", {"connector_idn": "floor"})
    assert (connector.integration_idn, connector.connector_idn) == ("pager", "floor")


def test_entry_point_names_a_class() -> None:
    assert load_connector("pager").connector_idn == "desk"


def test_path_names_a_shipped_one() -> None:
    made = load_connector("skillrt.connectors.sandbox:Sandbox", {"screen": None})
    assert isinstance(made, Sandbox)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("gone:Pager", {}, "cannot import connector 'gone:Pager': No module named 'gone'"),
        (
            "pagers:Phone",
            {},
            "cannot import connector 'pagers:Phone': module 'pagers' has no attribute 'Phone'",
        ),
        (":Pager", {}, "cannot import connector ':Pager': Empty module name"),
        (
            "phone",
            {},
            "no connector is called 'phone' (lost, pager); write module:Class, or install one",
        ),
        ("lost", {}, "cannot import connector 'lost': module 'pagers' has no attribute 'Gone'"),
        (
            "pagers:Pager",
            {"port": 1},
            "connector 'pagers:Pager' cannot be made: "
            "Pager.__init__() got an unexpected keyword argument 'port'",
        ),
        (
            "pagers:Nothing",
            {},
            "'pagers:Nothing' is no connector: it has no connector_idn, send_message, open_stream"
            " (what only carries out commands is built on skillrt.connectors.base.Service)",
        ),
    ],
)
def test_mistakes_are_said_in_one_line(
    name: str, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_connector(name, settings)
    assert str(raised.value) == message
