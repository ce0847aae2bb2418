# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the base install brings along."""

import subprocess

from harness import environments
from harness.contestants import OURS_THREADING, UPSTREAM_THREADING, Contestant
from harness.measure import Measure, Row, at_most

__all__ = ("MEASURE",)

_INSTALLER = {"pip", "setuptools", "wheel"}
_LIST = """
from importlib import metadata
print(*(one.metadata["Name"].lower() for one in metadata.distributions()))
"""


def _take(contestant: Contestant) -> dict[str, float]:
    python = environments.make(f"{contestant.library}-base")
    listed = subprocess.run(
        [python, "-c", _LIST], check=True, capture_output=True, text=True
    )
    names = set(listed.stdout.split())
    return {"distributions": len(names - _INSTALLER)}


MEASURE = Measure(
    "distributions",
    (OURS_THREADING, UPSTREAM_THREADING),
    _take,
    (Row("base install: distributions", "distributions", at_most(20)),),
    rounds=1,
)
