# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What this process tells of itself when asked: what answers is imported only then."""

from typing import TYPE_CHECKING, Any

from oslo_service._common import lazy_imports
from oslo_service.supervisor import work_items
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.work_items import WorkItem

if TYPE_CHECKING:
    from oslo_service.monitoring import health_checks, status, work_in_progress
    from oslo_service.supervisor.exchange.inquiries import Respondent
else:
    health_checks = lazy_imports.module("oslo_service.monitoring.health_checks")
    status = lazy_imports.module("oslo_service.monitoring.status")
    work_in_progress = lazy_imports.module("oslo_service.monitoring.work_in_progress")

__all__ = ("offer",)


def offer() -> None:
    """Have questions to this process, and to its workers, answered; idempotent."""
    if registry.answers("work") is not None:
        return  # in a worker, which inherits it, and shares the memory of its parent
    work_items.see_by(_look)
    registry.answer("work", _answer_work)
    registry.answer("health", _answer_health)
    registry.answer("state", _answer_state)
    registry.hear("health", _hear_health)
    registry.at_end_of_worker("health", _forget_health)


def _look(stacks: bool) -> list[WorkItem]:
    return work_in_progress.look(stacks)


def _answer_work(args: dict[str, Any]) -> Any:
    return work_in_progress.answer(args)


def _answer_health(_args: dict[str, Any]) -> Any:
    return health_checks.answer()


def _answer_state(_args: dict[str, Any]) -> Any:
    return status.answer()


def _hear_health(sender: "Respondent", value: Any) -> None:
    health_checks.hear(sender, value)


def _forget_health(worker: "Respondent") -> None:
    if lazy_imports.is_loaded(health_checks):
        health_checks.forget(worker)
