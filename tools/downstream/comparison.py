# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has become of the tests on either side, test by test."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from execution import Result

__all__ = ("REPEATS", "Comparison", "compare")

#: How often the modules of tests that were lost are repeated.
REPEATS = 2

Results = Mapping[str, Result]
#: Runs the tests of some modules (all for None) and gives their results.
Runner = Callable[[Collection[str] | None], Results]


@dataclass
class Comparison:
    """The same tests on two sides.

    :ivar there: the results on upstream.
    :ivar here: the results on this library.
    :ivar regressions: what passed there, and failed here again.
    :ivar expected: what passed there, and is known not to pass here.
    :ivar unsteady: what passed there and failed here once; and then failed there
        or passed here each time that it was repeated.
    """

    there: Results
    here: Results
    regressions: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, Counter[str]]:
        """Count the outcomes on either side."""
        return {
            side: Counter(result.outcome for result in results.values())
            for side, results in (("upstream", self.there), ("ours", self.here))
        }


def compare(
    there: Runner,
    here: Runner,
    modules: list[str],
    expected: Callable[[str], bool] = lambda _: False,
) -> Comparison:
    """Run all tests on either side, and repeat what differs to our harm.

    :param expected: whether it is known that a test does.
    """
    comparison = Comparison(there(None), here(None))
    lost = _lost(comparison.there, comparison.here)
    comparison.expected = sorted(filter(expected, lost))
    suspects = lost - set(comparison.expected)
    steady_there, failed_again = set(suspects), set()
    for _ in range(REPEATS if suspects else 0):
        only = {module for module in modules if _any_of(module, suspects)}
        steady_there &= _passed(there(only))
        failed_again |= suspects - _passed(here(only))
    comparison.regressions = sorted(steady_there & failed_again)
    comparison.unsteady = sorted(suspects - set(comparison.regressions))
    return comparison


def _lost(there: Results, here: Results) -> set[str]:
    """Return what passed there and has not here: skipped or missing is no better."""
    return _passed(there) - _passed(here)


def _passed(results: Results) -> set[str]:
    return {test for test, result in results.items() if result.outcome == "passed"}


def _any_of(module: str, tests: Collection[str]) -> bool:
    return any(test.startswith(f"{module}.") for test in tests)
