# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What forked workers inherit that has been read from files.

A worker reads them again. Where they do not work just then, it goes on with what it has
inherited: that is to be what worked last, not what the program began with.
"""

import weakref
from typing import Protocol

from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.fork_safety import Inherited

__all__ = ("Renewable", "add", "renew")

LOG = CarefulLog(__name__)


class Renewable(Protocol):
    """What has been read from files."""

    def renew(self) -> object:
        """Take up what they say now; where that does not work, stay what it is.

        :raises Exception: why it does not work.
        """


# Not a WeakSet: it is looked through before every fork, and is empty in most processes.
_inherited: "Inherited[tuple[weakref.ref[Renewable], ...]]" = Inherited(tuple)


def add(one: Renewable) -> None:
    """Have it renewed in a parent, for as long as it exists."""
    others = (known for known in _inherited.get() if known() not in (one, None))
    _inherited.set((*others, weakref.ref(one)))


def renew() -> None:
    """Take up what the files say now, for the workers that are going to be forked."""
    for known in _inherited.get():
        one = known()
        if one is None:
            continue
        try:
            one.renew()
        except Exception:  # each worker that reads them reports it
            LOG.debug("Workers are going to inherit what worked last", exc_info=True)
