# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``/metrics``: every worker is asked, and their values are put together."""

from collections.abc import Callable
from typing import Any

from oslo_service._common import clock
from oslo_service.admin.deferred_replies import Awaited, Once
from oslo_service.admin.messages import Ask, Later, Reply
from oslo_service.admin.metrics import exposition, gathering, in_parent, layout
from oslo_service.admin.metrics.merging import Merger
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.exchange.inquiries import Answer, Respondent
from oslo_service.supervisor.loop import Supervisor

__all__ = ("METRICS", "Metrics", "register")

#: The name of the question, and of what a worker tells at its end.
METRICS = "metrics"

# How long to wait for a worker, in seconds: of one that does not answer, the values of
# the last time count.
_PATIENCE = 2.0
# How many digests there is room for in a question.
_KNOWN = 64


class Metrics:
    """Answers scrapes.

    :param supervisor: the supervisor of the workers.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._merger = Merger()
        self._once = Once()
        registry.hear(METRICS, self._heard)
        registry.at_end_of_worker(METRICS, self._ended)

    def show(self, ask: Ask) -> Later:  # noqa: ARG002 - everybody gets the same
        """Answer when every worker has answered, or is late."""
        return self._once.ask(METRICS, lambda: Awaited(self._ask, self._reply))

    def _ask(self, done: Callable[[None], object]) -> None:
        """Ask every process; the answers count even if the client has gone."""

        def take(answers: list[Answer]) -> None:
            try:
                self._take_all(answers)
            finally:
                self._merger.answered()
                done(None)

        known = self._merger.known[-_KNOWN:]
        exchange = self._supervisor.exchange
        exchange.ask(METRICS, {"known": known}, _PATIENCE, take)
        self._merger.asked()

    def _take_all(self, answers: list[Answer]) -> None:
        services = self._supervisor.services_in_workers()
        for answer in answers:
            if not answer.problem:
                self._take(answer.respondent, answer.value, services)

    def _reply(self, _: None) -> Reply:
        reporter = self._supervisor.reporter
        found = in_parent.families(reporter.snapshot(), reporter.tally)
        text = exposition.text([*found, *self._merger.families()])
        return Reply(200, text, exposition.KIND)

    def _heard(self, sender: Respondent, value: Any) -> None:
        """Take in what a worker tells at its end."""
        services = self._supervisor.services_in_workers()
        self._take(sender, value, services, final=True)

    def _ended(self, worker: Respondent) -> None:
        """Take note that nothing more comes of a worker."""
        self._merger.gone(worker)

    def _take(
        self,
        process: Respondent,
        message: bytes,
        services: list[str],
        *,
        final: bool = False,
    ) -> None:
        head, values = layout.unpack(message)
        self._merger.measured(
            process,
            _label(process, services),
            *(head["digest"], head["layout"], values, clock.now()),
            final=final,
        )


def _label(process: Respondent, services: list[str]) -> str | None:
    """Return the label of a process, as :class:`.Source` has it.

    :param services: the names of the services that workers run.
    """
    if process.worker is None:
        return "" if services else None
    if len(services) > 1:
        return f"{process.service}/{process.worker}"
    return str(process.worker)


def register() -> None:
    """Have the question answered, in this process and its workers."""
    registry.answer(METRICS, _answer, at_length=_answer_at_length)
    registry.tell_at_end(
        METRICS,
        lambda: gathering.of_process().message([], asks=False),
        at_length=lambda: gathering.of_process().message([]),
    )


def _answer(args: dict[str, Any]) -> bytes:
    return gathering.of_process().message(args["known"], asks=False)


def _answer_at_length(args: dict[str, Any]) -> bytes:
    return gathering.of_process().message(args["known"])
