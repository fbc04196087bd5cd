"""The place where engines are tried."""

from __future__ import annotations

import pytest

from engine_place import Place


@pytest.fixture
def place() -> Place:
    return Place()
