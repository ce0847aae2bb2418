# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fork safety: global variables and locks, and what becomes of them in a fork.

The library has no other global variables. Each is declared in the module whose subject
it is, either as one that every process has its own value of, or as one that a forked
process inherits.
"""

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

__all__ = (
    "Inherited",
    "OwnLock",
    "PerProcess",
    "ThisProcess",
    "kept_by_child",
    "this_process",
)

T = TypeVar("T")


class Inherited(Generic[T]):
    """A global variable that a forked process inherits.

    :param make: makes the value, at its first use.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    def get(self) -> T:
        """Return the value; thread-safe."""
        values = _state.inherited
        try:
            return values[self]  # type: ignore[no-any-return]
        except KeyError:
            return values.setdefault(self, self._make())  # type: ignore[no-any-return]

    def set(self, value: T) -> None:
        """Replace the value."""
        _state.inherited[self] = value

    def clear(self) -> None:
        """Forget the value: another one is made at the next use."""
        _state.inherited.pop(self, None)


class PerProcess(Generic[T]):
    """A global variable of which every process has a value of its own.

    :param make: makes the value, at its first use in the process.
    :param abandon: called in a forked process, with the value of its parent.
    """

    def __init__(
        self,
        make: Callable[[], T],
        abandon: Callable[[T], object] = lambda _parents: None,
    ) -> None:
        self._make = make
        self.abandon = abandon

    def get(self) -> T:
        """Return the value; thread-safe."""
        values = _state.own
        try:
            return values[self]  # type: ignore[no-any-return]
        except KeyError:
            _state.watch_forks()
            return values.setdefault(self, self._make())  # type: ignore[no-any-return]

    def set(self, value: T) -> None:
        """Replace the value."""
        _state.watch_forks()
        _state.own[self] = value

    def of_parent(self) -> T | None:
        """Return the value of the process that this one was forked from, if any."""
        return _state.ancestors[-1].get(self) if _state.ancestors else None


class OwnLock:
    """A reentrant lock of an object that a forked process inherits.

    A task that holds it while another one forks does not exist in the forked process,
    and never releases it: there it is free, unless the task that has forked holds it.
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
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


class ThisProcess:
    """A process, to whoever wants to know later whether it is still the same.

    That is asked at each tick of a loop: it takes no system call, as the identifier of
    the process would.

    :ivar left: whether the caller is in another, which was forked from it.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = False


class _State:
    """All of it: made anew in a forked process.

    :ivar process: this process.
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
        self.process = ThisProcess()
        self.inherited: dict[Inherited[Any], Any] = {}
        self.ancestors: list[dict[PerProcess[Any], Any]] = []
        self.own: dict[PerProcess[Any], Any] = {}
        self.locks: weakref.WeakSet[OwnLock] = weakref.WeakSet()
        self.watches_forks = False
        self.kept = False

    def add_lock(self, lock: OwnLock) -> None:
        """Have a lock renewed in forked processes, for as long as it exists."""
        self.watch_forks()
        self.locks.add(lock)

    def watch_forks(self) -> None:
        """Have it made anew in forked processes; idempotent."""
        if not self.watches_forks:
            self.watches_forks = True
            os.register_at_fork(after_in_child=self.start_over)

    def start_over(self) -> None:
        """Make it anew, in a forked process."""
        self.process.left = True
        self.process = ThisProcess()
        if self.kept:
            return
        for lock in list(self.locks):
            lock.renew()
        parents, self.own = self.own, {}
        self.ancestors.append(parents)
        for variable, value in parents.items():
            variable.abandon(value)


_state = _State()


def this_process() -> ThisProcess:
    """Return what stands for this process, and is marked in one that it forks."""
    if not _state.watches_forks:
        _state.watch_forks()
    return _state.process


@contextlib.contextmanager
def kept_by_child() -> Iterator[None]:
    """Have a process that is forked meanwhile go on in the place of this one."""
    _state.kept = True
    try:
        yield
    finally:
        _state.kept = False
