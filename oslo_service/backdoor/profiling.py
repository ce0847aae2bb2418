# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Profiling: where all threads of the process spend their time, by yappi."""

from typing import Any

from oslo_service._common import extras
from oslo_service.backdoor.client_stream import ClientStream
from oslo_service.backend.base import Driver

__all__ = ("Profile",)

# Wider columns than those of yappi, which cut the names of functions.
_COLUMNS = {
    0: ("name", 72),
    1: ("ncall", 9),
    2: ("tsub", 9),
    3: ("ttot", 9),
    4: ("tavg", 9),
}


class Profile:
    """Records the CPU time of every function, from its making until it is stopped.

    :param driver: the driver that the process runs on.
    :raises ImportError: yappi is missing.
    """

    def __init__(self, driver: Driver) -> None:
        self._yappi: Any = extras.need("yappi", "backdoor")
        context = "native_thread" if driver.capabilities.parallel else "greenlet"
        self._yappi.set_context_backend(context)
        self._yappi.set_clock_type("cpu")
        self._yappi.start(builtins=True)

    def stop(self) -> None:
        """Stop recording."""
        self._yappi.stop()

    def show(self, stream: ClientStream, path: str) -> None:
        """Print the functions, the most expensive first, and forget them.

        :param path: a file to write them to, too, for :class:`pstats.Stats`; or empty.
        """
        stats = self._yappi.get_func_stats().sort("tsub")
        stats.print_all(out=stream, columns=_COLUMNS)
        if path:
            stats.save(path, "pstat")
            stream.write(f"Written to {path}\n")
        self._yappi.clear_stats()
