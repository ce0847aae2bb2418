# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Call, under a retry decorator, a function that succeeds."""

import time

from harness.inside import answer, role, select

_SECONDS = 0.7


def _succeed():
    return 1


def _bare():
    def calling():
        try:
            return _succeed()
        except ZeroDivisionError:
            return None

    return calling


def _tenacity():
    import tenacity

    return tenacity.retry(stop=tenacity.stop_after_attempt(3))(_succeed)


def _library():
    select(role())
    from oslo_service import loopingcall

    return loopingcall.RetryDecorator(max_retry_count=3)(_succeed)


def main():
    """Call for a while, and give what a call costs."""
    call = {"floor": _bare, "tenacity": _tenacity}.get(role(), _library)()
    call()
    cpu, wall, calls = time.process_time(), time.monotonic(), 0
    while time.monotonic() - wall < _SECONDS:
        for _ in range(100):
            call()
        calls += 100
    answer(
        calls_per_s=calls / (time.monotonic() - wall),
        cpu_us=(time.process_time() - cpu) / calls * 1e6,
    )


if __name__ == "__main__":
    main()
