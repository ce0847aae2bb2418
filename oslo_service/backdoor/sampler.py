# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A profiler that looks, now and then, where every native thread is.

A tracing profiler, as cProfile is, sees the thread that it was started in; the
back door is asked about the others. Nothing is changed in them by looking.
"""

import collections
import itertools
import marshal
import os
import sys
from pathlib import Path
from types import CodeType
from typing import Any

from oslo_service import _clock
from oslo_service.backdoor import frames
from oslo_service.backend.base import Driver

__all__ = ("Sampler",)

# From one look to the next, in seconds; and how many times as long as a look
# has taken at the least.
_INTERVAL = 0.005
_RESPITE = 20
_MOST_LINES = 30
# How soon a thread that runs lets this one look, in seconds. By default it is so
# long that a thread would mostly be seen where it lets others run by itself.
_SWITCH = 2e-5
# Where threads wait: time is spent there by nobody.
_WAITS = (
    *("/threading.py", "/selectors.py", "/queue.py", "/socket.py", "/ssl.py"),
    *("/subprocess.py", "/concurrent/futures/thread.py", "/serving/poller.py"),
    *("/backend/_poll.py", "/backend/threading/_event.py"),
    *("/eventlet/hubs/poll.py", "/eventlet/hubs/epolls.py"),
    *("/eventlet/hubs/selects.py", "/backdoor/sampler.py"),
)

# File, line, name: what pstats knows a function by.
_Function = tuple[str, int, str]


class Sampler:
    """Looks, in a native thread of its own, from its making until it is stopped.

    :param driver: has the unpatched modules.
    """

    def __init__(self, driver: Driver) -> None:
        threads = driver.original("_thread")
        self._time = driver.original("time")
        self.pid = os.getpid()  # its thread does not cross a fork
        self.looks = 0
        self.seconds = 0.0
        # Seconds in a function itself; in it, with what it called; and in what one
        # called another for.
        self._own: dict[_Function, float] = collections.defaultdict(float)
        self._all: dict[_Function, float] = collections.defaultdict(float)
        self._calls: dict[tuple[_Function, _Function], float] = collections.defaultdict(
            float
        )
        self._stopped = threads.allocate_lock()
        self._stopped.acquire()
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH)
        self._over = threads.allocate_lock()
        self._over.acquire()
        self._ident: int = threads.start_new_thread(self._look_repeatedly, ())

    def stop(self) -> None:
        """Look no more."""
        self._stopped.release()
        self._over.acquire()
        sys.setswitchinterval(self._switch)

    def _look_repeatedly(self) -> None:
        start = looked = _clock.now()
        pause = _INTERVAL
        while not self._stopped.acquire(timeout=pause):
            begun, cost = _clock.now(), self._time.thread_time()
            self._look(begun - looked)
            looked = begun
            cost = self._time.thread_time() - cost
            pause = max(_INTERVAL, cost * _RESPITE)
        self.seconds = _clock.now() - start
        self._over.release()

    def _look(self, weight: float) -> None:
        self.looks += 1
        for ident, innermost in sys._current_frames().items():
            if ident == self._ident or _waits(innermost.f_code):
                continue
            stack = [_function(one.f_code) for one in frames.outwards(innermost)]
            self._own[stack[0]] += weight
            for function in set(stack):
                self._all[function] += weight
            for pair in set(itertools.pairwise(stack)):
                self._calls[pair] += weight

    def report(self) -> str:
        """Give the functions in which most of the time was spent."""
        head = f"{self.looks} looks in {self.seconds:.2f} s; seconds in the function"
        lines = [f"{head} itself, and with what it called:"]
        ranked = sorted(
            self._all, key=lambda one: (-self._own[one], -self._all[one], one)
        )
        for one in ranked[:_MOST_LINES]:
            file, line, name = one
            lines.append(
                f"{self._own[one]:9.3f} {self._all[one]:9.3f}  {name} ({file}:{line})"
            )
        if not ranked:
            lines.append("All threads were waiting.")
        return "\n".join(lines) + "\n"

    def save(self, path: str) -> None:
        """Write what was seen to a file that :class:`pstats.Stats` reads.

        Where that counts calls, these are looks.
        """
        stats: dict[_Function, tuple[Any, ...]] = {}
        for one, total in self._all.items():
            looks = round(total / _INTERVAL) or 1
            callers = {
                caller: (looks, looks, 0.0, seconds)
                for (callee, caller), seconds in self._calls.items()
                if callee == one
            }
            stats[one] = (looks, looks, float(self._own[one]), float(total), callers)
        Path(path).write_bytes(marshal.dumps(stats))


def _waits(code: CodeType) -> bool:
    return code.co_filename.replace("\\", "/").endswith(_WAITS)


def _function(code: CodeType) -> _Function:
    return code.co_filename, code.co_firstlineno, code.co_qualname
