# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whoever watches the service in the storm finds what is wrong with it, and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "tools" / "storm"
#: What is found of each fault, and how the service is ended for that.
FOUND = {
    "loses a worker": ("4 workers serve", "terminated"),
    "leaves a child": ("left behind|workers that were replaced are gone", "terminated"),
    "drops a request": ("requests .*(are not answered|are lost)", "terminated"),
    "does not end": ("it has not ended within", "terminated"),
    "ends with another status": ("ended with status 3", "terminated"),
    "dies": ("the parent has ended with status 7", "terminated"),
    "leaks descriptors": ("the parent grows", "terminated"),
    "leaks memory": ("the parent grows", "terminated"),
}


@pytest.fixture(autouse=True)
def _program(importable: Callable[[Path], None]) -> None:
    """Let the modules of the program be imported, as when it runs."""
    importable(PROGRAM)


def test_every_fault_is_looked_for() -> None:
    from faults import FAULTS

    assert set(FOUND) == set(FAULTS)


@pytest.mark.starts_processes
@pytest.mark.parametrize("fault", FOUND)
def test_a_service_that_breaks_a_promise_is_found_out(fault: str) -> None:
    from ledger import Violation
    from life import Life
    from subject import Plan

    message, how = FOUND[fault]
    with pytest.raises(Violation, match=message):
        Life(Plan("threading", fault=fault), seed=1).live(3, 1.0, how)


@pytest.mark.starts_processes
def test_of_one_that_keeps_them_there_is_nothing_to_say() -> None:
    from life import Life
    from subject import Plan

    life = Life(Plan("threading", admin=True), seed=1)
    life.live(1, 1.0, "terminated")
    assert life.scraped

    assert life.ledger.done.total() > 20
    assert life.answered > 0
