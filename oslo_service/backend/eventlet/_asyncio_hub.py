# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Eventlet's hub that is made of an event loop of asyncio, and forks."""

import sys
from typing import Any

__all__ = ("forget",)


def forget(hub: Any) -> None:
    """Have no loop of asyncio run in this thread, in a freshly forked process.

    Such a hub runs its loop for ever, and has it go on in children.
    """
    loop = getattr(hub, "loop", None)
    asyncio: Any = sys.modules.get("asyncio")
    if loop is None or asyncio is None:
        return
    asyncio._set_running_loop(None)
    if hasattr(asyncio.tasks, "_swap_current_task"):
        asyncio.tasks._swap_current_task(loop, None)
