# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The limits that a parent keeps its workers to, as they are configured."""

from oslo_service._common.records import Record

__all__ = ("Limits",)


class Limits(Record):
    """What the options in the group of the library say; 0 is always: none.

    Times are in seconds.

    :ivar restart_limit: how often a slot may lose its worker in a window.
    :ivar restart_window: how long that window is.
    """

    restart_limit: int = 0
    restart_window: float = 30.0
