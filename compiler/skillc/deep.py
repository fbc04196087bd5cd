"""Recursion as deep as a template's longest chain: a stack that is large enough, for one call."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Final, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

STACK_BYTES: Final = 512 * 1024 * 1024  # address space; only what is used becomes memory
FRAMES: Final = 1_000_000
ORDINARY_FRAMES: Final = 1000
THREAD: Final = "skillc-deep"
LOCK: Final = threading.Lock()


@contextmanager
def ordinary_depth() -> Generator[None]:
    """Inside a deep call, the recursion limit of ordinary processes, for what must do with it."""
    deep = sys.getrecursionlimit()
    sys.setrecursionlimit(ORDINARY_FRAMES)
    try:
        yield
    finally:
        sys.setrecursionlimit(deep)


def with_deep_stack(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function, run where it may recurse through trees that are thousands of nodes deep.

    Chains such as `a + b + c ...` and `else if` are as long as their author likes, and a tree's depth with them.
    """

    @wraps(function)
    def run_deeply(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if threading.current_thread().name == THREAD:
            return function(*args, **kwargs)
        done: list[Result] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                done.append(function(*args, **kwargs))
            except BaseException as error:  # raised below, in the caller's thread
                failed.append(error)

        with LOCK:  # both settings are the whole process's: whoever came second would restore the wrong ones
            frames, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
            sys.setrecursionlimit(FRAMES)
            try:
                thread = threading.Thread(target=run, name=THREAD)
                thread.start()
                thread.join()
            finally:
                threading.stack_size(size)
                sys.setrecursionlimit(frames)
        if failed:
            raise failed[0]
        return done[0]

    return run_deeply
