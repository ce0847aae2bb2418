# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The launchers that run services in this process."""

import functools

from oslo_config import cfg

from oslo_service import backdoor, backend
from oslo_service._common import first_process
from oslo_service._common.service_base import ServiceBase
from oslo_service.compat.attributes import HasOldAttributes
from oslo_service.launchers.argument_checks import (
    check_service,
    check_workers,
    warn_of_rolling,
)
from oslo_service.launchers.process_backdoor import record_backdoor
from oslo_service.launchers.services import Services
from oslo_service.launchers.signal_handlers import warn_of_handle_signal
from oslo_service.launchers.start_methods import check_start_method
from oslo_service.launchers.supervision import is_over, launching, supervise
from oslo_service.launchers.systemd import check_systemd
from oslo_service.supervisor import loop
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.services.runner import ServiceRunner

__all__ = ("Launcher", "ServiceLauncher")


class Launcher(HasOldAttributes):
    """Runs services in this process.

    Making one decides for good which driver the process runs on.

    :param conf: the configuration; the library's options are registered on it.
    :param restart_method: what SIGHUP does. ``reload``: the configuration
        files are read again and the services restarted; ``mutate``: the
        mutable options are, and nothing restarts. Both call ``reset()``. ``rolling``
        is ``reload`` here.
    :raises ValueError: there is no such method; or ``backdoor_port``, or
        ``WATCHDOG_USEC``, which systemd sets, cannot be that.
    :raises UnsupportedBackendError: the driver cannot be used here.
    :ivar backdoor_port: where the debugging back door listens: a port, or the
        path of a socket; None: there is none. Services get it, too.
    """

    def __init__(self, conf: cfg.ConfigOpts, restart_method: str = "reload") -> None:
        first_process.step_aside()
        self.conf = conf
        self.services = Services(restart_method)
        self._settings = Settings(conf, restart_method)
        warn_of_rolling(self._settings)
        backdoor.is_wanted(conf)  # or raises, before a driver is selected for good
        self._driver = backend.commit(conf)
        check_systemd()
        self._supervisor: loop.Supervisor | None = None
        self.backdoor_port = backdoor.open_if_enabled(self._driver, conf)

    def launch_service(self, service: ServiceBase, workers: int | None = 1) -> None:
        """Start a service; non-blocking: its ``start()`` runs in a task of its own.

        :param service: the service.
        :param workers: 1 or None.
        :raises TypeError: it is not a :class:`ServiceBase`, or a method of it is
            asynchronous.
        :raises ValueError: more than one worker is wanted.
        """
        if check_workers(workers) != 1:
            raise ValueError(
                f"a {type(self).__name__} runs a service in this process, not in"
                f" {workers} workers: use a ProcessLauncher, or launch()"
            )
        check_service(service)
        record_backdoor(service, self.backdoor_port)
        runner = self._launching_runner()
        runner.post(lambda: runner.add(service))

    def stop(self) -> None:
        """Stop the services: each ``stop()`` has returned when this does.

        Legal at any time, from anywhere, and more than once. Non-blocking in a
        task of this library (a service's, a loop's, a group's), and in a signal
        handler: there it only gives the order.
        """
        self.services.stop()

    def wait(self) -> int:
        """Block until the services have been stopped and have ended.

        In the main thread, signals are acted upon meanwhile.

        :returns: the exit status: 0 after an orderly end, 1 otherwise.
        :raises RuntimeError: called by a signal handler that runs in it, or by a
            method of a service that it runs: it would wait for itself.
        """
        runner, supervisor = self.services._runner, self._supervisor
        if runner is None or supervisor is None:
            return 0
        self._settings.log_options()
        backend.warn_of_idle_hub(self._driver, "This program")
        return supervisor.wait_for(runner)

    def restart(self) -> None:
        """Do what SIGHUP does: read the configuration, restart or reset.

        Every ``reset()`` has returned when this does. Non-blocking where
        :meth:`stop` is.
        """
        runner, supervisor = self.services._runner, self._supervisor
        if runner is not None and supervisor is not None:
            runner.give_reload(functools.partial(supervisor.reload_unit, runner))

    def _launching_runner(self) -> ServiceRunner:
        with launching.get():
            runner = self.services._runner
            if runner is None or is_over(runner, self._supervisor):
                self._supervisor = supervise(self._driver, self._settings)
                runner = self._supervisor.add_runner(self._settings)
                self.services._runner = runner
            return runner


class ServiceLauncher(Launcher):
    """Runs services in this process; never forks.

    :param conf: see :class:`Launcher`.
    :param restart_method: see :class:`Launcher`.
    :param start_method: accepted as in :class:`ProcessLauncher`; nothing is
        started.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        restart_method: str = "reload",
        start_method: str | None = None,
    ) -> None:
        super().__init__(conf, restart_method)
        check_start_method(start_method, self._driver)

    def handle_signal(self) -> None:
        """Do nothing; deprecated. Signals are acted upon without it."""
        warn_of_handle_signal(type(self))
