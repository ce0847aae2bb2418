# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what is called is a plain function; an ``async def`` is refused at once."""

import asyncio
import functools
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from oslo_config import cfg

from oslo_service import (
    cluster,
    events,
    loopingcall,
    periodic_task,
    service,
    threadgroup,
    wsgi,
)

pytestmark = pytest.mark.usefixtures("driver")


async def poll(*_: object) -> None:
    raise AssertionError("nobody awaits it")


@functools.wraps(poll)
def run(*_: object) -> bool:
    """Do what would have to be awaited."""
    return True


LOOPS = [
    loopingcall.FixedIntervalLoopingCall,
    loopingcall.FixedIntervalWithTimeoutLoopingCall,
    loopingcall.DynamicLoopingCall,
    loopingcall.BackOffLoopingCall,
]


@pytest.fixture
def group() -> threadgroup.ThreadGroup:
    """A group in which nothing runs."""
    return threadgroup.ThreadGroup(2)


def refused(what: str) -> AbstractContextManager[object]:
    return pytest.raises(TypeError, match=rf"{re.escape(what)}.*\.poll is async")


class TestRefused:
    """Before anything runs, with its name."""

    @pytest.mark.parametrize("kind", LOOPS)
    def test_by_looping_calls(self, kind: Callable[[Any], Any]) -> None:
        with refused("looping call"):
            kind(poll)

    def test_by_timers_of_a_group(self, group: threadgroup.ThreadGroup) -> None:
        for add in (
            lambda: group.add_timer(1, poll),
            lambda: group.add_dynamic_timer(poll),
        ):
            with refused("looping call"):
                add()
        assert group.timers == []

    def test_by_threads_of_a_group(self, group: threadgroup.ThreadGroup) -> None:
        with refused("add_thread()"):
            group.add_thread(poll)
        thread = group.add_thread(run)
        with refused("link()"):
            thread.link(poll)
        thread.wait()

    def test_as_periodic_task(self) -> None:
        for declare in (
            periodic_task.periodic_task,
            periodic_task.periodic_task(spacing=1, name="poll"),
        ):
            with refused("periodic task"):
                declare(poll)

    def test_as_signal_handler(self) -> None:
        with refused("signal handler"):
            service.SignalHandler().add_handler("SIGUSR2", poll)

    def test_as_subscriber(self) -> None:
        with refused("subscriber"):
            events.subscribe(poll)

    def test_by_partitions(self) -> None:
        with refused("on_change"):
            cluster.partition("volumes", on_change=poll)

    @pytest.mark.parametrize("name", ["app", "around_request"])
    def test_by_servers(self, name: str) -> None:
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        given: dict[str, Any] = {"app": run, name: poll}
        with pytest.raises(wsgi.InvalidInput, match=f"{name}.*is async"):
            wsgi.Server(conf, "web", host="127.0.0.1", **given)

    @pytest.mark.parametrize("method", ["start", "stop", "wait", "reset"])
    def test_as_method_of_a_service(self, method: str) -> None:
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        one = type("Asynchronous", (service.Service,), {method: poll})()
        for launch in (
            lambda: service.launch(conf, one),
            lambda: service.launch(conf, one, workers=2),
            lambda: service.Services().add(one),
            lambda: cluster.SingleService(one),
        ):
            with refused(f"{method}() of a service"):
                launch()


class TestAccepted:
    """A plain function, also one that stands for another."""

    def test_that_runs_what_it_wraps(self, group: threadgroup.ThreadGroup) -> None:
        assert group.add_thread(run).wait()
        assert loopingcall.RetryDecorator()(run)()
        assert periodic_task.periodic_task(run) is run
        loop = loopingcall.BackOffLoopingCall(run)
        loop.start()
        loop.stop()
        assert loop.wait()


def test_of_retries_that_is_said_and_the_caller_awaits_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ask() -> str:
        return "asked"

    retried = loopingcall.RetryDecorator(exceptions=OSError)(ask)
    assert "does not call" in caplog.text
    assert "ask again when it fails: it is async" in caplog.text
    assert asyncio.run(retried()) == "asked"
