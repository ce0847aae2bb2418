# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where things are."""

from pathlib import Path

__all__ = ("BENCHMARKS", "CHECKOUT", "ENVIRONMENTS")

BENCHMARKS = Path(__file__).resolve().parent.parent
CHECKOUT = BENCHMARKS.parent
ENVIRONMENTS = BENCHMARKS / ".envs"
