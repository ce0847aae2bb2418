# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the base install brings along."""

import json
import subprocess

from harness import environments
from harness.contestants import OURS_THREADING, UPSTREAM_THREADING, Contestant
from harness.measure import Measure, Row, at_most

__all__ = ("MEASURE",)

_INSTALLER = {"pip", "setuptools", "wheel"}


def _take(contestant: Contestant) -> dict[str, float]:
    python = environments.make(f"{contestant.library}-base")
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"],
        check=True,
        capture_output=True,
    )
    names = {one["name"].lower() for one in json.loads(listed.stdout)}
    return {"distributions": len(names - _INSTALLER)}


MEASURE = Measure(
    "distributions",
    (OURS_THREADING, UPSTREAM_THREADING),
    _take,
    (Row("base install: distributions", "distributions", at_most(20)),),
    rounds=1,
)
