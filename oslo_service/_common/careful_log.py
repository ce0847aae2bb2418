# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A log whose failure is not that of who writes to it.

A handler, or a filter, of the program's may raise anything. Of whoever looks after
processes nothing must be lost by that.
"""

import contextlib
import logging
import traceback
from typing import Any

from oslo_service._common.failures import FAILURES, is_interrupt

__all__ = ("CarefulLog",)


class CarefulLog(logging.LoggerAdapter[logging.Logger]):
    """The log of a module, in which a line that cannot be written is lost, and no more.

    What has failed is written to the standard error, unless
    :data:`logging.raiseExceptions` says otherwise, as for handlers that report it.

    :param name: that of the logger.
    """

    def __init__(self, name: str) -> None:
        super().__init__(logging.getLogger(name))

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line, where that level is on."""
        kwargs.setdefault("stacklevel", 1)
        kwargs["stacklevel"] += 1  # who has called this
        try:
            super().log(level, msg, *args, **kwargs)
        except FAILURES as exc:
            if is_interrupt(exc):
                raise
            if logging.raiseExceptions:
                with contextlib.suppress(Exception):
                    traceback.print_exc()
