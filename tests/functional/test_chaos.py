# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A short part of the chaos on the servers that CI has: the promises are kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from oslo_service.testing.servers import SERVERS

PROGRAM = Path(__file__).parents[2] / "tools" / "chaos"
# What is done, in this order, and to whom: to who holds the lock of the tasks, or of
# the single service. Together all that there is, in less than half a minute each.
SCRIPTS = {
    ("etcd", "threading"): ["kill:skip", "pause:alone", "restart server"],
    ("etcd", "eventlet"): ["pause:skip", "cut:alone"],
    ("redis", "threading"): ["cut:skip", "restart server", "kill:alone"],
    ("redis", "eventlet"): ["kill:alone", "pause:skip", "slow"],
}

pytestmark = [pytest.mark.timeout(300), pytest.mark.starts_processes]


@pytest.fixture(autouse=True)
def _program(importable: Callable[[Path], None]) -> None:
    """Let the modules of the program be imported, as when it runs."""
    importable(PROGRAM)


@pytest.mark.parametrize(("backend", "driver"), SCRIPTS)
def test_promises_are_kept(backend: str, driver: str) -> None:
    obstacle = SERVERS[backend].obstacle()
    if obstacle:
        pytest.skip(obstacle)
    from chaos import Chaos

    script = SCRIPTS[backend, driver]
    figures = Chaos(backend, driver, seed=17, script=script, lasting=(1.4, 1.5)).run(0)

    assert figures.disturbances == len(script)
    assert figures.takeovers  # who is paused may come back before anybody else comes


#: What is found of each fault, and where: etcd lets one believe in a lease for ever.
FOUND = {
    "trusts a lease that is over": ("etcd", "begins 2 times"),
    "does not wait for the skew": ("redis", "and took over at"),
}


def test_every_fault_is_looked_for() -> None:
    from faults import FAULTS

    assert set(FOUND) == set(FAULTS)


@pytest.mark.parametrize("fault", FOUND)
def test_a_library_that_breaks_a_promise_is_found_out(fault: str) -> None:
    backend, words = FOUND[fault]
    obstacle = SERVERS[backend].obstacle()
    if obstacle:
        pytest.skip(obstacle)
    from chaos import Chaos, Violation

    script, lasting = ["pause:skip"], (1.5, 1.6)
    chaos = Chaos(
        *(backend, "threading"), seed=17, script=script, lasting=lasting, fault=fault
    )
    with pytest.raises(Violation, match=words):
        chaos.run(0)
