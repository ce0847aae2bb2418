# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What runs services: in this process, or in worker processes."""

from oslo_config import cfg

from oslo_service import backdoor, backend
from oslo_service._common.deprecation import warn_once
from oslo_service._common.service_base import ServiceBase
from oslo_service.launchers import launching
from oslo_service.launchers.services import Services, ServiceWrapper
from oslo_service.supervisor import loop
from oslo_service.supervisor.runner import Host
from oslo_service.supervisor.settings import Settings
from oslo_service.supervisor.workers.pool import Workforce

__all__ = (
    "Launcher",
    "ProcessLauncher",
    "ServiceLauncher",
    "launch",
)


class Launcher:
    """Runs services in this process.

    Making one decides for good which driver the process runs on.

    :param conf: the configuration; the library's options are registered on it.
    :param restart_method: what SIGHUP does. ``reload``: the configuration
        files are read again and the services restarted; ``mutate``: the
        mutable options are, and nothing restarts. Both call ``reset()``.
    :raises ValueError: there is no such method; or ``backdoor_port``, or
        ``WATCHDOG_USEC``, which systemd sets, cannot be that.
    :raises UnsupportedBackendError: the driver cannot be used here.
    :ivar backdoor_port: where the debugging back door listens: a port, or the
        path of a socket; None: there is none. Services get it, too.
    """

    def __init__(self, conf: cfg.ConfigOpts, restart_method: str = "reload") -> None:
        self.conf = conf
        self.services = Services(restart_method)
        self._settings = Settings(conf, restart_method)
        backdoor.is_wanted(conf)  # or it is refused before anything is decided
        self._driver = backend.commit(conf)
        self._supervisor = loop.of_process(self._driver)
        launching.tell_systemd(self._supervisor)
        self.backdoor_port = backdoor.open_if_enabled(self._driver, conf)

    def launch_service(self, service: ServiceBase, workers: int | None = 1) -> None:
        """Start a service; does not wait for its ``start()``.

        :param workers: 1 or None.
        :raises TypeError: it is not a :class:`ServiceBase`.
        :raises ValueError: more than one worker is wanted.
        """
        if launching.check_workers(workers) != 1:
            raise ValueError(
                f"a {type(self).__name__} runs a service in this process, not in"
                f" {workers} workers: use a ProcessLauncher, or launch()"
            )
        launching.check_service(service)
        self._host.add(launching.with_backdoor(service, self.backdoor_port))

    def stop(self) -> None:
        """Tell the services to stop; does not wait.

        Legal at any time, from anywhere, and more than once.
        """
        self._host.stop()

    def wait(self) -> int:
        """Block until the services have been stopped and have ended.

        In the main thread, signals are acted upon meanwhile.

        :returns: 0 after an orderly end, 1 otherwise.
        :raises RuntimeError: called by a signal handler that runs in it.
        """
        host = self.services._host
        if host is None:
            return 0
        self._settings.log_options()
        return self._supervisor.wait_for(host)

    def restart(self) -> None:
        """Do what SIGHUP does: read the configuration, restart or reset."""
        self._host.read_again()

    @property
    def _host(self) -> Host:
        host = self.services._host
        if host is None or host.ended.is_set():
            host = self._supervisor.add_host(self._settings)
            self.services._host = host
        return host


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
        launching.check_start_method(start_method, self._driver)

    def handle_signal(self) -> None:
        """Do nothing; deprecated. Signals are acted upon without it."""
        launching.warn_of_handle_signal(type(self))


class ProcessLauncher:
    """Runs services in worker processes, and keeps so many of them alive.

    Making one decides for good which driver the process runs on.

    :param conf: the configuration; the library's options are registered on it.
    :param wait_interval: deprecated, and not used: nothing here polls.
    :param restart_method: what SIGHUP does. ``reload``: the configuration
        files are read again and every worker is replaced; ``mutate``: the
        mutable options are, in every worker too, and nothing restarts. Both
        call ``reset()``.
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
        self.conf = conf
        if wait_interval is not None:
            warn_once("ProcessLauncher(wait_interval=...)", "nothing polls; omit it")
        self.wait_interval = wait_interval
        self.no_fork = no_fork
        self._settings = Settings(conf, restart_method)
        backdoor.is_wanted(conf)
        self._driver = backend.commit(conf)
        launching.check_start_method(start_method, self._driver)
        self._start_method = start_method or launching.FORK
        self._supervisor = loop.of_process(self._driver)
        launching.tell_systemd(self._supervisor)
        self._unit: Host | Workforce | None = None

    def launch_service(self, service: ServiceBase, workers: int | None = 1) -> None:
        """Start so many workers that run a service; returns at once.

        :param workers: how many; None: 1.
        :raises TypeError: it is not a :class:`ServiceBase`, or ``workers`` is
            not an integer; or workers are spawned, and the service or the
            configuration cannot be pickled: the message names what cannot.
        :raises ValueError: ``workers`` is less than 1.
        """
        count = launching.check_workers(workers)
        launching.check_service(service)
        unit = self._launching_unit()
        if isinstance(unit, Host):
            launching.open_backdoor(service, self._driver, self._settings)
            unit.add(service)
            return
        wrap = ServiceWrapper(service, count)
        if self._start_method == launching.SPAWN:
            from oslo_service.supervisor.workers import pickling

            pickling.check_picklable(service, self.conf)
        self._supervisor.post(lambda: unit.add(wrap, count))

    def stop(self) -> None:
        """Have the workers stop; does not wait.

        Legal at any time, from anywhere, and more than once.
        """
        unit = self._launching_unit()
        self._supervisor.post(lambda: self._supervisor.stop_unit(unit))

    def wait(self) -> int:
        """Block until the launcher was told to stop and its workers have ended.

        In the main thread, signals are acted upon meanwhile.

        :returns: 0 after an orderly end, 1 otherwise.
        :raises RuntimeError: called by a signal handler that runs in it.
        """
        if self._unit is None:
            return 0
        self._settings.log_options()
        return self._supervisor.wait_for(self._unit)

    def restart(self) -> None:
        """Do what SIGHUP does: read the configuration, replace or reset."""
        if self._unit is not None:
            self._supervisor.post(self._unit.read_again)

    def handle_signal(self) -> None:
        """Do nothing; deprecated. Signals are acted upon without it."""
        launching.warn_of_handle_signal(type(self))

    @property
    def children(self) -> dict[int, ServiceWrapper]:
        """The workers by pid, with what they run."""
        if not isinstance(self._unit, Workforce):
            return {}
        return self._unit.children()

    def _launching_unit(self) -> Host | Workforce:
        if self._unit is None or self._unit.ended.is_set():
            supervisor, settings = self._supervisor, self._settings
            if self.no_fork:
                self._unit = supervisor.add_host(settings)
            else:
                start = launching.starter(self._start_method, self._driver, settings)
                self._unit = supervisor.add_workforce(settings, start)
        return self._unit


def launch(
    conf: cfg.ConfigOpts,
    service: ServiceBase,
    workers: int | None = 1,
    restart_method: str = "reload",
    no_fork: bool = False,
    start_method: str | None = None,
) -> ServiceLauncher | ProcessLauncher:
    """Start a service, in this process or in worker processes.

    :param conf: the configuration.
    :param service: the service.
    :param workers: 1 or None: in this process; more: a parent and so many
        workers.
    :param restart_method: see :class:`Launcher` and :class:`ProcessLauncher`.
    :param no_fork: see :class:`ProcessLauncher`.
    :param start_method: see :class:`ProcessLauncher`.
    :returns: the launcher; its ``wait()`` is to be called next.
    :raises TypeError: ``service`` is not a :class:`ServiceBase`, or ``workers``
        is not an integer.
    :raises ValueError: ``workers`` is less than 1, or there is no such method.
    :raises UnsupportedBackendError: the driver cannot be used here.
    """
    launching.check_service(service)
    launcher: ServiceLauncher | ProcessLauncher
    if launching.check_workers(workers) == 1:
        launcher = ServiceLauncher(conf, restart_method, start_method)
    else:
        launcher = ProcessLauncher(
            conf,
            restart_method=restart_method,
            no_fork=no_fork,
            start_method=start_method,
        )
    launcher.launch_service(service, workers=workers)
    return launcher
