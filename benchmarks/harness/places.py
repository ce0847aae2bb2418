# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where things are, and what surrounds the programs that are measured."""

import os
from pathlib import Path

__all__ = ("BENCHMARKS", "CHECKOUT", "ENVIRONMENTS", "surroundings")

BENCHMARKS = Path(__file__).resolve().parent.parent
CHECKOUT = BENCHMARKS.parent
ENVIRONMENTS = BENCHMARKS / ".envs"


def surroundings(**more: str) -> dict[str, str]:
    """Return the environment variables of a program that is measured.

    None of those that change Python: without byte code, for instance, what is
    installed would be measured against what is compiled.
    """
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON")
    }
    return own | more
