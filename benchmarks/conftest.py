"""Benchmarks print ratios: every group has one baseline, measured in the same run."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show each benchmark as a multiple of the baseline of its group (medians)."""
    session = getattr(config, "_benchmarksession", None)
    groups: dict[str, list[Any]] = defaultdict(list)
    for bench in getattr(session, "benchmarks", []):
        if bench.stats is not None and bench.group:
            groups[bench.group].append(bench)
    if not groups:
        return
    terminalreporter.section("ratios to the baseline of the same run (medians)")
    for group, benches in sorted(groups.items()):
        base = next((b.stats.median for b in benches if b.extra_info.get("baseline")), None)
        for bench in benches:
            ratio = "        " if base is None else f"{bench.stats.median / base:7.2f}x"
            note = "  (baseline)" if bench.extra_info.get("baseline") else ""
            note += "".join(
                f"  {name.removesuffix('_ms')} {bench.extra_info[name]:.2f} ms"
                for name in ("p50_ms", "p99_ms")
                if name in bench.extra_info
            )
            if "peak_mb" in bench.extra_info:
                note += f"  peak {bench.extra_info['peak_mb']} MB"
            unit = bench.extra_info.get("unit", "run")
            count = bench.extra_info.get("count", 1)
            each_us = bench.stats.median / count * 1e6
            terminalreporter.write_line(
                f"{group:24} {bench.name:44} {ratio} {each_us:12.2f} us/{unit}{note}"
            )
