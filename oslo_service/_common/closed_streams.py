# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The standard streams of a command that was started with some of them closed."""

import os
import sys

__all__ = ("replace",)


def replace() -> None:
    """Have what is written to a stream that is closed go nowhere.

    Python has None in the place of one that was closed when it started.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for good
