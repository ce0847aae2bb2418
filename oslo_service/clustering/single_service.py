# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service that is started on one process of the group."""

import contextvars
import functools
from collections.abc import Callable

from oslo_config import cfg

from oslo_service import backend
from oslo_service._common import naming
from oslo_service._common.fork_safety import OwnLock
from oslo_service._common.service_base import ServiceBase, check_methods
from oslo_service.backend.base import Event
from oslo_service.clustering import host, membership, settings
from oslo_service.clustering.candidate import Candidate
from oslo_service.clustering.lease_reporter import LeaseReporter
from oslo_service.clustering.lock_listener import Held
from oslo_service.clustering.single_state import Action, SingleState

__all__ = ("SingleService",)


class SingleService(ServiceBase):
    """A service that is started on one process of the group.

    It is launched as any other. Its ``start()`` connects; the service's is called
    when this process becomes the leader. When it may lose that, the service's
    ``stop()`` is called, before another process can lead. A worker whose service has
    not ended by then is killed by its parent, and replaced.

    When this process becomes the leader again, the service is started again: as after
    a reload, without a ``reset()``.

    :param service: the service.
    :param conf: has the options; ``service.conf`` if not given, where there is one,
        else the launcher's.
    :param name: the name of the service, the same in all processes; that of its
        class if not given.
    :raises TypeError: it is no service, or a method of it is asynchronous.
    """

    def __init__(
        self,
        service: ServiceBase,
        conf: cfg.ConfigOpts | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(service, ServiceBase):
            raise TypeError(
                "SingleService runs an instance of oslo_service.service.ServiceBase,"
                f" not {service!r}"
            )
        check_methods(service)
        own = conf if conf is not None else getattr(service, "conf", None)
        super().__init__(*([own] if isinstance(own, cfg.ConfigOpts) else []))
        self.service = service
        self.name = type(service).__qualname__ if name is None else name
        self._run: _Run | None = None
        host.prepare()
        membership.check_before_launch()

    @property
    def leads(self) -> bool:
        """Whether the service runs in this process."""
        return self._run is not None and self._run.leads

    def start(self) -> None:
        """Connect to the cluster; the service is started when this process leads.

        :raises ClusterOptionError: the options do not allow it.
        """
        conf = getattr(self, "conf", None)
        self._run = _Run(self.service, self.name, conf or settings.configured())

    def stop(self) -> None:
        """Stop the service, where it runs, and stop being a candidate."""
        if self._run is not None:
            self._run.stop()

    def wait(self) -> None:
        """Block until the service has ended, and others may lead.

        :raises Exception: what a method of the service has raised.
        """
        if self._run is not None:
            self._run.wait()

    def reset(self) -> None:
        """Have the service adapt to a configuration that has been read again."""
        self.service.reset()


class _Run(LeaseReporter):
    """One run, from a start() to the end of the wait() that follows."""

    def __init__(self, service: ServiceBase, name: str, conf: cfg.ConfigOpts) -> None:
        lock = f"{settings.read(conf).group}.{name}"
        super().__init__(lock, deadly=True)
        self._service = service
        self._context = contextvars.copy_context()
        self._driver = backend.get_backend()
        self._state = SingleState()
        self._guard = OwnLock()
        self._ended = self._driver.event()
        self._told_to_stop = self._driver.event()
        self._failure: BaseException | None = None
        self._member = membership.member(conf)
        self._ask()

    def _ask(self) -> None:
        self._candidate: Candidate = self._member.candidate(self._name, self)
        self._member.add(self._candidate)

    @property
    def leads(self) -> bool:
        """Whether the service runs."""
        return self._state.running

    # What happens to the lock

    def taken(self, candidate: Held) -> None:
        """Start the service; until it has ended, the lock is not given back."""
        candidate.keep()
        if not self._do(self._state.taken):
            candidate.let_go()  # it has been stopped meanwhile
            self.over()

    def endangered(self) -> None:
        """Stop the service."""
        self._do(self._state.endangered)

    def lost(self, candidate: Held) -> None:
        """Stop the service, where that has not been done."""
        candidate.release_soon()  # not asked for before that has ended
        self._do(self._state.endangered)

    # What the launcher wants

    def stop(self) -> None:
        """Stop for good."""
        self._do(self._state.stop)

    def wait(self) -> None:
        """Wait for the end."""
        self._ended.wait()
        if self._failure is not None:
            raise self._failure

    # Acting

    def _do(self, fact: Callable[[], list[Action]]) -> bool:
        """Tell the state a fact, and act on it; return whether anything follows."""
        with self._guard:
            actions = fact()
        for action in actions:
            self._act(action)
        return bool(actions)

    def _act(self, action: Action) -> None:
        match action:
            case Action.START:
                told = self._told_to_stop = self._driver.event()
                self._spawn(functools.partial(self._live, told))
            case Action.STOP:
                self._spawn(functools.partial(self._call_stop, self._told_to_stop))
            case Action.RELEASE:
                self._give_back()
                self._ask()
            case Action.LEAVE:
                self._give_back()
            case Action.END:
                self._ended.set()

    def _spawn(self, call: Callable[[], object]) -> None:
        what = naming.describe(self._service)
        run = functools.partial(self._context.copy().run, call)
        self._driver.spawn(run, name=f"single {what}")

    def _give_back(self) -> None:
        self.over()
        self._candidate.release_soon()
        if self._candidate.in_use:
            self._member.hurry()
            self._member.await_answer()
            self.over()  # a heartbeat that was in progress may have reported it again

    # The bodies of tasks

    def _live(self, told: Event) -> None:
        if self._call(self._service.start):
            if told.is_set():
                # It may have had nothing to stop yet.
                self._call(self._service.stop)
            if self._call(self._service.wait) and not told.is_set():
                told.wait()
                self._call(self._service.wait)
        told.wait()
        self._candidate.let_go()
        self._do(self._state.finished)

    def _call_stop(self, told: Event) -> None:
        self._call(self._service.stop)
        told.set()

    def _call(self, method: Callable[[], object]) -> bool:
        """Call a method; return whether it succeeded. If not, all ends."""
        try:
            method()
        except BaseException as exc:  # noqa: BLE001 - raised by wait()
            if self._failure is None:
                self._failure = exc
            self._do(self._state.failed)
            return False
        return True
