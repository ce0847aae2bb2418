# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The launcher that runs services in worker processes."""

import functools

from oslo_config import cfg

from oslo_service import backdoor, backend
from oslo_service._common import first_process
from oslo_service._common.deprecation import warn_once
from oslo_service._common.service_base import ServiceBase
from oslo_service.compat.attributes import HasOldAttributes
from oslo_service.launchers import start_methods, worker_preparation
from oslo_service.launchers.argument_checks import (
    check_service,
    check_workers,
    warn_of_rolling,
)
from oslo_service.launchers.process_backdoor import open_backdoor
from oslo_service.launchers.services import ServiceWrapper
from oslo_service.launchers.signal_handlers import warn_of_handle_signal
from oslo_service.launchers.supervision import is_over, launching, supervise
from oslo_service.launchers.systemd import check_systemd
from oslo_service.supervisor import loop
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.services.runner import ServiceRunner
from oslo_service.supervisor.workers.plan import WorkerPlan
from oslo_service.supervisor.workers.pool import WorkerPool

__all__ = ("ProcessLauncher",)


class ProcessLauncher(HasOldAttributes):
    """Runs services in worker processes, and keeps so many of them alive.

    Making one decides for good which driver the process runs on.

    :param conf: the configuration; the library's options are registered on it.
    :param wait_interval: deprecated, and not used: nothing here polls.
    :param restart_method: what SIGHUP does. ``reload``: the configuration
        files are read again and every worker is replaced; ``mutate``: the
        mutable options are, in every worker too, and nothing restarts. Both
        call ``reset()``. ``rolling``: as ``reload``, one worker after the other, each
        when its successor is ready; if one is not, all keep what they had.
    :param no_fork: run the service in this process, for debugging.
    :param start_method: how workers begin: ``fork`` (the default), or
        ``spawn``, in a fresh interpreter, where the driver can; the service
        must then be picklable.
    :raises ValueError: there is no such method, or ``backdoor_port`` cannot be
        that.
    :raises UnsupportedBackendError: the driver cannot be used here, or cannot
        spawn.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        wait_interval: float | None = None,
        restart_method: str = "reload",
        no_fork: bool = False,
        start_method: str | None = None,
    ) -> None:
        first_process.step_aside()
        self.conf = conf
        if wait_interval is not None:
            warn_once("ProcessLauncher(wait_interval=...)", "nothing polls; omit it")
        self.wait_interval = wait_interval
        self.no_fork = no_fork
        self._settings = Settings(conf, restart_method)
        backdoor.is_wanted(conf)  # or raises, before a driver is selected for good
        self._driver = backend.commit(conf)
        start_methods.check_start_method(start_method, self._driver)
        self._start_method = start_method or start_methods.FORK
        check_systemd()
        self._supervisor: loop.Supervisor | None = None
        self._unit: ServiceRunner | WorkerPool | None = None

    def launch_service(self, service: ServiceBase, workers: int | None = 1) -> None:
        """Start so many workers that run a service; returns at once.

        :param service: the service; each worker has a copy of its own.
        :param workers: how many; None: 1.
        :raises TypeError: it is not a :class:`ServiceBase`, a method of it is
            asynchronous, or ``workers`` is not an integer; or workers are spawned,
            and the service or the configuration cannot be pickled: the message names
            what cannot.
        :raises ValueError: ``workers`` is less than 1.
        """
        count = check_workers(workers)
        check_service(service)
        unit, supervisor = self._launching_unit()
        if isinstance(unit, ServiceRunner):
            open_backdoor(service, self._driver, self._settings)
            supervisor.post(lambda: unit.add(service))
            return
        if self._start_method == start_methods.SPAWN:
            from oslo_service.supervisor.workers import pickling

            pickling.check_picklable(service, self.conf)
        wrapper = ServiceWrapper(service, count, self)
        plan = WorkerPlan(
            *(self._driver, self._settings, worker_preparation.prepare, service),
            name=str(wrapper),
            wrapper=wrapper,
        )
        supervisor.post(lambda: unit.add(plan, count))

    def stop(self) -> None:
        """Have the workers stop; non-blocking.

        Legal at any time, from anywhere, and more than once. With ``no_fork`` it
        does as :meth:`Launcher.stop`.
        """
        unit, supervisor = self._unit, self._supervisor
        if unit is None or supervisor is None:
            return
        unit.give_stop(functools.partial(supervisor.stop_unit, unit))

    def wait(self) -> int:
        """Block until the launcher was told to stop and its workers have ended.

        In the main thread, signals are acted upon meanwhile.

        :returns: the exit status: 0 after an orderly end, 1 otherwise.
        :raises RuntimeError: called by a signal handler that runs in it, or by a
            method of a service that it runs: it would wait for itself.
        """
        unit, supervisor = self._unit, self._supervisor
        if unit is None or supervisor is None:
            return 0
        self._settings.log_options()
        backend.warn_of_idle_hub(self._driver, "This program")
        return supervisor.wait_for(unit)

    def restart(self) -> None:
        """Do what SIGHUP does: read the configuration, replace or reset."""
        unit, supervisor = self._unit, self._supervisor
        if unit is None or supervisor is None:
            return
        unit.give_reload(functools.partial(supervisor.reload_unit, unit))

    def handle_signal(self) -> None:
        """Do nothing; deprecated. Signals are acted upon without it."""
        warn_of_handle_signal(type(self))

    @property
    def children(self) -> dict[int, ServiceWrapper]:
        """The workers by pid, with what they run."""
        children = {} if self._unit is None else self._unit.children()
        return {pid: plan.wrapper for pid, plan in children.items()}

    def _launching_unit(
        self,
    ) -> tuple[ServiceRunner | WorkerPool, loop.Supervisor]:
        with launching.get():
            unit, supervisor = self._unit, self._supervisor
            if unit is None or supervisor is None or is_over(unit, supervisor):
                self._unit, self._supervisor = unit, supervisor = self._launch()
            return unit, supervisor

    def _launch(self) -> tuple[ServiceRunner | WorkerPool, loop.Supervisor]:
        if self.no_fork:
            supervisor = supervise(self._driver, self._settings)
            warn_of_rolling(self._settings)
            return supervisor.add_runner(self._settings), supervisor
        # First: what the supervisor does in this process, it does in its workers.
        start = start_methods.called(self._start_method)
        supervisor = supervise(self._driver, self._settings)
        return supervisor.add_pool(self._settings, start), supervisor
