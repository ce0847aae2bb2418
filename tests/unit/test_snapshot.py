# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a supervisor says of its units: of those that run, and of all."""

import types
from typing import Any

import pytest

from oslo_service.supervisor.snapshot import Snapshot, take


def unit(**what: Any) -> Any:
    """Return one with three of four workers; two were put in the place of others."""
    facts = {
        "stopping": False,
        "draining": False,
        "workers": 3,
        "slots": 4,
        "replacements": 2,
        "reloading": False,
        "ended": False,
        "silent": (),
        **what,
    }
    ended, silent = facts.pop("ended"), facts.pop("silent")
    return types.SimpleNamespace(
        **facts,
        ended=types.SimpleNamespace(is_set=lambda: ended),
        silent=lambda now: [f"{name} at {now:g}" for name in silent],
    )


RUNS, STOPS = unit(silent=["worker 1"]), unit(stopping=True)
ENDED = unit(ended=True, stopping=True, draining=True, silent=["nobody"])
SILENT = ("worker 1 at 7",)


def test_what_goes_on_for_a_while_only_is_about_to_stop() -> None:
    wanted = Snapshot(
        workers=3, slots=4, restarts=2, draining=True, stopping=True, silent=SILENT
    )
    assert take([RUNS], 7.0, delaying=True) == wanted


@pytest.mark.parametrize(
    ("units", "wanted"),
    [
        ([], Snapshot(workers=0, slots=0)),
        ([RUNS], Snapshot(workers=3, slots=4, restarts=2, silent=SILENT)),
        ([RUNS, RUNS], Snapshot(workers=6, slots=8, restarts=4, silent=SILENT * 2)),
        ([RUNS, ENDED], Snapshot(workers=3, slots=4, restarts=4, silent=SILENT)),
        ([RUNS, STOPS], Snapshot(workers=6, slots=8, restarts=4, silent=SILENT)),
        (
            [STOPS],
            Snapshot(workers=3, slots=4, restarts=2, draining=True, stopping=True),
        ),
        (
            [STOPS, ENDED],
            Snapshot(workers=3, slots=4, restarts=4, draining=True, stopping=True),
        ),
        ([ENDED], Snapshot(workers=0, slots=0, restarts=2, stopping=True)),
        (
            [unit(draining=True)],
            Snapshot(workers=3, slots=4, restarts=2, draining=True),
        ),
    ],
)
def test_it_says_what_is_the_case(units: list[Any], wanted: Snapshot) -> None:
    assert take(units, 7.0) == wanted
