# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What importing the library costs, beyond oslo.config, with Eventlet there."""

import functools
import subprocess
from pathlib import Path

from harness.contestants import (
    OURS_EVENTLET,
    OURS_THREADING,
    UPSTREAM_EVENTLET,
    UPSTREAM_THREADING,
    Contestant,
)
from harness.measure import Measure, Row, at_most
from harness.places import BENCHMARKS

__all__ = ("MEASURE",)

_MODULES = ("service", "loopingcall", "threadgroup", "periodic_task")
_FIND = "import importlib.util as u, sys; sys.exit(not u.find_spec(sys.argv[1]))"


def _take(contestant: Contestant) -> dict[str, float]:
    modules = _common_modules(contestant.pythons["ours"])
    # The first writes the byte code.
    _, numbers = (
        contestant.run("imports", contestant.name, *modules) for _ in range(2)
    )
    return numbers


@functools.cache
def _common_modules(ours: Path) -> list[str]:
    """Return the modules that are here already; the same are imported of both."""
    return [
        name
        for name in _MODULES
        if not subprocess.run(
            [ours, "-c", _FIND, f"oslo_service.{name}"], cwd=BENCHMARKS, check=False
        ).returncode
    ]


MEASURE = Measure(
    "imports",
    (OURS_THREADING, UPSTREAM_THREADING, OURS_EVENTLET, UPSTREAM_EVENTLET),
    _take,
    (
        Row("import: CPU, ms", "cpu_ms", at_most(1 / 8, UPSTREAM_THREADING)),
        Row("import: memory, MB", "memory_mb", at_most(1 / 8, UPSTREAM_THREADING)),
        Row("import: modules", "modules"),
        Row("import: eventlet loaded", "eventlet", at_most(0)),
        Row("import and selection: CPU, ms", "selected_cpu_ms"),
        Row("import and selection: memory, MB", "selected_memory_mb"),
        Row("import and selection: eventlet", "selected_eventlet", at_most(0)),
    ),
)
