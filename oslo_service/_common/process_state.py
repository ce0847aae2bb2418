# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process has one of, and what becomes of it in a fork.

The library has no other global variables. Each is declared in the module whose
subject it is, as one that every process has of its own, or as one that a forked
process takes along.
"""

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

__all__ = ("Inherited", "OwnLock", "PerProcess", "kept_by_child")

T = TypeVar("T")


class Inherited(Generic[T]):
    """Something of which there is one, and which a forked process takes along.

    :param make: makes it, at its first use.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    def get(self) -> T:
        """Return it; thread-safe."""
        values = _state.inherited
        try:
            return values[self]  # type: ignore[no-any-return]
        except KeyError:
            return values.setdefault(self, self._make())  # type: ignore[no-any-return]

    def set(self, value: T) -> None:
        """Put another in its place."""
        _state.inherited[self] = value

    def clear(self) -> None:
        """Forget it: another is made at its next use."""
        _state.inherited.pop(self, None)


class PerProcess(Generic[T]):
    """Something of which every process has one of its own.

    :param make: makes it, at its first use in the process.
    :param abandon: called in a forked process, with what is its parent's.
    """

    def __init__(
        self,
        make: Callable[[], T],
        abandon: Callable[[T], object] = lambda _parents: None,
    ) -> None:
        self._make = make
        self.abandon = abandon

    def get(self) -> T:
        """Return it; thread-safe."""
        values = _state.own
        try:
            return values[self]  # type: ignore[no-any-return]
        except KeyError:
            _state.watch_forks()
            return values.setdefault(self, self._make())  # type: ignore[no-any-return]

    def set(self, value: T) -> None:
        """Put another in its place."""
        _state.watch_forks()
        _state.own[self] = value

    def of_parent(self) -> T | None:
        """Return what the process had that this one was forked from, if anything."""
        return _state.ancestors[-1].get(self) if _state.ancestors else None


class OwnLock:
    """A lock of an object that a forked process takes along: reentrant.

    A task that holds it while another one forks does not exist in the forked process,
    and never gives it back: there it is free, unless who has forked holds it.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _state.add_lock(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Make it free, in a forked process."""
        lock: Any = self._lock
        if not lock._is_owned():
            self._lock = threading.RLock()


class _State:
    """All of it: made anew in a forked process.

    :ivar own: what is of this process alone; who puts the first there has forks
        watched.
    :ivar kept: whether a process that is forked now has what this one has.
    :ivar locks: those of objects.
    :ivar inherited: what is taken along.
    :ivar ancestors: what was the own of the process that this one was forked from,
        last, and of those before it. It is kept: were it collected, it would clean up
        after itself, on descriptors that are shared with them.
    """

    def __init__(self) -> None:
        self.inherited: dict[Inherited[Any], Any] = {}
        self.ancestors: list[dict[PerProcess[Any], Any]] = []
        self.own: dict[PerProcess[Any], Any] = {}
        self.locks: weakref.WeakSet[OwnLock] = weakref.WeakSet()
        self._watches_forks = False
        self.kept = False

    def add_lock(self, lock: OwnLock) -> None:
        """Have a lock renewed in forked processes, for as long as it exists."""
        self.watch_forks()
        self.locks.add(lock)

    def watch_forks(self) -> None:
        """Have it made anew in forked processes; idempotent."""
        if not self._watches_forks:
            self._watches_forks = True
            os.register_at_fork(after_in_child=self.start_over)

    def start_over(self) -> None:
        """Make it anew, in a forked process."""
        if self.kept:
            return
        for lock in list(self.locks):
            lock.renew()
        parents, self.own = self.own, {}
        self.ancestors.append(parents)
        for variable, value in parents.items():
            variable.abandon(value)


_state = _State()


@contextlib.contextmanager
def kept_by_child() -> Iterator[None]:
    """Have a process that is forked meanwhile go on in the place of this one."""
    _state.kept = True
    try:
        yield
    finally:
        _state.kept = False
