# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that is forked for a test is as one that has an interpreter of its own."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oslo_service.testing import _fork_server, _fork_server_main
from oslo_service.testing.live import DAEMON, Live, is_alive, live
from oslo_service.testing.waiting import LIMIT

# Says everything about itself, and waits to be told to go on.
PROBE = """
import json, os, signal, sys
os.environ["OS_OSLO_SERVICE__BACKEND"] = json.loads(sys.argv[1])["driver"]
from oslo_service import backend
backend.bootstrap(argv=[])
import threading
from oslo_service import service

def say(event, **details):
    print(json.dumps({"event": event, "pid": os.getpid(), **details}), flush=True)

def status(name):
    with open("/proc/self/status") as file:
        return [line.split()[1:] for line in file if line.startswith(name)]

signals = {int(one): str(signal.getsignal(one)) for one in signal.valid_signals()}
say(
    "probe",
    modules=sorted(sys.modules),
    descriptors=len(os.listdir("/proc/self/fd")),
    signals=signals,
    masks=[status(one) for one in ("SigBlk", "SigIgn", "SigCgt", "Threads")],
    main=[
        sys.modules["__main__"].__dict__ is globals(),
        __name__, __file__, __spec__ is None, sys.path[0], sys.argv,
    ],
    process=[os.getcwd(), os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    flags=str(sys.flags),
    streams=[[one.encoding, one.line_buffering] for one in (sys.stdout, sys.stderr)],
    patched=os.path.basename(threading.current_thread.__code__.co_filename),
    # gevent lists the main thread twice in a forked process, on Python 3.14.
    threads=sorted({one.name for one in threading.enumerate()}),
    selected=backend.get_backend().name,
    drivers=len(backend.in_use()),
)
say("environment", found=sorted(map(list, os.environ.items())))
signal.pause()
"""


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    path = tmp_path / "probe.py"
    path.write_text(PROBE)
    return path


@contextlib.contextmanager
def watched(pid: int) -> Iterator[Callable[[], bool]]:
    """Return what waits for the end of a process, and says whether it has ended."""
    pidfd = os.pidfd_open(pid)
    try:
        yield lambda: bool(select.select([pidfd], [], [], LIMIT)[0])
    finally:
        os.close(pidfd)


def found(program: Live) -> dict[str, object]:
    (event,) = program.expect("probe")
    del event["pid"]
    return event


def test_it_is_as_one_with_an_interpreter_of_its_own(driver_name, probe):
    with live(driver_name, program=probe, fresh=True) as program:
        fresh = found(program)
    with live(driver_name, program=probe) as program:
        forked = found(program)
        assert isinstance(program.process, _fork_server.ForkedProgram)

    # An epoll, where the driver leaves one behind for its own.
    assert forked.pop("descriptors") - fresh.pop("descriptors") in (0, 1)
    # What the server itself is made of.
    added = {"_ast", "_socket", "array", "ast", "select"}
    modules = (set(one.pop("modules")) for one in (forked, fresh))
    assert {*next(modules)} - added == {*next(modules)} - added
    assert forked == fresh


def test_it_has_the_environment_and_the_folder_of_its_test(
    probe, monkeypatch, tmp_path
):
    with live("threading", program=probe) as program:
        program.expect("probe")
    monkeypatch.setenv("OF_THIS_TEST", "set")
    monkeypatch.chdir(tmp_path)

    with live("threading", program=probe, environment={"GIVEN": "too"}) as program:
        (said,) = program.expect("environment")
        assert found(program)["process"] == [str(tmp_path), True, True]

    expected = {**os.environ, "GIVEN": "too", "OS_OSLO_SERVICE__BACKEND": "threading"}
    assert dict(said["found"]) == expected


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_its_status_is_told(signum, status):
    with live("threading") as program:
        program.expect("waiting")
        assert program.process.poll() is None
        assert program.end(signum) == status
        assert program.process.poll() == status


def test_its_pid_is_its_own_until_its_status_is_asked_for():
    with live("threading") as program:
        program.expect("waiting")
        with watched(program.pid) as ends:
            program.kill(signal.SIGKILL)
            assert ends()
        program.kill(signal.SIGKILL)
        assert program.wait() == -signal.SIGKILL


def test_several_run_at_a_time(driver_name):
    with live(driver_name) as one, live(driver_name) as other:
        one.expect("waiting")
        other.expect("waiting")
        assert one.pid != other.pid
        assert one.end() == 0
        assert other.end() == 0


def test_nothing_is_left_when_who_asks_for_programs_is_gone():
    server = _fork_server.ForkServer("threading", DAEMON, dict(os.environ))
    plan = json.dumps({"driver": "threading"})
    program = server.start([plan], dict(os.environ))
    awaited = {"started", "waiting"}  # in either order; it says nothing more then
    while awaited:
        awaited.discard(json.loads(program.stdout.readline())["event"])

    with watched(program.pid) as ends:
        server.end()
        assert ends()

    assert program.stdout.read() == ""  # nobody can say anything more
    program.stdout.close()
    with pytest.raises(AssertionError, match="gone"):
        program.wait()


def test_a_driver_that_cannot_be_used_forks_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="no driver is called 'none'"):
        _fork_server.ForkServer("none", DAEMON, dict(os.environ))


def test_a_process_with_several_threads_is_not_forked(tmp_path):
    program = tmp_path / "threaded.py"
    (tmp_path / "idle.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    program.write_text("import idle\nprint('started', flush=True)\n")

    assert _fork_server.server_for("threading", program, dict(os.environ)) is None
    with live("threading", program=program) as process:
        process.expect_text("started")
        assert isinstance(process.process, subprocess.Popen)


def test_what_the_interpreter_reads_itself_is_that_of_the_test(monkeypatch):
    before = _fork_server.server_for("threading", DAEMON, dict(os.environ))
    changed = {**os.environ, "PYTHONHASHSEED": "1"}

    assert _fork_server.server_for("threading", DAEMON, changed) is not before
    assert _fork_server.server_for("threading", DAEMON, dict(os.environ)) is before


def test_one_that_is_killed_is_followed_by_another(tmp_path):
    program = tmp_path / "own.py"
    program.write_text(DAEMON.read_text())
    # Nobody is left to tell how it ends; but it does.
    with (
        pytest.raises(AssertionError, match="that has forked it is gone"),
        live("threading", program=program) as process,
    ):
        process.expect("waiting")
        server = _fork_server.server_for("threading", program, dict(os.environ))
        server._process.kill()
        server._process.wait()
        with live("threading", program=program) as another:
            another.expect("waiting")
            assert another.end() == 0
    assert not is_alive(process.pid)


def test_there_are_never_many(tmp_path, monkeypatch):
    monkeypatch.setattr(_fork_server, "_servers", type(_fork_server._servers)())
    ended = []
    monkeypatch.setattr(_fork_server, "_start", lambda *_: Idle(ended))
    for number in range(10):
        _fork_server.server_for("threading", Path(str(number)), {})

    assert len(_fork_server._servers) == _fork_server._MOST
    assert len(ended) == 10 - _fork_server._MOST


class Idle:
    is_alive = is_idle = True

    def __init__(self, ended):
        self.ended = ended

    def end(self):
        self.ended.append(self)


def test_imports_are_those_of_the_program_in_their_order(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        '"""Text."""\nimport b\nfrom oslo_service.testing.programs import daemon\n'
        "if b:\n    import not_at_the_top\nfrom a import c\n"
    )

    names = [
        getattr(one, "module", None) or one.names[0].name
        for one in _fork_server_main.imports_of(path)
    ]

    assert names[0] == "b"
    assert names[-1] == "a"
    assert {"logging", "oslo_config", "oslo_service"} <= {*names}
    assert "not_at_the_top" not in names


def test_a_request_is_not_cut():
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with ours, theirs:
        data = b"x" * 100_000
        assert ours.send(data) == len(data)
        assert theirs.recv(_fork_server_main.SIZE) == data
