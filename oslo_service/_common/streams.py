# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The standard streams, which may be closed, or absent."""

import sys

__all__ = ("flush",)


def flush() -> None:
    """Flush what has been printed; a stream that cannot be is passed over."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            continue
