"""Commands as users run them: in processes of their own, through pipes and at terminals."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO


def command(*arguments: str, verb: str = "run") -> list[str]:
    return [sys.executable, "-m", "skillc", verb, *arguments]


def environment(base_url: str) -> dict[str, str]:
    return {**os.environ, "OPENAI_BASE_URL": base_url, "OPENAI_MODEL": "scripted"}


@contextmanager
def typing(base_url: str, *arguments: str, verb: str = "run") -> Generator[subprocess.Popen[bytes]]:
    """A conversation whose standard input is a pipe that stays open."""
    with subprocess.Popen(
        command(*arguments, verb=verb),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(base_url),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(stream: IO[bytes], end: bytes) -> bytes:
    """What comes up to and including `end`."""
    read = b""
    while not read.endswith(end):
        byte = stream.read(1)
        assert byte, read
        read += byte
    return read


def type_line(process: subprocess.Popen[bytes], line: str) -> None:
    assert process.stdin
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


@contextmanager
def at_terminal(
    base_url: str, *arguments: str, verb: str = "run"
) -> Generator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A conversation at a terminal, and our side of that."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*arguments, verb=verb),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(base_url),
        start_new_session=True,
    )
    os.close(theirs)
    with open(ours, "r+b", buffering=0) as screen:
        try:
            yield process, screen
        finally:
            process.kill()
            process.wait()
