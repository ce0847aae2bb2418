# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How what is to be said gets to systemd, or does not."""

import pytest

from oslo_service import events
from oslo_service.supervisor.snapshot import Snapshot
from oslo_service.supervisor.systemd.notifier import Notifier
from oslo_service.testing.service_manager import ServiceManager

CHANGE = events.WorkerStarted(service="s", worker=0, pid=1, generation=0)


class Services:
    """Stand for what is supervised: how they fare is set by hand."""

    def __init__(self):
        self.slots = 1
        self.silent = ()
        self.asked = 0
        self.published = []

    def snapshot(self):
        return Snapshot(workers=1, slots=self.slots, silent=self.silent)

    def ask(self):
        self.asked += 1


@pytest.fixture
def receiver(monkeypatch):
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    with ServiceManager() as receiver:
        for name, value in receiver.environment.items():
            monkeypatch.setenv(name, value)
        yield receiver


@pytest.fixture
def services():
    return Services()


def make(services, announce=lambda *_: False):
    return Notifier(
        services.snapshot, announce, services.ask, services.published.append
    )


@pytest.fixture
def notifier(receiver, services):
    notifier = make(services)
    notifier.hear(events.Ready())
    return notifier


def test_the_first_time_it_is_said_by_who_announces(receiver, services):
    said = []
    notifier = make(services, lambda *further: said.append(further))
    notifier.hear(events.Ready())
    assert [line.partition("=")[0] for line in said[0]] == ["MAINPID", "STATUS"]
    assert receiver.rest() == []
    notifier.hear(events.ReloadFinished())
    assert [lines[0] for lines in receiver.rest()] == ["READY=1"]
    assert len(said) == 1


def test_each_event_has_its_message(notifier, receiver, services):
    receiver.rest()
    notifier.hear(events.ReloadStarted())
    notifier.hear(events.ReloadFinished())
    services.slots = 2
    notifier.hear(CHANGE)
    notifier.hear(CHANGE)
    notifier.hear(events.Draining())
    assert [lines[0] for lines in receiver.rest()] == [
        "RELOADING=1",
        "READY=1",
        "STATUS=1 of 2 workers, 0 restarts",
        "STOPPING=1",
    ]


def test_what_cannot_be_said_now_is_said_later_in_order(notifier, receiver, services):
    while notifier.deadline is None:
        services.slots += 1
        notifier.hear(CHANGE)
    notifier.hear(events.ReloadStarted())
    notifier.hear(events.ReloadFinished())
    received = receiver.rest()
    assert "STATUS=1 of 2 workers, 0 restarts" in received[1]
    notifier.advance(notifier.deadline)
    assert [lines[0] for lines in receiver.rest()] == [
        f"STATUS=1 of {services.slots} workers, 0 restarts",
        "RELOADING=1",
        "READY=1",
    ]
    assert notifier.deadline is None


def test_that_nobody_listens_is_logged_once(notifier, receiver, services, caplog):
    caplog.clear()
    receiver.close()
    for _ in range(3):
        services.slots += 1
        notifier.hear(CHANGE)
    assert len(caplog.records) == 1
    assert "NOTIFY_SOCKET" in caplog.text
    assert notifier.deadline is None


def test_who_keeps_the_watchdog_hungry_is_named_once(receiver, services, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    notifier = make(services)
    notifier.hear(events.Ready())
    services.silent = ("worker 1 of s (pid 7)",)
    due = notifier.deadline
    notifier.advance(due)
    notifier.advance(due + 0.1)
    services.silent = ()
    notifier.advance(due + 0.2)
    withheld, resumed = services.published
    assert withheld.silent == "worker 1 of s (pid 7)"
    assert isinstance(resumed, events.WatchdogResumed)
    assert ["WATCHDOG=1"] in receiver.rest()
