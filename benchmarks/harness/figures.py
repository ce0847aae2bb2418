# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Writes what was measured for the documentation: a table for each measure."""

import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.contestants import Contestant
from harness.measure import Row
from harness.places import CHECKOUT
from harness.report import number, verdicts
from harness.turns import Results

__all__ = ("write",)

_WORDS = {True: "reached", False: "**not reached**", None: "not measured"}
# What is installed under another name than the contestant's.
_DISTRIBUTIONS = {
    "granian-10": "granian",
    "granian-100": "granian",
    "gunicorn[fast]": "gunicorn",
    "uWSGI": "pyuwsgi",
}
_VERSION = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"


def write(
    result: Results, contestants: Iterable[Contestant], folder: Path, order: list[str]
) -> None:
    """Write the table of a measure, in place of an earlier one; and the list of all.

    :param order: the names of all measures, as they are to be listed.
    """
    folder.mkdir(exist_ok=True)
    name = result.measure.name
    versions = sorted(
        {_version(one) for one in contestants if one.name in result.taken}
    )
    taken = ", ".join(filter(None, versions))
    date = time.strftime("%d %B %Y")
    rounds = max(map(len, result.taken.values()), default=0)
    text = [
        ".. Written by benchmarks/run.py --report.",
        "",
        name,
        "^" * len(name),
        "",
        f"{date}; {_machine()}; {taken}. Medians of {rounds} rounds.",
        "",
        *_table(result),
        "",
        *_goals(result),
    ]
    (folder / f"{name}.inc").write_text("\n".join(text) + "\n", encoding="utf-8")
    known = [one for one in order if (folder / f"{one}.inc").exists()]
    lines = [f".. include:: {folder.name}/{one}.inc" for one in known]
    (folder / "all.inc").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(result: Results) -> Iterable[str]:
    columns = {row.value: row.what for row in reversed(result.measure.rows)}
    values = sorted(columns, key=[row.value for row in result.measure.rows].index)
    yield from (".. list-table::", "    :header-rows: 1", "", "    * - contestant")
    yield from (f"      - {columns[value]}" for value in values)
    medians = {value: result.medians(value) for value in values}
    for name in result.taken:
        yield f"    * - {name}"
        yield from (f"      - {number(medians[value].get(name))}" for value in values)


def _goals(result: Results) -> Iterable[str]:
    for row in result.measure.rows:
        medians = result.medians(row.value)
        found = [
            f"{name}, {_WORDS[reached]}{_ratio(row, name, medians)}"
            for name, reached in verdicts(row, medians).items()
        ]
        if found:
            yield f"- {row.what}, {row.limit}: {'; '.join(found)}"


def _ratio(row: Row, name: str, medians: Mapping[str, float]) -> str:
    other = None if row.limit is None or row.limit.of is None else row.limit.of
    if other is None or not medians.get(other):
        return ""
    return f" ({medians[name] / medians[other]:.2f})"


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if "model name" in line),
        platform.machine(),
    )
    load = os.getloadavg()[1]
    return (
        f"{model}, {os.cpu_count()} processors, Linux {platform.release()}, Python"
        f" {platform.python_version()}, load average {load:.1f}"
    )


def _version(contestant: Contestant) -> str:
    """Return a contestant's name and version, or nothing where it has none."""
    name = _DISTRIBUTIONS.get(contestant.name, contestant.name)
    if contestant.name.startswith("ours"):
        command = ["git", "describe", "--always", "--dirty"]
        return f"oslo.service at {_output(command)}"
    if contestant.name.startswith("upstream"):
        name = "oslo.service"
    python = str(contestant.pythons[contestant.library])
    version = _output([python, "-c", _VERSION, name])
    return f"{name} {version}" if version else ""


def _output(command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=CHECKOUT, check=False, capture_output=True, text=True
    )
    return done.stdout.strip()
