# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tells the watching process what happens."""

import os
import time

__all__ = ("report",)

# Taken before Eventlet may replace it.
_write = os.write


def report(what: str) -> None:
    """Tell one thing, with the process and the time."""
    line = f"{what} {os.getpid()} {time.monotonic()!r}\n"
    _write(int(os.environ["REPORT_TO"]), line.encode())
