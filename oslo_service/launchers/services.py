# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The services that run in this process, and the wrapper of those in workers."""

from typing import Any

from oslo_service import backend
from oslo_service._common import naming
from oslo_service._common.service_base import ServiceBase, check_methods
from oslo_service.compat.attributes import HasOldAttributes
from oslo_service.supervisor.configuration import check_restart_method
from oslo_service.supervisor.services.runner import ServiceRunner, make_unsupervised

__all__ = ("ServiceWrapper", "Services")


class Services(HasOldAttributes):
    """Services that run in this process.

    :param restart_method: what :meth:`restart` does. ``reload``: stops and starts
        the services; ``mutate``: restarts nothing. Both call ``reset()``.
    :raises ValueError: there is no such method.
    """

    def __init__(self, restart_method: str = "reload") -> None:
        check_restart_method(restart_method)
        self.restart_method = restart_method
        self._runner: ServiceRunner | None = None

    @property
    def services(self) -> list[ServiceBase]:
        """The services that have been added."""
        return [] if self._runner is None else self._runner.services

    def add(self, service: ServiceBase) -> None:
        """Start a service, in a task of its own.

        :param service: the service.
        :raises TypeError: a method is asynchronous.
        """
        check_methods(service)
        runner = self._runner
        if runner is None or runner.ended.is_set():
            runner = self._runner = make_unsupervised(
                backend.get_backend(), mutates=self.restart_method == "mutate"
            )
        runner.post(lambda: runner.add(service))

    def stop(self) -> None:
        """Stop every service: each ``stop()`` has returned when this does.

        Non-blocking in a task of this library, and in a signal handler.
        """
        runner = self._runner
        if runner is not None:
            runner.give_stop(runner.stop)

    def wait(self) -> None:
        """Block until the services have been stopped and have ended.

        :raises RuntimeError: a method of one of them calls this.
        """
        if self._runner is not None:
            self._runner.refuse_own()
            self._runner.ended.wait()

    def restart(self) -> None:
        """Stop every service, and when it has ended reset and start it.

        Every ``reset()`` has returned when this does. Non-blocking in a task of
        this library, and in a signal handler.
        """
        runner = self._runner
        if runner is not None:
            runner.give_reload(runner.reload)

    @staticmethod
    def run_service(service: ServiceBase, done: Any) -> None:
        """Start a service and block until something is over.

        :param service: the service.
        :param done: an event that is set then.
        """
        service.start()
        done.wait()


class ServiceWrapper(HasOldAttributes):
    """A service and the number of workers that run it.

    :param service: the service.
    :param workers: how many there are to be.
    :param launcher: the one that has them; it knows them by pid.
    """

    def __init__(
        self, service: ServiceBase, workers: int, launcher: Any = None
    ) -> None:
        self.service = service
        self.workers = workers
        self._launcher = launcher

    def __str__(self) -> str:
        return naming.describe(self.service)
