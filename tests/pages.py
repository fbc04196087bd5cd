"""The pages of docs/ as tests read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def definitions(name: str) -> dict[str, Any]:
    """What the Python blocks of a page define, one after another."""
    page = DOCS / f"{name}.md"
    text = page.read_text("utf-8")
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        exec(compile(block, str(page), "exec"), namespace)
    return namespace
