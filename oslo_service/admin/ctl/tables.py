# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Answers as people read them: columns, and colours on a terminal."""

from collections.abc import Sequence
from typing import Any

from oslo_service._common import naming

__all__ = ("Style", "columns", "events", "loops", "seconds", "stacks", "status", "work")

_GOOD, _FAIR, _BAD, _HEAD = "32", "33", "31", "1"
_COLOURS = {
    **dict.fromkeys(("ready", "running", "pass"), _GOOD),
    **dict.fromkeys(
        ("starting", "stopping", "draining", "reloading", "paused", "warn"), _FAIR
    ),
    **dict.fromkeys(("hung", "killed", "refused", "fail"), _BAD),
}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Style:
    """Styles text for a terminal, or leaves it plain.

    :param colours: whether there are colours.
    """

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def head(self, text: str) -> str:
        """Return a headline."""
        return self._paint(text, _HEAD)

    def cell(self, text: str, word: str) -> str:
        """Return a cell of a table, in the colour that a word has."""
        return self._paint(text, _COLOURS.get(word, ""))

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours and code else text


def columns(
    style: Style, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[str]:
    """Return a table, its columns as wide as what is in them."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [style.head("  ".join(map(str.ljust, head, widths)).rstrip())]
    for row in rows:
        cells = [
            style.cell(text.ljust(width), text)
            for text, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def seconds(number: float | None) -> str:
    """Return a span of time in its two largest units."""
    if number is None:
        return "-"
    if number < 10:
        return f"{number:.1f}s"
    left = round(number)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size or parts:
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts[:2])


def size(number: float | None) -> str:
    """Return a number of bytes with a unit."""
    if number is None:
        return "-"
    for unit in _UNITS:
        if number < 1024 or unit == _UNITS[-1]:
            break
        number /= 1024
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def status(found: dict[str, Any], style: Style) -> list[str]:
    """Return the table of ``ctl status``."""
    process, state = found["process"], found["state"]
    about = (
        f"pid {process['pid']}",
        f"up {seconds(found['uptime'])}",
        f"{size(process['memory'])}",
        f"driver {found['driver']['name']}",
        f"oslo.service {found['version']}",
        f"Python {found['python']}",
    )
    name = style.head(_program(process["command"]))
    lines = [f"{name}: {style.cell(state, state)}; {', '.join(about)}"]
    if found["reloads"]:
        counts = [f"{count} {how}" for how, count in found["reloads"].items()]
        lines.append(f"Reloads: {', '.join(counts)}")
    head = (
        *("SERVICE", "SLOT", "PID", "STATE", "AGE", "GEN", "RESTARTS"),
        *("MEMORY", "WORK", "OLDEST", "HEALTH"),
    )
    rows = [
        _worker(service, worker)
        for service in found["services"]
        for worker in service["workers"]
    ]
    lines += ["", *columns(style, head, rows), *_silent(found)]
    if found["listeners"]:
        lines += ["", f"Listens on: {', '.join(map(_listener, found['listeners']))}"]
    return lines


def _silent(found: dict[str, Any]) -> list[str]:
    """Return which processes have not answered, and why."""
    return [
        f"{service['name']}/{worker['slot']} (pid {worker['pid']}): {worker['problem']}"
        for service in found["services"]
        for worker in service["workers"]
        if worker["problem"]
    ]


def _program(command: list[str]) -> str:
    """Return the name of a program, from its command line."""
    *folders, name = command[0].split("/")
    return folders[-1] if name == "__main__.py" and folders else name


def _listener(listener: dict[str, Any]) -> str:
    where = naming.address(listener["host"], listener["port"])
    return f"{where} ({listener['name']})"


def _worker(service: dict[str, Any], worker: dict[str, Any]) -> list[str]:
    work, health = worker["work"] or {}, worker["health"] or {}
    return [
        service["name"],
        _text(worker["slot"]),
        _text(worker["pid"]),
        worker["state"],
        seconds(worker["age"]),
        _text(worker["generation"]),
        _causes(worker["restarts"]),
        size(worker["memory"]),
        _text(work.get("count")),
        seconds(work.get("oldest")),
        _text(health.get("status")),
    ]


def _causes(restarts: dict[str, int]) -> str:
    """Return how often, and why if not only as it was told to."""
    causes = [f"{count} {cause}" for cause, count in restarts.items()]
    return ", ".join(causes) or "0"


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


def _who(process: dict[str, Any]) -> str:
    if process["worker"] is None:
        return f"pid {process['pid']}"
    return f"{process['service']}/{process['worker']} (pid {process['pid']})"


def work(found: dict[str, Any], style: Style) -> list[str]:
    """Return the table of ``ctl work``."""
    rows = [
        [
            _who(process),
            one["kind"],
            one["name"],
            _text(one.get("id")),
            seconds(one["age"]),
            _text(one.get("task") or None),
        ]
        for process in found["processes"]
        for one in process["work"]
    ]
    lines = columns(style, ("PROCESS", "KIND", "NAME", "ID", "AGE", "TASK"), rows)
    return [*lines, *_problems(found)]


def loops(found: dict[str, Any], style: Style) -> list[str]:
    """Return the table of ``ctl loops``."""
    rows = [
        [
            _who(process),
            one["name"],
            one["kind"],
            one["interval"],
            one["state"],
            seconds(one["last_run"]),
            seconds(one["next_run"]),
            seconds(one["late"]),
        ]
        for process in found["processes"]
        for one in process["loops"]
    ]
    head = ("NAME", "KIND", "INTERVAL", "STATE", "LAST RUN", "NEXT RUN", "LATE")
    return [*columns(style, ("PROCESS", *head), rows), *_problems(found)]


def stacks(found: dict[str, Any], style: Style) -> list[str]:
    """Return the stacks of every process."""
    lines = []
    for process in found["processes"]:
        for one in process["stacks"]:
            lines.append(style.head(f"{_who(process)}, {one['task']}"))
            lines += [one["stack"].rstrip("\n"), ""]
    return [*lines, *_problems(found)]


def _problems(found: dict[str, Any]) -> list[str]:
    return [
        f"{_who(process)}: {process['problem']}"
        for process in found["processes"]
        if process["problem"]
    ]


def events(found: list[dict[str, Any]]) -> list[str]:
    """Return a line for each event."""
    import time

    lines = []
    for event in found:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["time"]))
        known = ("id", "event", "time", "stacks")
        details = [
            f"{name}={round(value, 3) if isinstance(value, float) else value}"
            for name, value in event.items()
            if name not in known
        ]
        lines.append(" ".join([at, event["event"], *details]))
    return lines
