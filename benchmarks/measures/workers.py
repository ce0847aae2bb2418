# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How fast workers start, are replaced, and end."""

import functools
import os
import signal
import time
from collections.abc import Iterator

from harness.contestants import (
    COTYLEDON,
    FLOOR,
    GUNICORN,
    LIBRARIES,
    OURS_EVENTLET,
    OURS_THREADING,
    UPSTREAM_EVENTLET,
    Contestant,
)
from harness.measure import Measure, Row, at_most
from harness.watch import Watched, watching

__all__ = ("MEASURES",)

_BOTH = (OURS_THREADING, OURS_EVENTLET)
_EVERYONE = (*LIBRARIES, FLOOR, COTYLEDON, GUNICORN)
# Until every contestant listens to signals.
_SETTLE = 1.0
# Upstream holds back workers when more than there are have been started in as
# many seconds: only its first reload is a yardstick, and only after that time.
_SETTLE_BEFORE_RELOAD = 5.0
_DEATHS = 10
_BETWEEN_DEATHS = 0.5
_BETWEEN_RELOADS = 1.0


def _take_start(contestant: Contestant) -> dict[str, float]:
    return {f"start_{n}": _milliseconds_to_start(contestant, n) for n in (4, 16)}


def _milliseconds_to_start(contestant: Contestant, count: int) -> float:
    with watching(contestant.workers(count)) as program:
        launched = program.next("launch").when
        return (_last(program, count) - launched) * 1000


def _last(program: Watched, count: int) -> float:
    return max(event.when for event in program.workers(count))


def _take_respawn(contestant: Contestant) -> dict[str, float]:
    with watching(contestant.workers(4)) as program:
        times = list(_milliseconds_to_respawn(program))
    return {"first": times[0], "tenth": times[-1], "slowest": max(times)}


def _milliseconds_to_respawn(program: Watched) -> Iterator[float]:
    victim = program.workers(4)[0].pid
    time.sleep(_SETTLE)
    for _ in range(_DEATHS):
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        successor = program.next("start")
        yield (successor.when - killed) * 1000
        victim = successor.pid
        time.sleep(_BETWEEN_DEATHS)


def _take_end(contestant: Contestant) -> dict[str, float]:
    with watching(contestant.workers(4)) as program:
        program.workers(4)
        time.sleep(_SETTLE)
        seconds = program.seconds_to_end()
    return {"end_ms": seconds * 1000, "status": abs(program.process.returncode)}


def _take_reload(contestant: Contestant) -> dict[str, float]:
    with watching(contestant.workers(4)) as program:
        known = {event.pid for event in program.workers(4)}
        time.sleep(_SETTLE_BEFORE_RELOAD)
        times = []
        for _ in range(3):
            asked = program.signal_parent(signal.SIGHUP)
            new = program.workers(4, known)
            known.update(event.pid for event in new)
            times.append((max(event.when for event in new) - asked) * 1000)
            time.sleep(_BETWEEN_RELOADS)
    return {"first": times[0], "second": times[1], "third": times[2]}


_row = functools.partial(Row, judged=_BOTH)
_eventlet = at_most(1, UPSTREAM_EVENTLET)

MEASURES = (
    Measure(
        "start",
        _EVERYONE,
        _take_start,
        (
            _row("launch() until 4 workers started: ms", "start_4", _eventlet),
            _row("launch() until 16 workers started: ms", "start_16", _eventlet),
        ),
        rounds=9,
    ),
    Measure(
        "respawn",
        _EVERYONE,
        _take_respawn,
        (
            _row("kill -9 until replaced: ms", "first", at_most(3, FLOOR)),
            _row("the tenth: ms", "tenth", at_most(3, FLOOR)),
            _row("the slowest of ten: ms", "slowest", at_most(1000)),
        ),
        rounds=5,
    ),
    Measure(
        "end",
        _EVERYONE,
        _take_end,
        (
            _row("SIGTERM until 4 workers are gone: ms", "end_ms", at_most(2, FLOOR)),
            _row("exit status", "status", at_most(0)),
        ),
        rounds=9,
    ),
    Measure(
        "reload",
        _EVERYONE,
        _take_reload,
        (
            _row("SIGHUP until 4 workers are back: ms", "first", _eventlet),
            _row("again 1 s later: ms", "second"),
            _row("again 1 s later: ms", "third"),
        ),
        rounds=5,
    ),
)
