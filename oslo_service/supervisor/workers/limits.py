# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The limits that a parent keeps its workers to, as they are configured."""

from oslo_service._common.records import Record

__all__ = ("Limits",)


class Limits(Record):
    """What the options in the group of the library say; 0 is always: none.

    Times are in seconds. Without values there are none: what users get by default is
    said by the options alone.

    :ivar restart_limit: how often a slot may lose its worker in a window.
    :ivar restart_window: how long that window is.
    :ivar start_timeout: how long a successor may take to be ready.
    :ivar worker_timeout: how long a worker may be silent.
    :ivar worker_max_age: how old a worker may become.
    :ivar worker_max_requests: how many requests it may answer.
    :ivar worker_max_memory: how many bytes it may use.
    :ivar worker_jitter: which part of those three is left to chance.
    """

    restart_limit: int = 0
    restart_window: float = 0.0
    start_timeout: float = 0.0
    worker_timeout: float = 0.0
    worker_max_age: float = 0.0
    worker_max_requests: int = 0
    worker_max_memory: int = 0
    worker_jitter: float = 0.0
