# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Leader and followers: no more tasks at work than there is work.

One task at a time leads: it waits, and does what there is to do, one thing
after the other. As long as nothing blocks, nobody else ever runs: under the
GIL, each needless runnable thread costs more than a request. When the leader
is held up, another task is promoted. The monitor sees to that:

- where tasks are preemptive, it looks every few milliseconds, while there is
  work, whether the leader makes progress;
- where they are cooperative, it gets its turn exactly when the leader is held
  up.
"""

import functools
import logging
from collections.abc import Callable

from oslo_service.backend.base import Driver, Event

__all__ = ("LeaderFollowers", "ServingTask")

LOG = logging.getLogger(__name__)

# How long a leader may go without finishing anything, in seconds.
_STALL = 0.002
# How long a task rests after a failure, in seconds.
_FAILURE_PAUSE = 0.1
# How long a task without work stays, in seconds.
_IDLE_TIMEOUT = 30.0


class ServingTask:
    """A task that leads, follows, or serves without leading.

    :param promoted: set when it is to lead, or to end.
    :ivar spent: it does not work any more, and ends: what it leaves behind is not
        for others.
    :ivar now: when it last looked at the clock.
    """

    __slots__ = ("now", "promoted", "spent")

    def __init__(self, promoted: Event) -> None:
        self.promoted = promoted
        self.spent = False
        self.now = 0.0


class LeaderFollowers:
    """The tasks of one server, one of which leads.

    Every method is non-blocking, and thread-safe.

    :param driver: what the tasks run on.
    :param name: for the names of the tasks.
    :param max_tasks: how many tasks there may be; asked each time.
    :param work: what a task does until it neither leads nor finds anything
        to do; what it raises is logged. A task that is killed in it, or wherever
        else, hands on what it had: another leads.
    :param on_end: called once, when the last task is about to end.
    :ivar name: as given; how many tasks there are is its ``len()``.
    :ivar progress: counted up by ``work`` whenever something is finished.
    :ivar leader_waits: set by ``work`` while the leader waits for something to do.
    """

    def __init__(
        self,
        driver: Driver,
        name: str,
        max_tasks: Callable[[], int],
        work: Callable[[ServingTask], None],
        on_end: Callable[[], None],
    ) -> None:
        self._driver = driver
        self.name = name
        self._max_tasks = max_tasks
        self._work = work
        self._on_end = on_end
        self._parallel = driver.capabilities.parallel
        self._lock = driver.original("_thread").allocate_lock()
        self._tasks: set[ServingTask] = set()
        self._followers: list[ServingTask] = []
        self._leader: ServingTask | None = None
        # It has had its turn since it was promoted.
        self._leader_begun = False
        self._monitor = driver.event()
        self._monitor_waits = False
        self._ended = False
        self.progress = 0
        self.leader_waits = False

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self) -> None:
        """Promote a first task, and begin to monitor it."""
        monitor = (
            self._monitor_preemptive if self._parallel else self._monitor_cooperative
        )
        self._driver.spawn(monitor, name=f"{self.name} monitor")
        self.promote()

    def end(self) -> None:
        """Have all tasks end: followers now, those at work when they are done."""
        with self._lock:
            self._ended = True
            followers, self._followers = self._followers, []
            nobody = not self._tasks
        self._monitor.set()
        for task in followers:
            task.promoted.set()
        if nobody:
            self._on_end()

    def is_leader(self, task: ServingTask) -> bool:
        """Whether a task leads."""
        return self._leader is task

    def promote(self) -> None:
        """Have a follower lead, or a new task; else the first task that is free."""
        with self._lock:
            if self._ended:
                return
            task = self._followers.pop() if self._followers else None
            fresh = task is None
            if task is None and len(self._tasks) < self._max_tasks():
                task = ServingTask(self._driver.event())
                self._tasks.add(task)
            self._leader = task
            self._leader_begun = False
        if task is None:
            return
        if not fresh:
            task.promoted.set()
            return
        try:
            self._driver.spawn(functools.partial(self._run, task), name=self.name)
        except RuntimeError:
            LOG.exception("%s goes on with fewer tasks", self.name)
            self._leave(task, promote=False)

    def _run(self, task: ServingTask) -> None:
        try:
            while not self._is_over(task):
                pass
        finally:  # whatever ends it
            self._leave(task, promote=True)

    def _is_over(self, task: ServingTask) -> bool:
        """Work; follow when there is nothing to do; return whether that was all."""
        try:
            if self._leader is task:
                self._leader_begun = True
                self.wake_monitor()
            self._work(task)
        except BaseException as exc:
            if not self._driver.is_failure(exc):
                raise
            LOG.exception("%s goes on after a failure", self.name)
            # It may last: neither the log nor the processor is to be filled.
            self._driver.sleep(_FAILURE_PAUSE)
        if task.spent:
            return True
        if self._lead_or_follow(task):
            return False
        task.promoted.wait(_IDLE_TIMEOUT)
        task.promoted.clear()
        return self._retires(task)

    def _lead_or_follow(self, task: ServingTask) -> bool:
        """Return whether a task leads; else it is a follower from now on."""
        with self._lock:
            if self._leader is None:
                self._leader = task
            if self._leader is task and not self._ended:
                return True
            if not self._ended:
                self._followers.append(task)
            else:
                task.promoted.set()
            return False

    def _retires(self, task: ServingTask) -> bool:
        """Whether a follower ends: it was not promoted in time, or all end."""
        with self._lock:
            if task in self._followers:
                self._followers.remove(task)
                return True
            return self._ended

    def _leave(self, task: ServingTask, *, promote: bool) -> None:
        """End a task: what it was, another is.

        :param promote: whether another leads, if nobody else does.
        """
        with self._lock:
            if task in self._followers:
                self._followers.remove(task)
            self._tasks.discard(task)
            if self._leader is task:
                self._leader = None
            # Nobody may have led: there were as many tasks as there may be.
            vacant = self._leader is None
            last = self._ended and not self._tasks
        if last:
            self._on_end()
        elif vacant and promote:
            self.promote()

    # The monitor

    def wake_monitor(self) -> None:
        """Record that the leader has something to do. Costs nothing while it has."""
        if self._monitor_waits:
            self._monitor_waits = False
            self._monitor.set()

    def _monitor_cooperative(self) -> None:
        """Where tasks are cooperative: woken, it runs once the leader is held up."""
        while not self._ended:
            self._rest_monitor()
            if self._is_held_up():
                self.promote()

    def _monitor_preemptive(self) -> None:
        """Where tasks are preemptive: look often, while there is work."""
        while not self._ended:
            seen = self.progress
            self._driver.sleep(_STALL)
            if self.progress == seen:
                if self._is_held_up():
                    self.promote()
                else:
                    self._rest_monitor()

    def _is_held_up(self) -> bool:
        if self._leader is None or not self._leader_begun:
            return False
        return not (self.leader_waits or self._ended)

    def _rest_monitor(self) -> None:
        self._monitor.clear()
        self._monitor_waits = True
        # It would not be woken for what began before.
        if not (self._ended or (self._parallel and self._is_held_up())):
            self._monitor.wait()
        self._monitor_waits = False
