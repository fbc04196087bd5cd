"""A model on loopback in a process of its own, so that the server's work is not measured with the client's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

SERVE = """
import sys
from skillrt.testing import ModelServer, Reply
tokens, split, pause_s = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
reply = Reply.stream([" word"] * tokens, split=split, token_delay_s=pause_s)
with ModelServer(lambda request: reply) as server:
    print(server.base_url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def model(tokens: int, split: str = "whole", pause_s: float = 0.0) -> Generator[str]:
    """The base URL of a model whose every answer has so many tokens; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tokens), split, str(pause_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()
