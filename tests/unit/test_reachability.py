# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether the server of a cluster answers: what is told of it, and how often."""

import types
from typing import Any

import pytest

from oslo_service import events
from oslo_service.clustering import metering
from oslo_service.clustering.reachability import Reachability

ERROR = OSError("no route")


class World:
    """What is told, at a time that the test says."""

    def __init__(self) -> None:
        self.now = 1000.0
        clocks: Any = types.SimpleNamespace(since_boot=lambda: self.now)
        self.events: list[Any] = []
        self.reports: list[str] = []
        self.server = Reachability(clocks, self.events.append, self.reports.append)


@pytest.fixture
def outages(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    found: list[bool] = []
    monkeypatch.setattr(metering, "outage", lambda: found.append(True))
    return found


def test_that_it_answers_is_reported_first_and_no_event(outages) -> None:
    world = World()
    assert not world.server.answered
    for _ in range(2):
        world.server.up()
        assert world.reports == [""], "at once, and once"
    assert world.server.answered
    assert world.events == []
    assert outages == []


@pytest.mark.parametrize("answered", [False, True])
def test_an_outage_is_told_once_and_its_end_too(outages, answered: bool) -> None:
    world = World()
    if answered:
        world.server.up()
        world.reports.clear()
    for _ in range(2):
        world.server.down(ERROR)
        world.now += 5
    assert world.server.down_since == 1000.0
    assert world.server.answered is answered
    assert world.reports == ["out of reach: no route"]
    assert outages == [True]
    for _ in range(2):
        world.server.up()
        assert world.reports[1:] == [""], "at once, and once"
    unreachable, reachable = world.events
    assert isinstance(unreachable, events.ClusterUnreachable)
    assert unreachable.error is ERROR
    assert isinstance(reachable, events.ClusterReachable)
    assert reachable.seconds == 10.0
    assert world.server.down_since is None
