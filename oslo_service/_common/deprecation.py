# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Deprecation warnings, each once in a process."""

import warnings

from oslo_service._common.fork_safety import Inherited

__all__ = ("warn_once",)

_warned: Inherited[set[str]] = Inherited(set)


def warn_once(name: str, instead: str, *, stacklevel: int = 2) -> None:
    """Warn of a deprecated name, at its first use in the process.

    :param name: what is deprecated.
    :param instead: what to use instead: the rest of the sentence.
    :param stacklevel: whose line is shown: 2 is the caller of the function
        that calls this one.
    """
    warned = _warned.get()
    if name in warned:
        return
    warned.add(name)
    warnings.warn(
        f"{name} is deprecated: {instead}",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )
