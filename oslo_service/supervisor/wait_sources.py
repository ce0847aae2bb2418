# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a supervisor waits for in its one wait, besides signals and orders."""

import abc
from collections.abc import Iterable
from typing import Protocol

__all__ = ("AddedSource", "WaitSource")


class WaitSource(Protocol):
    """What has descriptors and deadlines of its own in the supervisor's one wait.

    All of it is called by whoever turns the supervisor, and none of it blocks.
    """

    @abc.abstractmethod
    def filenos(self) -> Iterable[int]:
        """Return the descriptors to wait for until they can be read."""

    @abc.abstractmethod
    def filenos_to_write(self) -> Iterable[int]:
        """Return the descriptors to wait for until they can be written to."""

    @property
    @abc.abstractmethod
    def deadline(self) -> float | None:
        """When there is something to do even if nothing happens."""

    @abc.abstractmethod
    def collect(self, readable: set[int], writable: set[int], now: float) -> None:
        """Take in what the descriptors tell, and do what is due."""


class AddedSource(WaitSource, Protocol):
    """A source that belongs to no unit: it is there while anything is supervised.

    It raises nothing.
    """

    @abc.abstractmethod
    def close(self) -> None:
        """Give back what is held: everything has ended. Idempotent."""

    @abc.abstractmethod
    def leave(self) -> None:
        """Close what belongs to the parent, in a freshly forked process."""
