# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether this process is a daemon, or in the foreground of a terminal."""

import io
import os
import sys

__all__ = ("is_daemon",)


def is_daemon() -> bool:
    """Whether the process is not in the foreground of a terminal.

    tcgetpgrp(3): the foreground process group of the terminal, which a daemon
    has none of.
    """
    try:
        foreground = os.tcgetpgrp(sys.stdout.fileno())
    except (OSError, io.UnsupportedOperation, AttributeError, ValueError):
        # No terminal, or one that has gone; not a real file, none at all, or closed.
        return True
    return foreground != os.getpgrp()
