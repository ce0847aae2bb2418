# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A process of its own for a driver that has to prepare one: its main program.

Run as ``python -m oslo_service.testing._prepared_main DRIVER ROLE DESCRIPTOR PLAN``.
The driver prepares the process before anything else is imported.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from oslo_service.testing._channel import Channel

__all__ = ("main",)


def run_pytest(channel: Channel, plan: Any) -> int:
    """Run tests of pytest, one after the other, as they are asked for."""
    import pytest

    from oslo_service.testing import _isolation

    # The library had to be there first, to prepare the process.
    known = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    agent = _isolation.Agent(channel, plan["files"])
    return pytest.main([*plan["arguments"], "-W", known], plugins=[agent])


def run_unittest(channel: Channel, plan: Any) -> int:
    """Run tests of unittest, one after the other, as they are asked for."""
    from oslo_service.testing import scenarios

    return scenarios._run_here(channel, plan)


_ROLES: dict[str, Callable[[Channel, Any], int]] = {
    "pytest": run_pytest,
    "unittest": run_unittest,
}


def main(driver: str, role: str, descriptor: str, plan: str) -> int:
    """Prepare the process, and play the role."""
    from oslo_service.testing import _drivers

    _drivers.prepare(driver)
    return _ROLES[role](Channel(int(descriptor)), json.loads(plan))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
