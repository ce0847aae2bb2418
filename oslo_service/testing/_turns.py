# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is on the scripted driver, and what time."""

from collections.abc import Callable

from oslo_service.testing._scripted import Deadlock, ScriptedTask, Wait

__all__ = ("Turns",)

# Nanoseconds: times that are the same are so, whatever they are the sums of.
_DIGITS = 9
# How often tasks may go on without any of them waiting for something to happen.
_MOST_TURNS = 10_000


class Turns:
    """The tasks that have not ended, and a clock that is turned by hand.

    :param patience: how many seconds of real time a task may take for one step.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._now = 0.0
        self._tasks: list[ScriptedTask] = []

    def add(self, task: ScriptedTask) -> None:
        """Have a task that has not begun."""
        self._tasks.append(task)

    def forget_all(self) -> None:
        """Have no tasks any more, whatever they do."""
        self._tasks = []

    @property
    def tasks(self) -> list[ScriptedTask]:
        """Those that have not ended, in the order in which they were spawned."""
        self._tasks = [one for one in self._tasks if not one.done]
        return list(self._tasks)

    @property
    def ready(self) -> list[ScriptedTask]:
        """Those that can begin, and those whose wait is over."""
        return [one for one in self.tasks if one.is_ready(self._now)]

    @property
    def waiting(self) -> list[ScriptedTask]:
        """Those whose wait is not over."""
        waiting = [one for one in self.tasks if one.waits_for is not None]
        return [one for one in waiting if not one.is_ready(self._now)]

    def step(self, task: ScriptedTask | None = None) -> ScriptedTask:
        """Have a task go on until it waits, or has ended.

        :param task: None: the first that is ready.
        :returns: the task.
        :raises ValueError: it is not ready, or nobody is.
        :raises TimeoutError: it does something that blocks outside of the driver.
        """
        ready = self.ready
        if not ready or task not in (None, *ready):
            who = "no task is ready" if task is None else f"not ready: {task}"
            raise ValueError(f"{who}; there are: {self._describe()}")
        chosen = ready[0] if task is None else task
        chosen.go_on(self._patience)
        return chosen

    def run(self) -> None:
        """Have everybody go on, one after the other, until all wait or have ended.

        Those begin, too, that are spawned meanwhile.

        :raises RuntimeError: they go on without end.
        """
        self._go_on(begin=True)

    def advance(self, seconds: float) -> None:
        """Turn the clock, and :meth:`run` whenever a wait is over.

        :param seconds: by how much; 0 or more.
        :raises ValueError: it is less.
        """
        if not seconds >= 0:
            raise ValueError(f"a clock goes forward: 0 or more, not {seconds!r}")
        self._pass_time(self._wait_until("the clock", seconds), begin=True)

    def now(self) -> float:
        """Return the time, in seconds since the driver was made."""
        return self._now

    def close(self) -> None:
        """Cancel what has not begun, and kill what has.

        :raises RuntimeError: something begins to wait anew whenever it is killed.
        """
        for _ in range(_MOST_TURNS):
            if not self.tasks:
                return
            for one in self.tasks:
                one.kill()
            self._go_on(begin=False)
        raise RuntimeError(f"nothing ends these tasks: {self._describe()}")

    def _go_on(self, *, begin: bool) -> None:
        for _ in range(_MOST_TURNS):
            if not self._turn(begin=begin):
                return
        raise RuntimeError(
            f"after {_MOST_TURNS} turns there are tasks that do not wait:"
            f" {self._describe()}"
        )

    def _turn(self, *, begin: bool) -> bool:
        """Have everybody go on once; whether there was anybody."""
        ready = [one for one in self.ready if begin or one.begun]
        for one in ready:
            if one.is_ready(self._now):  # nobody before it has ended it
                one.go_on(self._patience)
        return bool(ready)

    def _describe(self) -> str:
        return "; ".join(map(str, self.tasks)) or "no tasks"

    # Waiting

    def _wait_until(
        self,
        what: object,
        timeout: float | None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Wait:
        due = None if timeout is None else round(self._now + max(0.0, timeout), _DIGITS)
        return Wait(what, due, is_over)

    def wait(
        self, what: object, is_over: Callable[[], bool], timeout: float | None
    ) -> None:
        """Block the calling task; in the script, have the others go on.

        :param what: what it waits for, for messages.
        """
        wait = self._wait_until(what, timeout, is_over)
        task = ScriptedTask.current()
        if task is not None:
            task.pause(wait)
        elif timeout is not None and timeout <= 0:
            self._turn(begin=False)
        else:
            self._pass_time(wait, begin=False)

    def _pass_time(self, wait: Wait, *, begin: bool) -> None:
        self._go_on(begin=begin)
        while not wait.is_over(self._now):
            dues = [one.waits_for.due for one in self.tasks if one.waits_for]
            due = min((one for one in (*dues, wait.due) if one is not None), default=0)
            if due <= self._now:
                raise Deadlock(
                    f"the script waits for {wait}, and nobody can go on; there are:"
                    f" {self._describe()}"
                )
            self._now = due
            self._go_on(begin=begin)
