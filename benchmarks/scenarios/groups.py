# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run no-ops in a group's threads, with links, and take their results."""

import threading
import time

from harness.inside import answer, role, select

_BATCH = 500
_BATCHES = 6
_POOL = 1000


def _work(number):
    return number


class _BareThread(threading.Thread):
    """A thread that keeps the result."""

    def __init__(self, call, *args):
        super().__init__(daemon=True)
        self._call, self._arguments = call, args
        self._result = None

    def run(self):
        self._result = self._call(*self._arguments)

    def wait(self):
        self.join()
        return self._result


def _bare():
    def add(*args):
        thread = _BareThread(*args)
        thread.start()
        return thread

    return add, lambda: None


def _library():
    select(role())
    from oslo_service import threadgroup

    group = threadgroup.ThreadGroup(_POOL)

    def add(*args):
        thread = group.add_thread(*args)
        thread.link(lambda _thread: None)
        return thread

    return add, group.wait


def main():
    """Return what one costs, over several batches."""
    add, wait = _bare() if role() == "floor" else _library()
    cpu, wall, right = time.process_time(), time.monotonic(), 0
    for _ in range(_BATCHES):
        threads = [add(_work, number) for number in range(_BATCH)]
        right += [thread.wait() for thread in threads] == list(range(_BATCH))
        wait()
    count = _BATCH * _BATCHES
    answer(
        cpu_us=(time.process_time() - cpu) / count * 1e6,
        us=(time.monotonic() - wall) / count * 1e6,
        right_percent=right / _BATCHES * 100,
    )


if __name__ == "__main__":
    main()
