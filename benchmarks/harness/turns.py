# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Takes turns: every contestant once, then every one again, in one run."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.contestants import Contestant
from harness.measure import Measure

__all__ = ("Results", "take_turns")


@dataclass
class Results:
    """What was taken of one measure.

    :ivar taken: the numbers of every round, by contestant.
    :ivar failures: why there are none, by contestant.
    """

    measure: Measure
    taken: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def medians(self, value: str) -> dict[str, float]:
        """Return the median of one number, by contestant."""
        found = {}
        for name, rounds in self.taken.items():
            numbers = [one[value] for one in rounds if value in one]
            if numbers:
                found[name] = statistics.median(numbers)
        return found


def take_turns(
    measure: Measure, contestants: Sequence[Contestant], rounds: int
) -> Results:
    """Measure the contestants in turn, so many times each."""
    results = Results(measure)
    for number in range(1, rounds + 1):
        for contestant in contestants:
            print(
                f"{measure.name} {number}/{rounds}: {contestant.name}",
                file=sys.stderr,
            )
            _take(measure, contestant, results)
    return results


def _take(measure: Measure, contestant: Contestant, results: Results) -> None:
    if contestant.name in results.failures:
        return
    try:
        numbers = measure.take(contestant)
    except Exception as error:
        print(f"{contestant.name} failed: {error}", file=sys.stderr)
        results.failures[contestant.name] = str(error)
        return
    results.taken.setdefault(contestant.name, []).append(numbers)
