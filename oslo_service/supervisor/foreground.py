# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether this process is a daemon, or in the foreground of a terminal."""

import errno
import io
import os
import sys

__all__ = ("is_daemon",)


def is_daemon() -> bool:
    """Tell whether the process is not in the foreground of a terminal.

    tcgetpgrp(3): the foreground process group of the terminal, which a daemon
    has none of.
    """
    try:
        foreground = os.tcgetpgrp(sys.stdout.fileno())
    except OSError as exc:
        if exc.errno in (errno.ENOTTY, errno.EBADF):
            return True
        raise
    except (io.UnsupportedOperation, AttributeError, ValueError):
        # Not a real file, none at all, or closed.
        return True
    return foreground != os.getpgrp()
