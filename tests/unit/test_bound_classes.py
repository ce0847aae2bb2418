# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Classes that run on one driver, whatever the process runs on."""

import importlib
import threading
from types import SimpleNamespace

import pytest

from oslo_service import backend, loopingcall, threadgroup
from oslo_service.testing.waiting import LIMIT, run_script

BOUND = ("threading", "eventlet")


@pytest.fixture(params=BOUND)
def bound(request):
    """The driver that the classes are bound to."""
    return request.param


def module(bound, name):
    return importlib.import_module(f"oslo_service.backend._{bound}.{name}")


def runs_on(bound: str) -> bool:
    """Whether the caller is a task of that driver, and no other thread."""
    native = threading.current_thread() is not threading.main_thread()
    return native == (bound == "threading")


@pytest.mark.usefixtures("driver")
class TestBoundClasses:
    def test_a_loop_runs_on_its_own_driver(self, driver, bound):
        def tick():
            raise loopingcall.LoopingCallDone(runs_on(bound))

        loop = module(bound, "loopingcall").FixedIntervalLoopingCall(tick)
        assert loop.start(0.001).wait(LIMIT) is True
        assert backend.get_backend() is driver

    def test_a_loop_is_stopped_while_it_pauses(self, bound):
        called = backend.driver_called(bound).event()
        loop = module(bound, "loopingcall").FixedIntervalLoopingCall(called.set)
        task = loop.start(3600)
        assert called.wait(LIMIT)
        loop.stop()
        assert task.wait(LIMIT) is True

    def test_a_loop_cannot_wait_for_itself(self, bound):
        loop = module(bound, "loopingcall").DynamicLoopingCall(lambda: loop.wait())
        task = loop.start()
        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            task.wait(LIMIT)

    def test_a_retry_pauses_on_its_own_driver(self, bound, monkeypatch):
        pauses = []
        kind = type(backend.driver_called(bound))
        event = SimpleNamespace(wait=pauses.append)
        monkeypatch.setattr(kind, "event", lambda _: event)
        answers = iter((None, 1))

        @module(bound, "loopingcall").RetryDecorator(1, 5, exceptions=TypeError)
        def call() -> int:
            return next(answers) + 1

        assert call() == 2
        assert pauses == [5]

    def test_threads_and_timers_of_a_group_run_on_its_driver(self, bound):
        group = module(bound, "threadgroup").ThreadGroup()
        seen = []
        ticked = backend.driver_called(bound).event()

        def tick():
            seen.append(runs_on(bound))
            ticked.set()

        group.add_timer(3600, tick)
        thread = group.add_thread(runs_on, bound)
        assert ticked.wait(LIMIT)
        assert thread.wait() is True
        group.stop(graceful=True)
        assert seen == [True]
        assert not group.timers

    def test_what_runs_in_a_group_learns_that_it_shall_stop(self, bound):
        group = module(bound, "threadgroup").ThreadGroup()
        told = []
        began = backend.driver_called(bound).event()

        def body():
            began.set()
            told.append(threadgroup.stop_requested().wait(LIMIT))

        thread = group.add_thread(body)
        assert began.wait(LIMIT)
        thread._stopping.set()
        thread.wait()
        assert told == [True]

    def test_they_are_kinds_of_the_facade_s(self, bound):
        loops = module(bound, "loopingcall")
        for name in loopingcall.__all__:
            theirs, ours = getattr(loops, name), getattr(loopingcall, name)
            assert issubclass(theirs, ours)
            assert theirs.__name__ == name
        assert issubclass(
            loops.FixedIntervalWithTimeoutLoopingCall, loops.FixedIntervalLoopingCall
        )
        assert issubclass(loops.BackOffLoopingCall, loops.LoopingCallBase)
        groups = module(bound, "threadgroup")
        assert issubclass(groups.ThreadGroup, threadgroup.ThreadGroup)

    def test_they_can_be_subclassed(self, bound):
        class Own(module(bound, "loopingcall").FixedIntervalLoopingCall):
            pass

        def tick():
            raise loopingcall.LoopingCallDone(runs_on(bound))

        assert Own(tick).start(1).wait(LIMIT) is True


FORKING = """
import os, sys, threading
from oslo_config import cfg
from oslo_service import backend, loopingcall, service

selected, bound = sys.argv[1:]
if selected == "eventlet":
    import eventlet
    eventlet.monkey_patch()
backend.init_backend(selected)
loops = __import__(
    f"oslo_service.backend._{bound}.loopingcall", fromlist=["loopingcall"]
)
reader, writer = os.pipe()

def tick():
    raise loopingcall.LoopingCallDone(os.getpid())

def run_one():
    return loops.FixedIntervalLoopingCall(tick).start(1).wait()

class Worker(service.Service):
    def start(self):
        assert run_one() == os.getpid()
        os.write(writer, b"!")

# It has a hub, and a pipe in it, that must not be used in the workers.
assert run_one() == os.getpid()
launcher = service.launch(cfg.ConfigOpts(), Worker(), workers=2)
def end():
    for _ in range(2):
        os.read(reader, 1)
    launcher.stop()
backend.get_backend().spawn(end, name="end")
sys.exit(launcher.wait())
"""


@pytest.mark.parametrize("selected", BOUND)
def test_their_driver_is_made_sane_after_a_fork(selected, bound):
    done = run_script(FORKING, selected, bound)
    assert done.returncode == 0, done.stderr
