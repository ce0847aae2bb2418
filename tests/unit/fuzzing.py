# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How tests with generated inputs are run: so many of them as FUZZ_INPUTS says."""

import os

import pytest
from hypothesis import HealthCheck, settings

__all__ = ("fuzz", "takes_longer")

INPUTS = int(os.environ.get("FUZZ_INPUTS", "1000"))

#: For a module of such tests. In seconds: a hundred inputs take less than one.
takes_longer = pytest.mark.timeout(300 + INPUTS // 50)

#: For a test. The same inputs in each run, unless there are more of them than usual.
fuzz = settings(
    max_examples=INPUTS,
    deadline=None,
    derandomize=INPUTS <= 1000,
    database=None,
    suppress_health_check=list(HealthCheck),
)
