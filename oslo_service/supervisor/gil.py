# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The GIL, where the interpreter could do without it."""

import sys

from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.fork_safety import Inherited
from oslo_service.backend.base import Driver

__all__ = ("is_brought_back", "warn_once")

LOG = CarefulLog(__name__)

# A worker that is forked has it from its parent: what that has said is said.
_warned = Inherited(lambda: False)


def warn_once(driver: Driver) -> None:
    """Warn where an import has brought the GIL back; idempotent.

    :param driver: where its tasks take turns anyway, there is nothing to say.
    """
    if _warned.get() or not driver.capabilities.parallel or not is_brought_back():
        return
    _warned.set(True)
    LOG.warning(
        "This interpreter is free-threaded, but an import has brought the GIL back:"
        " threads run one at a time. Python's RuntimeWarning names the module; with"
        " PYTHON_GIL=0 the GIL stays off, at the risk that this module relies on it"
    )


def is_brought_back() -> bool:
    """Return whether the GIL is on in a free-threaded interpreter, undemanded."""
    if "t" not in sys.abiflags:
        return False
    is_enabled = getattr(sys, "_is_gil_enabled", None)  # from Python 3.13 on
    demanded = getattr(sys.flags, "gil", None) == 1  # by PYTHON_GIL or -X gil
    return is_enabled is not None and bool(is_enabled()) and not demanded
