# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The orders that clients of the control socket can give."""

import logging
from collections.abc import Sequence
from typing import Any

from oslo_service.admin import order_bodies
from oslo_service.admin.deferred_replies import Heard, Inquiry, Outcome
from oslo_service.admin.messages import Answer, Ask, Refused, Reply, as_json
from oslo_service.supervisor import events, log_messages
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.exchange.inquiries import Answer as Answered
from oslo_service.supervisor.loop import Supervisor

__all__ = ("LOG_LEVEL", "Orders", "register")

LOG = logging.getLogger(__name__)

#: The name of the question by which every process sets the level of a logger.
LOG_LEVEL = "log-level"
# How long processes are waited for, in seconds.
_PATIENCE = 5.0
# The most workers of a service: a typing error must not use up the memory.
_MOST_WORKERS = 1000


class Orders:
    """Carries orders out.

    :param supervisor: the supervisor that is told.
    :param heard: passes events on, which tell how an order goes.
    """

    def __init__(self, supervisor: Supervisor, heard: Heard) -> None:
        self._supervisor = supervisor
        self._heard = heard

    def reload(self, ask: Ask) -> Answer:
        """Reload, as SIGHUP does; answer when that is done, unless told otherwise."""
        wanted = order_bodies.read(
            ask, wait=order_bodies.flag("whether to answer when it is done")
        )
        self._refuse_if_stopping()
        outcome = Outcome(_Reload().judge, self._heard)
        self._supervisor.reload()
        LOG.info("Asked through the control socket: reading the configuration again")
        if wanted.get("wait", True):
            return outcome
        outcome.forget()
        return as_json({"said": "ordered"}, 202)

    def resize(self, ask: Ask) -> Reply:
        """Change the number of workers of a service."""
        wanted = order_bodies.read(
            ask,
            workers=order_bodies.number(1, _MOST_WORKERS, required=True),
            service=order_bodies.name("which service, as /status calls it"),
        )
        self._refuse_if_stopping()
        service, workers = self._service(wanted.get("service")), wanted["workers"]
        if not self._supervisor.resize(lambda _: workers, service):
            raise Refused(409, f"{service} was told to stop")
        LOG.info("Asked through the control socket: %s, %d workers", service, workers)
        said = f"{service} is to have {workers} worker{'s' if workers > 1 else ''}"
        return as_json({"said": said, "service": service, "workers": workers}, 202)

    def _service(self, wanted: str | None) -> str:
        """Return the name of the service that an order is for.

        :param wanted: the name in the order; None: it has none.
        :raises Refused: there is no such service; or the order must say which.
        """
        names = self._some_services()
        if wanted is None and len(names) == 1:
            return names[0]
        if wanted in names:
            return str(wanted)
        what = "say which 'service'" if wanted is None else f"no service is {wanted!r}"
        raise Refused(
            400 if wanted is None else 404, f"{what}; there are: {', '.join(names)}"
        )

    def _some_services(self) -> list[str]:
        names = self._supervisor.services_in_workers()
        if not names:
            raise Refused(409, "nothing runs in worker processes here: workers=1")
        return names

    def recycle(self, ask: Ask) -> Reply:
        """Replace workers, one at a time: the successor starts first."""
        wanted = order_bodies.read(
            ask,
            service=order_bodies.name(
                "which service, as /status calls it; without it, all"
            ),
            worker=order_bodies.number(0),
        )
        self._refuse_if_stopping()
        service, worker = wanted.get("service"), wanted.get("worker")
        services = [self._service(service)] if service or worker is not None else None
        count = sum(
            self._supervisor.recycle(one, worker)
            for one in services or self._some_services()
        )
        if not count and services and worker is not None:
            raise Refused(404, f"{services[0]} has no worker {worker}")
        if not count:
            raise Refused(409, f"{service or 'everything'} was told to stop")
        LOG.info("Asked through the control socket: %d workers are replaced", count)
        said = f"{count} worker{'s are' if count > 1 else ' is'} to be replaced"
        return as_json({"said": said, "workers": count}, 202)

    def stop(self, ask: Ask) -> Reply:
        """Stop, as SIGTERM does."""
        order_bodies.read(ask)
        self._supervisor.terminate()
        LOG.info("Asked through the control socket: stopping")
        return as_json({"said": "stopping"}, 202)

    def set_level(self, ask: Ask) -> Answer:
        """Set the level of a logger, in every process."""
        levels = logging.getLevelNamesMapping()
        wanted = order_bodies.read(
            ask,
            level=order_bodies.Field(
                lambda value: isinstance(value, str) and value.upper() in levels,
                f"one of {', '.join(levels)}",
                required=True,
            ),
            logger=order_bodies.name("which logger; without it, the root"),
        )
        args = {"level": wanted["level"].upper(), "logger": wanted.get("logger", "")}
        exchange = self._supervisor.exchange
        try:
            return Inquiry(exchange, LOG_LEVEL, args, _PATIENCE, _level_set)
        except ValueError as exc:
            raise Refused(400, f"'logger' is too long: {exc}") from None

    def _refuse_if_stopping(self) -> None:
        if self._supervisor.stopping:
            raise Refused(409, "everything was told to stop")


class _Reload:
    """Finds out how a reload goes; of one that fails, once it is rolled back."""

    def __init__(self) -> None:
        self._error: BaseException | None = None

    def judge(self, event: events.Event) -> Reply | None:
        """Return the response; None: it is not known yet."""
        match event:
            case events.ReloadFailed(error=error, rolled_back=True):
                self._error = error
            case events.ReloadFailed(error=error):
                return _failed(f"all is as it was: {error}")
            case events.RollbackFailed() if self._error is not None:
                return _failed(f"{self._error}; {_not_taken_back(event)}")
            case events.ReloadFinished() | events.Ready():
                if self._error is not None:
                    return _failed(f"all is as it was: {self._error}")
                return as_json({"said": "reloaded", "reload": "finished"})
            case events.SlotPaused() if self._error is None:
                return _failed(_crash_loop(event))
        return _ended(event)


def _failed(why: str) -> Reply:
    return as_json({"error": f"the reload failed, {why}", "reload": "failed"}, 409)


def _not_taken_back(event: events.RollbackFailed) -> str:
    return (
        f"worker {event.worker} of {event.service} does not get back what it had, which"
        f" is tried again, and has the new configuration until then: {event.error}"
    )


def _crash_loop(event: events.SlotPaused) -> str:
    return (
        f"worker {event.worker} of {event.service} has ended {event.deaths} times in a"
        f" row at its start, which is tried again: {event.error}"
    )


def _ended(event: events.Event) -> Reply | None:
    match event:
        case events.ServiceFailed(fatal=True, service=service, error=error):
            why = f"{service} has failed, and everything is stopped: {error}"
        case events.RestartLimitReached():
            why = f"{log_messages.last_line(event)}; everything is stopped"
        case events.Draining():
            why = "it was told to stop"
        case _:
            return None
    return as_json({"error": why, "reload": "ended"}, 409)


def set_level(args: dict[str, Any]) -> None:
    """Set the level of a logger, in this process."""
    logging.getLogger(args["logger"] or None).setLevel(args["level"])


def _level_set(answers: Sequence[Answered]) -> Reply:
    failed = [
        {"pid": one.respondent.pid, "problem": one.problem}
        for one in answers
        if one.problem
    ]
    done = len(answers) - len(failed)
    said = f"set in {done} process{'es' if done > 1 else ''}"
    if failed:
        names = ", ".join(f"{one['pid']} ({one['problem']})" for one in failed)
        said += f"; not in {names}"
    return as_json({"said": said, "processes": done, "failed": failed})


def register() -> None:
    """Answer the questions of orders, in this process and its workers."""
    registry.answer(LOG_LEVEL, set_level)
