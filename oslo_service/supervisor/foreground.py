# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether this process is a daemon, or in the foreground of a terminal."""

import errno
import io
import os
import sys

from oslo_service._common.fork_safety import PerProcess

__all__ = ("began_as_daemon", "is_daemon")

_began: PerProcess[bool | None] = PerProcess(lambda: None)


def began_as_daemon() -> bool:
    """Whether the process is a daemon, now that it begins to supervise.

    A worker is what its parent was then: to ask again, it would write to many pages.
    """
    known = _began.of_parent()
    began = is_daemon() if known is None else known
    _began.set(began)
    return began


def is_daemon(*, if_gone: bool = True) -> bool:
    """Whether the process is not in the foreground of a terminal.

    tcgetpgrp(3): the foreground process group of the terminal, which a daemon
    has none of.

    :param if_gone: what to return where the terminal has been closed.
    """
    try:
        foreground = os.tcgetpgrp(sys.stdout.fileno())
    except io.UnsupportedOperation:
        return True
    except OSError as exc:
        return if_gone if exc.errno == errno.EIO else True
    except (AttributeError, ValueError):
        # Not a real file, none at all, or closed.
        return True
    return foreground != os.getpgrp()
