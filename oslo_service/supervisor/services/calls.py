# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The calls of services' methods, in tasks of theirs, and what becomes of them.

Nothing is decided here: what a call has come to is posted, as a fact, to whoever
turns the supervisor.
"""

import collections
import functools
from collections.abc import Callable
from typing import Any

from oslo_service import backend
from oslo_service._common import clock, naming
from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.forked_child import Confined
from oslo_service.backend.base import Driver, Task
from oslo_service.supervisor import events
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.services import preparations
from oslo_service.supervisor.services.incarnation import Incarnation, StopOrder
from oslo_service.supervisor.services.state import RunnerState

__all__ = ("Life", "ServiceCalls")

LOG = CarefulLog(__name__)


class Life:
    """The task of an incarnation, and what it is to call next."""

    def __init__(self, driver: Driver) -> None:
        self.task: Task | None = None
        self.began = clock.now()
        self._calls: collections.deque[str | None] = collections.deque()
        self._told = driver.event()
        self._killed_by = driver.killed_by

    def tell(self, method: str | None) -> None:
        """Have it call a method; None: have it end."""
        self._calls.append(method)
        self._told.set()

    def next_call(self) -> str | None:
        """Block until there is something to call; return None at the end.

        What is raised in the task meanwhile, by a timer that a service has left, does
        not end it: nobody else would make the calls.

        :raises BaseException: what the driver kills tasks by.
        """
        while not self._calls:
            try:
                self._told.wait()
                self._told.clear()
            except self._killed_by:
                raise
            except BaseException:
                LOG.exception("The task of a service goes on, in spite of this")
        return self._calls.popleft()


class ServiceCalls:
    """The calls that the tasks of services make, and the tasks beside them.

    :param driver: what the tasks run on.
    :param settings: what to read again at a reload; None: nothing.
    :param state: has the facts that are posted.
    :param post: has an order carried out by whoever turns; thread-safe.
    :param publish: takes the events.
    :ivar current: what the tasks call now, by their identities: the service, and the
        name of its method.
    """

    def __init__(
        self,
        driver: Driver,
        settings: Settings | None,
        state: RunnerState,
        post: Callable[[Callable[[], object]], object],
        publish: Callable[[events.Event], object],
    ) -> None:
        self._driver = driver
        self._settings = settings
        self._conf = None if settings is None else settings.conf
        self._state = state
        self._post = post
        self._publish = publish
        self.current: dict[int, tuple[Any, str]] = {}

    def live(self, incarnation: Incarnation, life: Life) -> None:
        """Call ``start()``, and what else the task is told to, until it is to end."""
        failed = not self._start(incarnation)
        while True:
            early = incarnation.stop is StopOrder.NONE
            self._report(self._state.returned, incarnation, failed=failed, early=early)
            try:
                method = life.next_call()
            except BaseException as exc:  # noqa: BLE001 - is told
                self._fail(incarnation, "wait", exc, fatal=False)
                self._report(self._state.lost, incarnation)
                return
            if method is None:
                return
            failed = not self._call(incarnation, method)

    def _start(self, incarnation: Incarnation) -> bool:
        if incarnation.reset:
            if not self._call(incarnation, "reset", fatal=True):
                return False
            self._report(self._state.reset_before_start, incarnation)
        started = self._call(incarnation, "start", fatal=True)
        backend.warn_of_idle_hub(
            self._driver, f"start() of {naming.describe(incarnation.service)}"
        )
        return started

    def call_stop(self, incarnation: Incarnation) -> None:
        """Call ``stop()``."""
        failed = not self._call(incarnation, "stop")
        self._report(self._state.stopped, incarnation, failed=failed)

    def reset(self, incarnation: Incarnation) -> None:
        """Call ``reset()``."""
        self._call(incarnation, "reset")
        self._report(self._state.reset, incarnation)

    def _call(
        self, incarnation: Incarnation, method: str, *, fatal: bool = False
    ) -> bool:
        """Call a method of the service; return whether it succeeded."""
        me = self._driver.current_ident()
        # Where there is room for no task, one call orders another, and makes it itself.
        outer = self.current.get(me)
        self.current[me] = incarnation.service, method
        try:
            if method == "start":
                preparations.prepare(self._conf)
            with Confined(has_threads=self._driver.capabilities.parallel):
                getattr(incarnation.service, method)()
        except BaseException as exc:  # noqa: BLE001 - is told
            early = method == "wait" and incarnation.stop is StopOrder.NONE
            self._fail(incarnation, method, exc, fatal=fatal or early)
            return False
        finally:
            if outer is None:
                del self.current[me]
            else:
                self.current[me] = outer
        return True

    def _fail(
        self,
        incarnation: Incarnation,
        method: str,
        error: BaseException,
        *,
        fatal: bool,
    ) -> None:
        failure = events.ServiceFailed(
            service=naming.describe(incarnation.service),
            method=method,
            error=error,
            fatal=fatal,
        )
        self._publish(failure)

    def read(self) -> None:
        """Read the configuration again."""
        error: BaseException | None = None
        try:
            if self._settings is not None:
                error = self._settings.read_again()
        except BaseException as exc:  # noqa: BLE001 - is told
            error = exc
        if error is not None:
            self._publish(events.ReloadFailed(error=error))
        self._report(self._state.read)

    def _report(self, fact: Callable[..., object], *about: Any, **how: Any) -> None:
        self._post(functools.partial(fact, *about, **how))
