# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a measure is: who takes part, what is taken, and what is to be reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.contestants import OURS_THREADING, Contestant

__all__ = ("Limit", "Measure", "Row", "at_least", "at_most")


@dataclass(frozen=True)
class Limit:
    """What is to be reached: a number, or a factor of another's.

    :ivar number: the number, or the factor.
    :ivar of: whose; None: the number is absolute.
    :ivar least: whether it is the least; else it is the most.
    """

    number: float
    of: str | None = None
    least: bool = False

    def value(self, medians: Mapping[str, float]) -> float | None:
        """Return the limit as a number; None where the other one is not known."""
        if self.of is None:
            return self.number
        other = medians.get(self.of)
        return None if other is None else self.number * other

    def reached(self, median: float, medians: Mapping[str, float]) -> bool | None:
        """Whether a median is on the right side of it."""
        value = self.value(medians)
        if value is None:
            return None
        return median >= value if self.least else median <= value

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        if self.of is None:
            return f"{sign} {self.number:g}"
        factor = "" if self.number == 1 else f"{self.number:g} x "
        return f"{sign} {factor}{self.of}"


def at_most(number: float, of: str | None = None) -> Limit:
    """Make an upper limit."""
    return Limit(number, of)


def at_least(number: float, of: str | None = None) -> Limit:
    """Make a lower limit."""
    return Limit(number, of, least=True)


@dataclass(frozen=True)
class Row:
    """One line of the report.

    :ivar what: what it shows, with its unit.
    :ivar value: which of the measure's numbers.
    :ivar limit: what is to be reached; None: for orientation.
    :ivar judged: whose numbers are held against the limit.
    """

    what: str
    value: str
    limit: Limit | None = None
    judged: tuple[str, ...] = (OURS_THREADING,)


@dataclass(frozen=True)
class Measure:
    """A group of numbers that are taken together.

    :ivar name: what it is called on the command line.
    :ivar contestants: who takes part, in turn.
    :ivar take: takes the numbers of one contestant, once.
    :ivar rows: its lines of the report.
    :ivar rounds: how often each is measured, if not told otherwise.
    """

    name: str
    contestants: tuple[str, ...]
    take: Callable[[Contestant], dict[str, float]]
    rows: tuple[Row, ...]
    rounds: int = 5
