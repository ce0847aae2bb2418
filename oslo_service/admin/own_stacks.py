# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The stacks of the tasks of this process, which go on meanwhile."""

import sys
import threading
from typing import Any

from oslo_service import backend
from oslo_service._common import frames

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
        ident: (threads.get(ident, f"thread {ident}"), stack)
        for ident, stack in frames.stacks_of(sys._current_frames).items()
    }
    for driver in backend.in_use():
        stacks = frames.stacks_of(driver.frames, driver.current_ident())
        for ident, stack in stacks.items():
            name = tasks.get(ident) or threads.get(ident, f"task {ident}")
            found[ident] = name, stack
    return [
        {"task": name, "stack": frames.text(stack, variables=False)}
        for name, stack in found.values()
    ]
