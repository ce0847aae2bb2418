# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service ctl``, against real services."""

import contextlib
import errno
import functools
import json
import os
import pty
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oslo_service.commands import main
from oslo_service.testing.live import die_with_the_tests
from oslo_service.testing.test_admin import Site, site

#: What a probe may cost, in times of what an interpreter costs that does nothing: the
#: target is 0.1 s in all, where that takes 20 ms.
CHEAP = 5

CTL = [sys.executable, "-m", "oslo_service", "ctl"]


def ctl(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return subprocess.run(
        [*CTL, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def running_sites(tmp_path_factory) -> Iterator[Callable[[str], Site]]:
    """Return what runs a service on a driver, once for each."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def run(driver: str) -> Site:
            place = tmp_path_factory.mktemp("ctl")
            found = running.enter_context(site(driver, place, workers=2))
            found.until_workers(2)
            return found

        yield run


@pytest.fixture
def there(running_sites, driver_name) -> Site:
    """A service with two workers, which no test changes."""
    return running_sites(driver_name)


class TestLooking:
    def test_the_status_is_a_table(self, there) -> None:
        done = ctl("--socket", there.path, "status")
        assert (done.returncode, done.stderr) == (0, "")
        first, _, head, *rows = done.stdout.splitlines()
        assert first.startswith("daemon.py: ready; pid ")
        assert head.split()[:5] == ["SERVICE", "SLOT", "PID", "STATE", "AGE"]
        pids = [str(one["pid"]) for one in there.workers()]
        assert [row.split()[2] for row in rows] == pids
        assert [row.split()[3] for row in rows] == ["ready", "ready"]
        assert "\x1b" not in done.stdout

    def test_programs_have_json(self, there) -> None:
        done = ctl("status", "--json", "--socket", there.path)
        assert json.loads(done.stdout)["process"]["pid"] == there.program.pid
        done = ctl("--json", "ready", "--socket", there.path)
        assert json.loads(done.stdout) == {"status": "pass"}

    @pytest.mark.parametrize("what", ["work", "loops", "stacks", "events", "health"])
    def test_everything_can_be_shown(self, there, what) -> None:
        for arguments in ((what,), (what, "--json")):
            done = ctl("--socket", there.path, *arguments)
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
            assert done.stdout
        json.loads(done.stdout)

    def test_stacks_are_those_of_every_process(self, there) -> None:
        pids = [there.program.pid, *(one["pid"] for one in there.workers())]

        def there_are() -> bool:
            shown = ctl("--socket", there.path, "stacks").stdout
            assert all(f"pid {pid}" in shown for pid in pids)
            return shown.count("_await_end(") >= len(pids)

        there.program.until(there_are, "each has answered in time")

    @pytest.mark.parametrize("what", ["live", "ready"])
    def test_a_probe_says_it_with_its_status(self, there, what) -> None:
        done = ctl("--socket", there.path, what)
        assert (done.returncode, done.stdout) == (0, f"{what}\n")

    @pytest.mark.parametrize("what", ["status", "ready", "events --json"])
    def test_who_has_no_streams_has_the_status(self, there, what) -> None:
        command = f"{shlex.join(CTL)} --socket {there.path} {what} >&- 2>&-"
        assert (
            subprocess.run(["sh", "-c", command], timeout=60, check=False).returncode
            == 0
        )

    def test_a_terminal_has_colours(self, there) -> None:
        shown = in_terminal(there, "status")
        assert "\x1b[32mready" in shown
        assert "\x1b" not in in_terminal(there, "status", NO_COLOR="1")

    def test_watching_shows_it_again_and_again(self, there) -> None:
        command = [*CTL, "--socket", there.path, "status", "--watch", "--interval=0.1"]
        with running(command) as process:
            heads = 0
            for line in process.stdout:
                heads += line.startswith("SERVICE")
                if heads == 3:
                    break
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0

    def test_events_are_followed(self, there) -> None:
        command = [*CTL, "--socket", there.path, "events", "--watch", "--json"]
        with running(command) as process:
            names = [json.loads(next(process.stdout))["event"] for _ in range(5)]
            assert names[:2] == ["WorkerStarted", "WorkerStarted"]
            assert "Ready" in names
            there.post("/workers", workers=3)
            event = {}
            while event.get("event") != "Resized":
                event = json.loads(next(process.stdout))
            assert (event["workers"], event["before"]) == (3, 2)
        there.post("/workers", workers=2)
        there.until_workers(2)


@contextlib.contextmanager
def running(command: list[object]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*map(str, command)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_the_tests,  # noqa: PLW1509 - it takes no lock
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def in_terminal(there: Site, *arguments: str, **environment: str) -> str:
    """Return what the command shows on a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [*CTL, "--socket", str(there.path), *arguments],
        stdout=theirs,
        timeout=60,
        check=True,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal has been closed
        while data := os.read(ours, 65536):
            shown += data
    os.close(ours)
    return shown.decode()


class TestFinding:
    def test_the_configuration_says_where_the_socket_is(self, there, tmp_path) -> None:
        for arguments in (
            ("--config-file", there.config),
            (f"--config-file={there.config}",),
            ("--config-dir", there.config.parent),
        ):
            assert ctl("ready", *arguments).stdout == "ready\n"
            assert ctl(*arguments, "ready").stdout == "ready\n"
        variable = {"OS_OSLO_SERVICE__ADMIN_SOCKET": str(there.path)}
        assert ctl("ready", **variable).stdout == "ready\n"
        conf = tmp_path / "a.conf"
        conf.write_text(
            f"[DEFAULT]\nplace = {there.path.parent}\n"
            f"[oslo_service]\nadmin_socket = '{there.path}'\n"
        )
        last = tmp_path / "b.conf"
        last.write_text("[oslo_service]\nadmin-socket: /nowhere\n")
        done = ctl("ready", "--config-file", last, "--config-file", conf)
        assert done.stdout == "ready\n", done.stderr

    def test_where_it_does_not_the_error_says_what_to_do(self, tmp_path) -> None:
        conf = tmp_path / "none.conf"
        conf.write_text("[DEFAULT]\n")
        done = ctl("ready", "--config-file", conf)
        assert done.returncode == 2
        assert (
            f"admin_socket is not set in OS_OSLO_SERVICE__ADMIN_SOCKET, nor in {conf}"
            in (done.stderr)
        )
        assert "Traceback" not in done.stderr
        done = ctl("ready")
        assert done.returncode == 2
        assert "ADMIN_SOCKET: name the service's own files" in done.stderr
        done = ctl("ready", "--config-file", tmp_path / "missing.conf")
        assert done.returncode == 2
        assert "missing.conf" in done.stderr
        conf.write_text("[broken\n")
        done = ctl("ready", "--config-file", conf)
        assert done.returncode == 2
        assert "none.conf" in done.stderr

    def test_nobody_there_is_another_status(self, tmp_path) -> None:
        done = ctl("--socket", tmp_path / "nobody", "ready")
        assert done.returncode == 3
        assert "there is no" in done.stderr
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(tmp_path / "left"))
        done = ctl("--socket", tmp_path / "left", "status")
        assert done.returncode == 3
        assert "nobody listens" in done.stderr
        (tmp_path / "file").touch()
        for path in (tmp_path, tmp_path / "file"):
            done = ctl("--socket", path, "status")
            assert done.returncode == 3
            assert f"{path} is no socket: name that of" in done.stderr

    def test_who_may_not_ask_is_told_who_may(self, capsys, monkeypatch, there) -> None:
        def refuse(_self: socket.socket, _address: str) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        assert main(["ctl", "--socket", str(there.path), "status"]) == 3
        owner = f"for its owner (user id {os.getuid()}) alone"
        assert owner in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["nothing"], "invalid choice: 'nothing'"),
            (["resize", "many"], "'many' is no number of workers: a whole number, 1"),
            (["resize", "0"], "'0' is no number of workers"),
            (["status", "--watch", "--interval", "-1"], "'-1' is no number of seconds"),
            (["status", "--interval", "nan"], "'nan' is no number of seconds"),
            (["stop", "--watch"], "stop is done once: --watch is for status, work"),
        ],
    )
    def test_a_wrong_command_line_is_another(self, arguments, reason) -> None:
        done = ctl("--socket", "/nowhere", *arguments)
        assert done.returncode == 2
        assert reason in done.stderr
        assert ctl("--help").returncode == 0


@contextlib.contextmanager
def saying(place: Path, content: str, status: str = "200 OK") -> Iterator[Path]:
    """Have a control socket that answers everything with the same."""
    path = place / "strange.sock"
    said = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n{content}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(60)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(said.encode())

        server = threading.Thread(target=serve)
        server.start()
        yield path
        server.join()


class TestStrangeAnswers:
    """What is not what it expects is an error in words."""

    @pytest.mark.parametrize("what", ["live", "ready", "health", "status", "reload"])
    def test_a_failure_is_said(self, capsys, tmp_path, what) -> None:
        error = json.dumps({"error": "this has failed"})
        with saying(tmp_path, error, "500 Internal Server Error") as path:
            assert main(["ctl", "--socket", str(path), what]) == 1
        assert capsys.readouterr() == ("", "ctl: this has failed\n")

    @pytest.mark.parametrize("content", ["no JSON", "[1]", "7", '{"other": 1}'])
    @pytest.mark.parametrize("what", ["ready", "status", "work", "events"])
    def test_what_is_no_service_is_told(self, capsys, tmp_path, what, content) -> None:
        with saying(tmp_path, content) as path:
            assert main(["ctl", "--socket", str(path), what]) == 3
        error = capsys.readouterr().err
        assert "what answers there is no service" in error
        assert content in error


class TestActing:
    def test_orders_are_carried_out(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            where = ("--socket", there.path)
            done = ctl(*where, "resize", 3)
            assert (done.returncode, done.stderr) == (0, "")
            assert "is to have 3 workers" in done.stdout
            there.until_workers(3)
            done = ctl(*where, "recycle", "--worker", 2)
            assert done.stdout == "1 worker is to be replaced\n"
            counted = [{}, {}, {"recycled": 1}]
            there.program.until(
                lambda: [one["restarts"] for one in there.workers()] == counted,
                "the third one is replaced",
            )
            assert ctl(*where, "recycle", "--worker", 7).returncode == 1
            assert ctl(*where, "resize", 2, "--service", "x").returncode == 1
            assert ctl(*where, "reload").returncode == 0
            good = there.config.read_text()
            there.config.write_text("[broken")
            done = ctl(*where, "reload")
            assert done.returncode == 1
            assert "the reload failed" in done.stderr
            assert f"{there.config}:1" in done.stderr
            there.config.write_text(good)
            assert ctl(*where, "reload", "--no-wait").stdout == "ordered\n"
            assert ctl(*where, "log-level", "debug").returncode == 0
            assert ctl(*where, "log-level", "loud").returncode == 1
            done = ctl(*where, "log-level", "debug", "--logger", "")
            assert done.returncode == 1
            assert "'logger' cannot be ''" in done.stderr
            done = ctl(*where, "stop", "--json")
            assert json.loads(done.stdout) == {"said": "stopping"}
            assert there.program.wait() == 0

    def test_a_service_that_is_not_ready_is_told_by_the_status(
        self, driver_name, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with site(
            driver_name, tmp_path, traits=["slow start"], gate=str(gate)
        ) as there:
            there.program.expect("start")
            done = ctl("--socket", there.path, "ready")
            assert done.returncode == 1
            assert done.stdout == "not ready: it has not been ready yet\n"
            gate.touch()
            there.until_status(200)
            assert there.program.end() == 0


@pytest.mark.parametrize("how", ["--socket", "--config-file"])
def test_a_probe_is_cheap(there, how) -> None:
    where = there.path if how == "--socket" else there.config
    nothing = [sys.executable, "-c", ""]
    probe = [*CTL, "ready", how, str(where)]
    # Side by side: how busy the machine is changes all the time.
    pairs = [(seconds(probe), seconds(nothing)) for _ in range(5)]
    ours, bare = map(min, zip(*pairs, strict=True))
    assert ours < CHEAP * bare


def seconds(command: list[str]) -> float:
    """Return how much processor time a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_curl_will_do(there) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    command = [curl, "-s", "--unix-socket", str(there.path)]
    shown = subprocess.check_output([*command, "http://localhost/ready"], text=True)
    assert json.loads(shown)["status"] == "pass"
    body = json.dumps({"level": "INFO"})
    shown = subprocess.check_output(
        [*command, "-d", body, "http://localhost/log-level"], text=True
    )
    assert json.loads(shown)["failed"] == []


def test_little_is_imported() -> None:
    script = (
        "import sys\n"
        "from oslo_service.commands import main\n"
        "try:\n    main(['ctl', '--socket', '/nowhere', 'ready'])\n"
        "finally:\n    print(*sorted(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {
        "logging",
        "http.client",
        "email",
        "asyncio",
        "oslo_config.cfg",
        "oslo_service.backend",
        "oslo_service.supervisor",
        "prometheus_client",
    }
