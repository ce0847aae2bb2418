# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where things are, and what surrounds the programs that are run."""

import os
from pathlib import Path

__all__ = (
    "CHECKOUT",
    "CONSTRAINTS",
    "ENVIRONMENTS",
    "EXCEPTIONS",
    "MODULES",
    "RESULTS",
    "surroundings",
)

_HERE = Path(__file__).resolve().parent
CHECKOUT = _HERE.parent.parent
#: The versions of everything that is installed, but for oslo.service.
CONSTRAINTS = _HERE / "constraints.txt"
#: Tests of upstream's own that do not pass here, and why.
EXCEPTIONS = _HERE / "upstream.toml"
#: A list of test modules for each project.
MODULES = _HERE / "modules"
# What is made, and not kept under version control.
ENVIRONMENTS = _HERE / ".envs"
RESULTS = _HERE / ".results"

_OURS_TO_SET = ("PYTHON", "OS_", "PBR_")


def surroundings(**more: str) -> dict[str, str]:
    """Return the environment variables of a project's program.

    None of those that change Python or a project: both sides get the same, and
    strings the same hashes.
    """
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OURS_TO_SET)
    }
    return own | {"PYTHONHASHSEED": "0"} | more
