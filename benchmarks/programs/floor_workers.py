# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The least that keeps workers alive: fork(2) and waitpid(2).

``floor_workers WORKERS``. SIGTERM ends it, SIGHUP replaces the workers.
"""

import os
import signal
import sys

from programs._report import report

_workers = set()
_stopping = False


def main():
    """Fork the workers, and a new one for each that ends, until SIGTERM."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _replace)
    report("launch")
    for _ in range(int(sys.argv[1])):
        _fork()
    while _workers:
        pid, _status = os.wait()
        _workers.discard(pid)
        if not _stopping:
            _fork()


def _fork():
    signals = signal.SIGTERM, signal.SIGHUP
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        report("start")
        while True:
            signal.pause()
    _workers.add(pid)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


def _stop(*_):
    global _stopping
    _stopping = True
    _replace()


def _replace(*_):
    for pid in _workers:
        os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
