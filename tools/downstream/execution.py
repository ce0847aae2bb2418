# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run a project's tests with an interpreter, to the last one."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from places import surroundings

__all__ = ("Result", "Run")

Line = dict[str, Any]

_PROGRAM = Path(__file__).with_name("in_project.py")
#: Seconds that a test may take. The projects' own limit ends most that hang.
LIMIT = 300.0
_OWN_LIMIT = "60"
# Seconds between looks at how far the tests have come.
_PAUSE = 0.5


@dataclass(frozen=True)
class Result:
    """What became of a test.

    :ivar outcome: "passed", "failed", "skipped" or "died": its process ended
        or hung.
    :ivar detail: why, where it has not passed.
    """

    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class Run:
    """A way to run the tests.

    :ivar python: an interpreter that has the project installed.
    :ivar tree: the project's source tree.
    :ivar first: what is imported before the tests.
    :ivar modules: all test modules: they are imported in this order.
    :ivar environment: what to add to the environment.
    :ivar place: a directory for what is written, whatever it held before.
    """

    python: Path
    tree: Path
    first: tuple[str, ...]
    modules: list[str]
    environment: Mapping[str, str]
    place: Path

    def __call__(self, only: Collection[str] | None = None) -> dict[str, Result]:
        """Run them, or those of some modules only; give the result of each.

        Where one hangs or ends its process, another process runs the rest.
        """
        self.place.mkdir(parents=True, exist_ok=True)
        lines = self.place / "results.jsonl"
        lines.write_bytes(b"")
        position: int | None = 0
        with (self.place / "output.txt").open("wb") as output:
            while position is not None:
                self._start(lines, position, only, output.fileno())
                position = _go_on(lines)
        return _results(_read(lines))

    def _start(
        self, lines: Path, position: int, only: Collection[str] | None, output: int
    ) -> None:
        """Run them from a position on, until the end or until one hangs."""
        order = {
            "first": self.first,
            "modules": self.modules,
            "only": None if only is None else sorted(only),
            "position": position,
            "results": str(lines),
        }
        size = lines.stat().st_size
        with subprocess.Popen(
            [self.python, _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=self.tree,
            env=surroundings(OS_TEST_TIMEOUT=_OWN_LIMIT, **self.environment),
            start_new_session=True,
        ) as process:
            try:
                process.stdin.write(json.dumps(order).encode())
                process.stdin.close()
                _watch(process, lines)
            finally:
                _end(process)
        if lines.stat().st_size == size:
            raise RuntimeError(
                f"The tests cannot even be loaded: see {self.place / 'output.txt'}"
            )


def _watch(process: subprocess.Popen[bytes], lines: Path) -> None:
    """Wait until a process has ended, or has written nothing for long."""
    size, since = -1, time.monotonic()
    while process.poll() is None and time.monotonic() < since + LIMIT:
        now = lines.stat().st_size
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(_PAUSE)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and what it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _read(lines: Path) -> list[Line]:
    return [json.loads(line) for line in lines.read_text("utf-8").splitlines()]


def _go_on(lines: Path) -> int | None:
    """Return the position from which to go on; none where all have been run.

    The test in which the process has ended gets its result here.
    """
    text = lines.read_text("utf-8")
    # The last line may have been cut off.
    lines.write_text(text[: text.rfind("\n") + 1], "utf-8")
    written = _read(lines)
    if "end" in written[-1]:
        return None
    last = next(line for line in reversed(written) if "position" in line)
    with lines.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"test": last["test"], "outcome": "died"}) + "\n")
    return int(last["position"]) + 1


def _results(lines: Iterable[Line]) -> dict[str, Result]:
    """Return what became of each test; the worst where there is more than one."""
    results: dict[str, Result] = {}
    for line in lines:
        if "outcome" not in line:
            continue
        earlier = results.get(line["test"])
        if earlier is None or earlier.outcome == "passed":
            results[line["test"]] = Result(line["outcome"], line.get("detail", ""))
    return results
