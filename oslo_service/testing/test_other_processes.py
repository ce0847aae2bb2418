# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: processes that others fork are not ours, nor is what they do."""

import functools
import signal
from pathlib import Path

import pytest

from oslo_service.testing.live import DAEMON, is_alive, live
from oslo_service.testing.service_manager import ServiceManager
from oslo_service.testing.waiting import run_script

pytestmark = pytest.mark.starts_processes

SIGKILL, SIGTERM = signal.SIGKILL, signal.SIGTERM
neighbours = functools.partial(live, program=DAEMON.with_name("neighbours.py"))


class TestForeignChildren:
    """What a service forks."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    def test_sigterm_does_to_them_what_it_did_before_the_launcher(
        self, driver_name: str
    ) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["terminated child"]
        ) as program:
            program.expect("terminated", self.workers)
            ended = program.events("child")
            # Its status may be somebody else's.
            assert not any(is_alive(event["child"]) for event in ended)
            program.expect("started", self.workers)
            assert program.end() == 0

    def test_one_ends_with_what_it_was_forked_in(self, driver_name: str) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["ending children"]
        ) as program:
            wanted = {"start": 3, "thread": 4, "timer": 5, "raises": 1}
            wanted |= {"returns": 0, "timer returns": 0}
            for where, status in wanted.items():
                program.expect("child ended", self.workers, where=where, status=status)
            program.expect_text("RuntimeError: in the child", self.workers)
            assert program.end() == 0

    def test_one_that_goes_on_takes_nothing_of_its_parents(
        self, driver_name: str
    ) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["asked child"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            for _ in range(3):
                program.kill(signal.SIGHUP)
            program.kill(SIGTERM)
            assert program.wait() == 0
            assert not program.events("a child acts as the service")


class TestForeignReapers:
    """The status of a worker goes to somebody else."""

    scenarios = [
        (trait, {"trait": trait}) for trait in ("SIGCHLD ignored", "reaps strangers")
    ]

    def test_an_orderly_end_is_one(self, driver_name: str) -> None:
        with neighbours(driver_name, workers=2, traits=[self.trait]) as program:
            program.expect("started", 2)
            program.expect("waiting")
            assert program.end() == 0
            assert program.expect("last", status=0)
            assert "WARNING" not in program.transcript

    def test_a_worker_that_fails_is_told_from_one_that_does_not(
        self, driver_name: str
    ) -> None:
        with neighbours(
            driver_name, workers=2, traits=[self.trait, "failing stop"]
        ) as program:
            program.expect("started", 2)
            program.expect("waiting")
            assert program.end() == 1
            assert program.expect("last", status=1)


class TestDaemons:
    """A program makes its launcher, and becomes another process."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    def test_the_process_that_launches_is_the_one_that_serves(
        self, driver_name: str
    ) -> None:
        with (
            ServiceManager() as receiver,
            neighbours(
                driver_name,
                workers=self.workers,
                traits=["daemonizes"],
                environment=receiver.environment,
            ) as program,
        ):
            program.expect("started", self.workers)
            pid = program.pids("daemon")[0]
            program.expect("waiting", pid=pid)
            assert f"MAINPID={pid}" in receiver.until("READY=1")
            program.kill(SIGTERM, pid)
            program.expect("last", pid=pid, status=0, default=True)
            program.until(lambda: not is_alive(pid), "it ends")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_launched_in_a_child_of_a_launchers_process_ends_on_sigterm(
    driver_name: str, workers: int
) -> None:
    with neighbours(
        driver_name, workers=workers, traits=["forks when launched"]
    ) as program:
        child = program.expect("forked")[0]["child"]
        program.expect("refused", pid=child)
        program.expect("waiting", pid=child)
        program.expect("started", workers + 1)
        program.kill(SIGTERM, child)
        program.expect("child ended", status=0)
        assert program.wait() == 0


def test_a_worker_that_becomes_another_program_gets_a_sigterm(driver_name) -> None:
    with neighbours(driver_name, workers=2, traits=["another program"]) as program:
        program.expect("becomes another program", 2)
        program.expect("waiting")
        pids = program.pids("becomes another program")
        for pid in pids:
            program.until(functools.partial(runs_sleep, pid), f"{pid} is sleep(1)")
            # Only then execve(2) is over, and what is closed there has been.
            program.until_asleep(pid)
        program.kill(SIGTERM)
        assert program.wait() == 0
        program.expect_text("was killed by SIGTERM", 2)


def runs_sleep(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text(encoding="ascii") == "sleep\n"


def test_a_worker_in_a_namespace_of_its_own_does_not_miss_its_parent(
    driver_name: str,
) -> None:
    # The parent's id means nothing to it.
    with neighbours(driver_name, workers=1, traits=["other namespace"]) as program:
        program.expect("waiting")
        if program.events("refused"):
            pytest.skip("this takes privileges")
        program.expect("started")
        program.kill(SIGTERM)
        assert program.wait() == 0
        assert "is gone" not in program.transcript


def test_a_parent_whose_sigpipe_is_at_its_default_outlives_its_workers(
    driver_name: str,
) -> None:
    with neighbours(
        driver_name, workers=2, traits=["SIGPIPE at its default"]
    ) as program:
        program.expect("started", 2)
        program.expect("waiting")
        program.kill_group(SIGTERM)
        assert program.wait() == 0


FORK_WHILE_IT_STOPS = """
import os, pathlib, signal, sys, tempfile

from oslo_config import cfg

from oslo_service import backend, wsgi

backend.bootstrap(argv=[])
driver = backend.get_backend()
parent = os.getpid()
begun, gate = driver.event(), driver.event()
unlink = pathlib.Path.unlink

def slowly(path, **options):
    if os.getpid() == parent:  # the file system does not answer
        begun.set()
        gate.wait(60)
    unlink(path, **options)

pathlib.Path.unlink = slowly
conf = cfg.ConfigOpts()
conf([])
with tempfile.TemporaryDirectory() as folder:
    server = wsgi.Server(
        conf, "web", lambda *_: [], socket_family=1, socket_file=f"{folder}/socket"
    )
    stopping = driver.spawn(server.stop, name="stop")
    assert begun.wait(30)
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        status = 1
        try:
            server.start()
            server.stop()
            server.wait()
            status = 0
        finally:
            os._exit(status)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        driver.sleep(0.005)
    gate.set()
    stopping.wait(30)
    assert status == 0, status
print("as it should be")
"""


# A loop runs, and the program forks, before there is any launcher.
LOOP_AND_FORK = """
import multiprocessing, os, signal, sys, time
from oslo_config import cfg
from oslo_service import backend, loopingcall, service

backend.bootstrap(argv=[])
parent, calls = os.getpid(), []
loop = loopingcall.FixedIntervalLoopingCall(lambda: calls.append(os.getpid()))
loop.start(0.01)
while not calls:
    time.sleep(0.01)

class Stops(service.Service):
    def start(self):
        os.kill(os.getpid(), signal.SIGTERM)

def child():
    signal.alarm(30)
    time.sleep(0.1)
    if "launches" in sys.argv:
        cfg.CONF([])
        assert service.launch(cfg.CONF, Stops()).wait() == 0
    os._exit(7 if {*calls} == {parent} else 1)

if "multiprocessing" in sys.argv:
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    print(process.exitcode)
else:
    pid = os.fork()
    if not pid:
        child()
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
before = len(calls)
while len(calls) == before:
    time.sleep(0.01)
"""


class TestForksBesideALoop:
    """The child goes on, and the loop does not."""

    @pytest.mark.parametrize("how", ["fork", "multiprocessing", "launches"])
    def test_a_program_goes_on_in_the_child(self, driver_name: str, how: str) -> None:
        result = run_script(
            LOOP_AND_FORK, how, env={"OS_OSLO_SERVICE__BACKEND": driver_name}
        )

        assert result.stdout == "7\n", result.stderr
        assert result.returncode == 0, result.stderr


# What the library calls forks; each child returns, or exits, and so ends.
FORK_IN_A_CALL = """
import os, signal, sys, threading, time
from oslo_config import cfg
from oslo_service import backend, events, periodic_task, service

backend.bootstrap(argv=[])
kind, status = sys.argv[1], int(sys.argv[2])
parent, begun, pids, done = os.getpid(), backend.get_backend().event(), [], []

def fork(*_):
    if pids or not isinstance(launcher, service.ServiceLauncher):
        return
    pids.append(os.fork())
    if not pids[0] and status:
        sys.exit(status)

class Tasks(periodic_task.PeriodicTasks):
    @periodic_task.periodic_task(spacing=100, run_immediately=True)
    def first(self, context):
        fork()

    @periodic_task.periodic_task(spacing=100, run_immediately=True)
    def second(self, context):
        done.append(os.getpid())
        if {*done} != {parent}:
            os._exit(99)

class Forks(service.Service):
    def start(self):
        if kind == "link":
            self.tg.add_thread(int).link(fork)
        elif kind == "executor":
            self.executor = backend.get_backend().executor(1)
            self.executor.submit(fork)
        elif kind == "signal":
            os.kill(parent, signal.SIGUSR1)
        elif kind == "in order":
            self.tg.add_thread(lambda: Tasks(cfg.CONF).run_periodic_tasks(None))
        elif kind == "in parallel":
            self.tg.add_thread(
                lambda: Tasks(cfg.CONF).run_periodic_tasks_in_parallel(None)
            )
        self.tg.add_thread(self.see)

    def see(self):
        for _ in range(1000):
            if pids and (ended := os.waitpid(pids[0], os.WNOHANG))[0]:
                print(os.waitstatus_to_exitcode(ended[1]), flush=True)
                break
            time.sleep(0.02)
        else:
            print("it stays", flush=True)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        launcher.stop()

launcher = None
cfg.CONF([])
if kind == "event":
    events.subscribe(fork)
if kind == "signal":
    service.SignalHandler().add_handler("SIGUSR1", fork)
launcher = service.ServiceLauncher(cfg.CONF)
launcher.launch_service(Forks())
launcher.wait()
if os.getpid() != parent:
    print("a child has gone on", flush=True)
"""


class TestForksInACall:
    """A child ends with what has been called, as a program does."""

    @pytest.mark.parametrize("status", [0, 7])
    @pytest.mark.parametrize(
        "kind", ["link", "executor", "signal", "event", "in order", "in parallel"]
    )
    def test_a_child_of_what_is_called_ends_with_it(
        self, driver_name: str, kind: str, status: int
    ) -> None:
        result = run_script(
            *(FORK_IN_A_CALL, kind, str(status)),
            env={"OS_OSLO_SERVICE__BACKEND": driver_name},
        )

        assert result.stdout == f"{status}\n", result.stderr
        assert result.returncode == 0, result.stderr


# An application forks, before its answer or in it; the child is no server.
FORK_IN_AN_APPLICATION = """
import os, signal, socket, sys, threading
from oslo_config import cfg
from oslo_service import backend, service, wsgi

backend.bootstrap(argv=[])
driver = backend.get_backend()
how, parent, pids = sys.argv[1], os.getpid(), []

def fork():
    pids.append(os.fork())
    if not pids[0] and how == "exits":
        sys.exit(7)
    if not pids[0] and how == "raises":
        raise RuntimeError("in the child")

def parts():
    yield b"in "
    fork()
    yield b"parts"

def application(environ, start_response):
    if how != "in parts":
        fork()
    start_response("200 OK", [("Connection", "close")])
    return parts() if how == "in parts" else [b"whole"]

cfg.CONF([])
server = wsgi.Server(cfg.CONF, "web", application, host="127.0.0.1", port=0)
launcher = service.ServiceLauncher(cfg.CONF)

class Asks(service.Service):
    def start(self):
        self.tg.add_thread(self.ask)

    def ask(self):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.settimeout(30)
            client.sendall(b"GET / HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
            answer = b""
            while data := client.recv(4096):
                answer += data
        while not (ended := os.waitpid(pids[0], os.WNOHANG))[0]:
            driver.sleep(0.01)
        print(os.waitstatus_to_exitcode(ended[1]), answer.count(b"HTTP/1.1"))
        print(answer.count(b"parts"), answer.count(b"whole"), flush=True)
        launcher.stop()

launcher.launch_service(server)
launcher.launch_service(Asks())
launcher.wait()
"""


class TestForksInAnApplication:
    """A child answers nobody."""

    @pytest.mark.parametrize(
        ("how", "says"),
        [
            ("returns", "0 1\n0 1\n"),
            ("exits", "7 1\n0 1\n"),
            ("raises", "1 1\n0 1\n"),
            ("in parts", "0 1\n1 0\n"),
        ],
    )
    def test_a_child_of_an_application_ends_and_answers_nobody(
        self, driver_name: str, how: str, says: str
    ) -> None:
        result = run_script(
            FORK_IN_AN_APPLICATION, how, env={"OS_OSLO_SERVICE__BACKEND": driver_name}
        )

        assert result.stdout == says, result.stderr
        assert result.returncode == 0, result.stderr


class TestForksBesideAnotherTask:
    """What a task holds while another one forks."""

    def test_a_server_that_is_being_stopped_can_be_used_in_the_child(
        self, driver_name: str
    ) -> None:
        result = run_script(
            FORK_WHILE_IT_STOPS, env={"OS_OSLO_SERVICE__BACKEND": driver_name}
        )

        assert result.stdout == "as it should be\n", result.stderr
        assert result.returncode == 0, result.stderr
