"""The command line's first step, which must work without the compiler's libraries."""

from __future__ import annotations

import sys
from typing import Final

EXTRA: Final = frozenset({"click", "libcst", "yaml"})


def main() -> None:
    """Run the command line, or say which command adds what it needs."""
    try:
        from skillc.cli import cli

        cli(prog_name="skillc")
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        sys.stderr.write(
            "skillc: the compiler is not installed; add it with: pip install 'skillc[compiler]'\n"
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
