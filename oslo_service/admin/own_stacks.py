# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where every task of a process is: nothing is stopped for it."""

import sys
import threading
from typing import Any

from oslo_service import backend
from oslo_service.backdoor import frames

__all__ = ("of_process",)


def of_process() -> list[dict[str, Any]]:
    """Return the stacks of the native threads, and of the tasks, of this process."""
    threads = {one.ident: one.name for one in threading.enumerate()}
    tasks = {
        task.ident: task.name
        for driver in backend.in_use()
        for task in list(driver.running)
    }
    found = {
        ident: (threads.get(ident, f"thread {ident}"), frame)
        for ident, frame in sys._current_frames().items()
    }
    for driver in backend.in_use():
        for ident, frame in driver.frames().items():
            found[ident] = (
                tasks.get(ident) or threads.get(ident, f"task {ident}"),
                frame,
            )
    return [
        {"task": name, "stack": frames.text(frame, variables=False)}
        for name, frame in found.values()
    ]
