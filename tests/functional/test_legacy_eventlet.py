# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program written for Eventlet, years ago, runs as it did: nothing is set."""

import pytest

from oslo_service.testing.live import Live
from oslo_service.testing.waiting import run_script

PROGRAM = """
import eventlet
eventlet.monkey_patch()

import json
import os
import queue
import sys
import threading
import time

from eventlet import event, greenpool, semaphore
from eventlet.queue import LightQueue
from oslo_config import cfg

from oslo_service import loopingcall, service, threadgroup


def say(what, **details):
    line = json.dumps({"event": what, "pid": os.getpid(), **details})
    sys.stdout.write(line + "\\n")  # in one piece
    sys.stdout.flush()


class Legacy(service.Service):
    def __init__(self):
        super().__init__(threads=100)
        self.lock = threading.Lock()          # made before any fork
        self.jobs = LightQueue()
        self.plain_jobs = queue.Queue()
        self.pool = greenpool.GreenPool(5)
        self.limit = semaphore.Semaphore(2)
        self.done = event.Event()
        self.results = []

    def start(self):
        super().start()
        self.tg.add_timer(0.01, self.produce)
        self.tg.add_thread(self.consume)
        self.tg.add_thread(self.collect)
        heartbeat = loopingcall.FixedIntervalLoopingCall(self.beat)
        heartbeat.start(interval=0.01)
        self.greenlet = eventlet.spawn(self.forever)
        results = list(self.pool.imap(lambda number: number * 2, range(10)))
        say("started", results=results, driver=type(heartbeat).__module__)

    def produce(self):
        with self.limit:
            self.jobs.put(1)

    def consume(self):
        while True:
            number = self.jobs.get()
            with self.lock:
                time.sleep(0)
                self.plain_jobs.put(number)

    def collect(self):
        while True:
            self.results.append(self.plain_jobs.get())
            if len(self.results) == 20 and not self.done.ready():
                self.done.send("twenty")

    def beat(self):
        if self.done.ready():
            say("beat", value=self.done.wait(), alone=threading.active_count())
            raise loopingcall.LoopingCallDone(self.done.wait())

    def forever(self):
        while True:
            eventlet.sleep(600)

    def stop(self, graceful=False):
        self.greenlet.kill()
        super().stop(graceful)
        say("stop", threads=len(self.tg.threads), timers=len(self.tg.timers))


if __name__ == "__main__":
    cfg.CONF([], project="legacy")
    launcher = service.launch(cfg.CONF, Legacy(), workers=int(sys.argv[1]))
    say("waiting")
    launcher.wait()
    from oslo_service import backend

    say("last", driver=backend.get_backend_type().value)
"""


@pytest.fixture(autouse=True)
def resolver(monkeypatch):
    """Have Eventlet look names up itself, as it does unless told otherwise."""
    monkeypatch.delenv("EVENTLET_NO_GREENDNS")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_program_full_of_eventlet_runs_on_it(tmp_path, workers: int) -> None:
    path = tmp_path / "legacy.py"
    path.write_text(PROGRAM, encoding="ascii")
    program = Live([str(path), str(workers)], {})
    try:
        program.expect("started", workers, results=list(range(0, 20, 2)))
        program.expect("beat", workers, value="twenty")
        program.expect("waiting")
        assert program.end() == 0, program.transcript
        assert len(program.stopped(workers, threads=0, timers=0)) == workers
        assert program.expect("last", driver="eventlet")
        assert "monkey-patched" not in program.transcript
    finally:
        program.clean_up()


IN_THE_POOL = """
import eventlet

eventlet.monkey_patch()
from eventlet import tpool

from oslo_service import backend, loopingcall

backend.init_backend("eventlet")
ticks = []


def begin(what):
    loopingcall.FixedIntervalLoopingCall(ticks.append, what).start(0.01)


tpool.execute(begin, "pool")
begin("main")
with eventlet.Timeout(10):
    while {"pool", "main"} != set(ticks):
        eventlet.sleep(0.01)
print("both tick")
"""


def test_a_first_loop_in_a_thread_of_the_pool_ties_nothing_to_it() -> None:
    assert "both tick" in run_script(IN_THE_POOL).stdout
