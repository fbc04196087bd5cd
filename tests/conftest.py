"""What all tests share: both backends, and `--accept` for the case files."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--accept` rewrites the outputs in tests/cases; read that diff as if a stranger had written it."""
    parser.addoption("--accept", action="store_true", help="rewrite the outputs of the case files")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop a test runs on."""
    return str(request.param)
