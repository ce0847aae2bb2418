# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Scenarios (as testscenarios has them) that run a test once per driver."""

from collections.abc import Iterable, Sequence
from typing import Any

import testscenarios

__all__ = ("BUILT_IN", "Scenario", "per_driver")

Scenario = tuple[str, dict[str, Any]]

#: The drivers that come with the library.
BUILT_IN = ("threading", "eventlet")


def per_driver(
    drivers: Iterable[str] = BUILT_IN, others: Sequence[Scenario] = ()
) -> list[Scenario]:
    """Give a scenario for each driver, times each of the others.

    :param drivers: the names of the drivers; a scenario has its driver's as
        ``driver_name``.
    :param others: scenarios to multiply with.
    """
    scenarios: list[Scenario] = [(name, {"driver_name": name}) for name in drivers]
    if not others:
        return scenarios
    multiplied: list[Scenario] = testscenarios.multiply_scenarios(scenarios, others)
    return multiplied
