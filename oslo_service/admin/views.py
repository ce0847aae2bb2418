# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the endpoint shows of all that is supervised."""

from collections.abc import Callable, Sequence
from typing import Any

from oslo_service._common import clock
from oslo_service.admin.deferred_replies import Inquiry, Once
from oslo_service.admin.messages import HEALTH, Ask, Later, Reply, as_json
from oslo_service.admin.stacks import Stacks
from oslo_service.monitoring import health_checks, probes, status
from oslo_service.supervisor.exchange.inquiries import Answer, Respondent
from oslo_service.supervisor.loop import Supervisor

__all__ = ("Views",)

# How long to wait for a process, in seconds: less than clients wait for the response.
_PATIENCE = 2.0


class Views:
    """The handlers of requests that change nothing.

    Each asks workers only for what it shows.

    :param supervisor: has the facts, and asks the processes.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._once = Once()

    # Probes

    def live(self, ask: Ask) -> Reply:
        """Answer whether the program should be left alone, not started again."""
        snapshot = self._supervisor.reporter.snapshot()
        timeout = (snapshot.limits or {}).get("worker_timeout", 0.0)
        return _probed(probes.live(snapshot, timeout, full=ask.trusted))

    def ready(self, ask: Ask) -> Reply:
        """Answer whether clients can be sent here."""
        snapshot = self._supervisor.reporter.snapshot()
        return _probed(probes.ready(snapshot, full=ask.trusted))

    def health(self, ask: Ask) -> Later:
        """Answer whether what the services depend on is well."""

        def make(answers: Sequence[Answer]) -> Reply:
            found = [
                (one.respondent, health_checks.known(one.respondent, one.value))
                for one in answers
            ]
            process = self._supervisor.reporter.snapshot().process
            version = "" if process is None else process.version
            return _probed(
                probes.health(found, clock.now(), full=ask.trusted, version=version)
            )

        return self._once.ask(
            (health_checks.KIND, ask.trusted),
            lambda: self._inquiry(health_checks.KIND, {}, make),
        )

    # For clients of the control socket

    def status(self, ask: Ask) -> Later:  # noqa: ARG002 - there is one status
        """Answer with the state of every service and worker."""

        def make(answers: Sequence[Answer]) -> Reply:
            return as_json(status.of_supervisor(self._supervisor, answers))

        return self._once.ask(status.KIND, lambda: self._inquiry(status.KIND, {}, make))

    def work(self, ask: Ask) -> Later:
        """Answer with the work in progress in every process."""
        args = {"stacks": "stacks" in ask.query}
        return self._once.ask(
            ("work", *args.values()),
            lambda: self._inquiry("work", args, _processes("work")),
        )

    def stacks(self, ask: Ask) -> Later:  # noqa: ARG002 - everybody gets all
        """Answer with the stack of every task of every process."""
        return self._once.ask(
            "stacks", lambda: Stacks(self._supervisor, _processes("stacks"))
        )

    def loops(self, ask: Ask) -> Later:  # noqa: ARG002 - likewise
        """Answer with the looping calls of every process."""
        return self._once.ask(
            "loops", lambda: self._inquiry("loops", {}, _processes("loops"))
        )

    def _inquiry(
        self,
        kind: str,
        args: dict[str, Any],
        make: Callable[[Sequence[Answer]], Reply],
    ) -> Inquiry:
        return Inquiry(self._supervisor.exchange, kind, args, _PATIENCE, make)


def _probed(reply: probes.Reply) -> Reply:
    return as_json(reply.body, reply.status, kind=HEALTH)


def _processes(kind: str) -> Callable[[Sequence[Answer]], Reply]:
    def make(answers: Sequence[Answer]) -> Reply:
        return as_json({"processes": [_process(kind, one) for one in answers]})

    return make


def _process(kind: str, answer: Answer) -> dict[str, Any]:
    return {
        **_named(answer.respondent),
        kind: answer.value or [],
        "problem": answer.problem or None,
    }


def _named(respondent: Respondent) -> dict[str, Any]:
    return {
        "service": respondent.service or None,
        "worker": respondent.worker,
        "pid": respondent.pid,
        "generation": respondent.generation,
    }
