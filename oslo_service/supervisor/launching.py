# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether anything may be launched now."""

import contextlib
from collections.abc import Iterator

from oslo_service._common.fork_safety import PerProcess

__all__ = ("check", "forbidden")

# Why nothing can be launched now; None: it can.
_refusal: PerProcess[str | None] = PerProcess(lambda: None)


def check() -> None:
    """Refuse to launch anything where that is wrong.

    :raises RuntimeError: it is, and why.
    """
    refusal = _refusal.get()
    if refusal is not None:
        raise RuntimeError(refusal)


@contextlib.contextmanager
def forbidden(reason: str) -> Iterator[None]:
    """Refuse, meanwhile, that anything is launched, and say why that is wrong."""
    _refusal.set(reason)
    try:
        yield
    finally:
        _refusal.set(None)
