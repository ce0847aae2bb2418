# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The questions of the supervisor that a process answers for the endpoint."""

from typing import Any

from oslo_service._common import instruments
from oslo_service.admin import orders
from oslo_service.admin.metrics import gathering, scraping
from oslo_service.supervisor.exchange import registry

__all__ = ("begin", "begin_worker")


def begin() -> None:
    """Answer the questions in this process, and in the workers that it starts."""
    registry.want()
    registry.answer("stacks", _answer_stacks)
    registry.answer("loops", _answer_loops)
    orders.register()
    scraping.register()
    instruments.begin()


def begin_worker() -> None:
    """Answer the questions in a worker, which may be a fresh interpreter."""
    begin()
    gathering.of_process().begin()


# What these answer with is imported when it is asked for.


def _answer_stacks(_args: dict[str, Any]) -> Any:
    from oslo_service.admin import own_stacks

    return own_stacks.of_process()


def _answer_loops(_args: dict[str, Any]) -> Any:
    from oslo_service.admin import loops

    return loops.of_process()
