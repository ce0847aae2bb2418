# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: where the back door listens, and for how long."""

import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.console_client import (
    ConsoleClient,
    refused,
    with_back_door,
)
from oslo_service.testing.live import Idle, Live, live

pytestmark = pytest.mark.starts_processes

OFF = "has no back door"


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that somebody else listens on, at the start of a range."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def doors(program: Live, count: int = 1) -> dict[int, Any]:
    """Return what the services have been told, by process."""
    return {one["pid"]: one["backdoor"] for one in program.expect("started", count)}


def pid_behind(where: int | str) -> int:
    """Ask a process for its id."""
    with ConsoleClient.inside(where) as client:
        return int(client.ask("import os; os.getpid()"))


class TestOneProcess:
    """A launcher opens the back door of its process."""

    @pytest.mark.parametrize("workers", [1, 2])
    def test_it_is_off_unless_an_option_says_so(self, driver_name, workers) -> None:
        with live(driver_name, workers=workers) as program:
            assert set(doors(program, workers).values()) == {None}
            assert program.end() == 0
            assert "door" not in program.transcript.replace('"backdoor"', "")

    @pytest.mark.parametrize("traits", [[], ["no fork"]])
    def test_port_0_takes_any_and_the_log_says_which(
        self, driver_name: str, tmp_path, traits: list[str]
    ) -> None:
        workers = 2 if traits else 1
        with with_back_door(
            driver_name, tmp_path, "backdoor_port", 0, traits=traits, workers=workers
        ) as program:
            port = doors(program)[program.pid]
            assert pid_behind(port) == program.pid
            program.expect_text(f"Backdoor listening on {port} for process")
            assert program.end() == 0

    def test_only_this_host_is_let_in(self, driver_name: str, tmp_path) -> None:
        with with_back_door(driver_name, tmp_path, "backdoor_port", 0) as program:
            port = doors(program)[program.pid]
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port), 5)

    def test_of_a_range_the_first_free_port_is_taken(
        self, driver_name: str, tmp_path, taken: socket.socket
    ) -> None:
        first = port_of(taken)
        value = f"{first}:{min(first + 50, 65535)}"
        with with_back_door(driver_name, tmp_path, "backdoor_port", value) as program:
            port = doors(program)[program.pid]
            assert isinstance(port, int)
            assert first < port <= first + 50
            assert pid_behind(port) == program.pid

    def test_without_a_free_port_the_service_runs_without_a_back_door(
        self, driver_name: str, tmp_path, taken: socket.socket
    ) -> None:
        value = port_of(taken)
        with with_back_door(driver_name, tmp_path, "backdoor_port", value) as program:
            assert doors(program)[program.pid] is None
            program.expect_text(f"{OFF}: cannot listen on 127.0.0.1:{value}")
            assert program.end() == 0

    def test_a_value_that_is_no_port_is_refused_before_anything_starts(
        self, driver_name: str, tmp_path
    ) -> None:
        for workers in (1, 2):
            with with_back_door(
                driver_name, tmp_path, "backdoor_port", "70000", workers=workers
            ) as program:
                assert program.wait() == 1
                program.expect_text("backdoor_port cannot be '70000': 70000 is more")
                assert not program.events("start")

    def test_a_socket_is_for_the_owner_only_and_goes_with_the_process(
        self, driver_name: str, tmp_path
    ) -> None:
        path = tmp_path / "door-{pid}"
        with with_back_door(driver_name, tmp_path, "backdoor_socket", path) as program:
            where = doors(program)[program.pid]
            assert where == str(path).replace("{pid}", str(program.pid))
            mode = Path(where).stat().st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o600
            assert pid_behind(where) == program.pid
            assert program.end() == 0
            assert not Path(where).exists()

    def test_a_socket_that_was_left_behind_is_replaced(
        self, driver_name: str, tmp_path
    ) -> None:
        path = tmp_path / "door"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        with with_back_door(driver_name, tmp_path, "backdoor_socket", path) as program:
            assert pid_behind(doors(program)[program.pid]) == program.pid

    def test_another_file_is_let_alone(self, driver_name: str, tmp_path) -> None:
        path = tmp_path / "door"
        path.write_text("a letter")
        with with_back_door(driver_name, tmp_path, "backdoor_socket", path) as program:
            assert doors(program)[program.pid] is None
            program.expect_text(f"{OFF}: cannot listen on {path}")
            assert program.end() == 0
        assert path.read_text() == "a letter"

    def test_a_reload_in_place_leaves_it_and_its_clients(
        self, driver_name: str, tmp_path
    ) -> None:
        with with_back_door(driver_name, tmp_path, "backdoor_port", 0) as program:
            port = doors(program)[program.pid]
            with ConsoleClient.inside(port) as client:
                client.ask("kept = 1")
                program.expect("waiting")
                program.kill(signal.SIGHUP)
                assert doors(program, 2) == {program.pid: port}
                assert client.ask("kept") == "1\n"
            assert pid_behind(port) == program.pid
            assert program.end() == 0


class TestWorkers:
    """Each worker has one of its own; the parent has none."""

    def test_each_takes_a_port_of_the_range(
        self, driver_name: str, tmp_path, taken: socket.socket
    ) -> None:
        first = port_of(taken)
        value = f"{first}:{min(first + 50, 65535)}"
        with with_back_door(
            driver_name, tmp_path, "backdoor_port", value, workers=3
        ) as program:
            found = doors(program, 3)
            assert len(set(found.values())) == 3
            for pid, port in found.items():
                assert pid != program.pid
                assert pid_behind(port) == pid
            assert f"for process {program.pid}" not in program.transcript
            assert program.end() == 0
            assert all(refused(port) for port in found.values() if port)

    def test_each_has_its_pid_in_the_path(self, driver_name: str, tmp_path) -> None:
        path = tmp_path / "door-{pid}"
        with with_back_door(
            driver_name, tmp_path, "backdoor_socket", path, workers=3
        ) as program:
            found = doors(program, 3)
            for pid, where in found.items():
                assert where == str(tmp_path / f"door-{pid}")
                assert pid_behind(where) == pid
            assert program.end() == 0
            assert not list(tmp_path.glob("door-*"))

    def test_one_port_is_for_one_of_them_and_the_others_run_without(
        self, driver_name: str, tmp_path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = port_of(probe)
        with with_back_door(
            driver_name, tmp_path, "backdoor_port", port, workers=3
        ) as program:
            found = doors(program, 3)
            assert sorted(map(str, found.values())) == [str(port), "None", "None"]
            program.expect_text(OFF, 2)
            assert program.end() == 0

    @pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGHUP])
    def test_a_successor_opens_its_own(
        self, driver_name: str, tmp_path, signum: int
    ) -> None:
        path = tmp_path / "door-{pid}"
        with with_back_door(
            driver_name, tmp_path, "backdoor_socket", path, workers=2
        ) as program:
            before = doors(program, 2)
            program.expect("waiting")
            if signum == signal.SIGKILL:
                program.kill(signum, next(iter(before)))
                after = doors(program, 3)
            else:
                program.kill(signum)
                after = doors(program, 4)
            for pid in after.keys() - before.keys():
                assert pid_behind(after[pid]) == pid
            assert program.end() == 0

    def test_a_value_that_becomes_wrong_costs_only_the_back_door(
        self, driver_name: str, tmp_path
    ) -> None:
        with with_back_door(
            driver_name, tmp_path, "backdoor_port", 0, workers=2
        ) as program:
            doors(program, 2)
            program.expect("waiting")
            (tmp_path / "back-door.conf").write_text("[DEFAULT]\nbackdoor_port = x\n")
            program.kill(signal.SIGHUP)
            doors(program, 4)
            program.expect_text("backdoor_port cannot be 'x': 'x' is not a number", 2)
            assert program.events("started", backdoor=None)
            assert program.end() == 0

    def test_a_launcher_in_a_worker_uses_the_one_that_is_there(
        self, driver_name: str, tmp_path
    ) -> None:
        with with_back_door(
            driver_name, tmp_path, "backdoor_port", 0, workers=2, traits=["nested"]
        ) as program:
            doors(program, 2)
            program.expect("start", 2, name="inner")
            assert program.transcript.count("Backdoor listening") == 2
            assert program.end() == 0

    @pytest.mark.needs_capability("spawn_workers")
    def test_spawned_workers_have_them_too(self, driver_name: str, tmp_path) -> None:
        path = tmp_path / "door-{pid}"
        with with_back_door(
            *(driver_name, tmp_path, "backdoor_socket", path),
            workers=2,
            start_method="spawn",
        ) as program:
            for pid, where in doors(program, 2).items():
                assert pid_behind(where) == pid
            assert program.end() == 0
            assert not list(tmp_path.glob("door-*"))


class TestEnds:
    """It is there as long as the process is, and holds nothing up."""

    def test_a_client_does_not_hold_up_the_end(self, driver_name, tmp_path) -> None:
        with with_back_door(
            driver_name, tmp_path, "backdoor_socket", tmp_path / "door"
        ) as program:
            where = doors(program)[program.pid]
            with ConsoleClient.inside(where) as client:
                program.expect("waiting")
                assert program.end() == 0
                assert client.ended()
            assert not Path(where).exists()

    def test_what_hangs_while_it_stops_can_be_looked_at(
        self, driver_name: str, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with with_back_door(
            *(driver_name, tmp_path, "backdoor_port", 0),
            traits=["draining"],
            gate=str(gate),
        ) as program:
            port = doors(program)[program.pid]
            program.expect("waiting")
            program.kill(signal.SIGTERM)
            program.expect("stop")
            with ConsoleClient.inside(port) as client:
                stacks = client.stacks()
            assert "wait() of the service __main__.Daemon" in stacks
            assert "await_gate" in stacks
            gate.touch()
            assert program.wait() == 0

    def test_the_socket_goes_too_where_the_process_ends_at_once(
        self, driver_name: str, tmp_path
    ) -> None:
        with with_back_door(
            driver_name, tmp_path, "backdoor_socket", tmp_path / "door"
        ) as program:
            where = doors(program)[program.pid]
            program.expect("waiting")
            program.kill(signal.SIGINT)
            assert program.wait() == 1
            assert not Path(where).exists()

    def test_what_the_service_forks_does_not_keep_it(
        self, driver_name: str, tmp_path
    ) -> None:
        with with_back_door(
            driver_name, tmp_path, "backdoor_port", 0, traits=["forked helper"]
        ) as program:
            port = doors(program)[program.pid]
            with ConsoleClient.inside(port) as client:
                program.expect("waiting")
                program.kill(signal.SIGKILL)
                program.process.wait()
                assert client.ended()
            assert program.left(), "the helper is there"
            # It may have been forked just before.
            program.until(lambda: refused(port), "nobody listens")

    def test_one_that_nobody_uses_never_wakes_the_process(
        self, driver_name: str, tmp_path
    ) -> None:
        with with_back_door(driver_name, tmp_path, "backdoor_port", 0) as program:
            port = doors(program)[program.pid]
            with ConsoleClient.inside(port):
                idle = Idle([program.pid], driver_name)
                assert idle.counted() <= idle.allowed
            assert program.end() == 0
