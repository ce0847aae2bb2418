# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: the admin endpoint shows how a service fares, and takes orders."""

import contextlib
import json
import logging
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.http_client import Answer, Client, write_options
from oslo_service.testing.live import Idle, Live, children, live

pytestmark = pytest.mark.starts_processes

SIGHUP, SIGKILL, SIGTERM = signal.SIGHUP, signal.SIGKILL, signal.SIGTERM
#: A client that has this many others waiting is served all the same.
CROWD = 80

one_and_two = pytest.mark.parametrize("workers", [1, 2])


class Site:
    """A service with an endpoint.

    :ivar program: it runs in this.
    :ivar config: its configuration file.
    :ivar path: of the control socket.
    """

    def __init__(self, program: Live, config: Path, path: Path) -> None:
        self.program = program
        self.config = config
        self.path = path

    def client(self) -> Client:
        """Return a new connection to the control socket."""
        return Client(str(self.path))

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Answer:
        """Ask something on a connection of its own."""
        content = b"" if body is None else json.dumps(body).encode()
        with self.client() as client:
            return client.ask(path, method=method, body=content)

    def post(self, path: str, **body: Any) -> Answer:
        """Give an order."""
        return self.ask(path, "POST", body)

    def workers(self) -> list[dict[str, Any]]:
        """Return what the status says of the processes of the first service."""
        found: list[dict[str, Any]] = self.status()["services"][0]["workers"]
        return found

    def status(self) -> dict[str, Any]:
        """Return the status."""
        found: dict[str, Any] = self.ask("/status").data
        return found

    def until_workers(self, count: int) -> list[int]:
        """Wait until there are so many, all of them ready; return their pids."""
        found: list[int] = []

        def there() -> bool:
            workers = self.workers()
            found[:] = [one["pid"] for one in workers]
            return [one["state"] for one in workers] == ["ready"] * count

        self.program.until(there, f"there are {count} workers, all ready")
        return found

    def until_status(self, code: int, path: str = "/ready") -> None:
        """Wait until a path is answered with a status code."""
        what = f"{path} is answered with {code}"
        self.program.until(lambda: self.ask(path).status == code, what)


@contextlib.contextmanager
def site(driver: str, place: Path, **plan: Any) -> Iterator[Site]:
    """Run a service with an endpoint, and wait until somebody waits for it."""
    path, config = place / "admin.sock", place / "service.conf"
    arguments = write_options(config, "oslo_service", admin_socket=path)
    with config.open("a", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in plan.pop("options", ()))
    with live(driver, arguments=arguments, **plan) as program:
        program.expect("waiting")
        yield Site(program, config, path)


class TestStatus:
    """What is shown, and to whom."""

    @one_and_two
    def test_it_shows_every_process_and_what_it_runs_on(
        self, driver_name: str, workers: int, tmp_path: Path
    ) -> None:
        with site(driver_name, tmp_path, workers=workers) as there:
            program = there.program
            pids = [event["pid"] for event in program.expect("started", workers)]
            there.until_status(200)
            found = there.status()
            assert found["schema"] == 1
            assert found["process"]["pid"] == program.pid
            assert found["driver"]["name"] == driver_name
            assert "OS_OSLO_SERVICE__BACKEND" in found["driver"]["chosen_by"]
            assert found["state"] == "ready"
            (service,) = found["services"]
            assert service["name"].endswith(".Daemon")
            assert (service["slots"], service["ready"]) == (workers, True)
            assert sorted(one["pid"] for one in service["workers"]) == sorted(pids)
            for one in service["workers"]:
                assert one["state"] == "ready"
                assert one["memory"] > 1 << 20
                assert one["age"] >= 0
            assert found["limits"]["graceful_shutdown_timeout"] == 60
            assert program.end() == 0

    def test_it_counts_what_has_happened(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            first = there.until_workers(2)[0]
            there.program.kill(SIGKILL, first)
            there.program.expect("started", 3)
            there.until_workers(2)
            by_slot = [one["restarts"] for one in there.workers()]
            assert sorted(by_slot, key=len) == [{}, {"unexpected": 1}]
            assert there.post("/reload").status == 200
            pids = there.until_workers(2)
            assert there.status()["reloads"] == {"finished": 1}
            assert {one["generation"] for one in there.workers()} == {1}
            assert first not in pids
            assert there.program.end() == 0

    def test_a_worker_that_blocks_holds_nobody_up(self, driver_name, tmp_path) -> None:
        gate = tmp_path / "gate"
        with site(
            driver_name,
            tmp_path,
            workers=2,
            traits=["blocking handler"],
            gate=str(gate),
        ) as there:
            pids = there.until_workers(2)
            there.program.until_handled(signal.SIGUSR1, pids[0])
            there.program.kill(signal.SIGUSR1, pids[0])
            there.program.expect("blocking")
            wanted = {pids[0]: "no answer", pids[1]: None}
            there.program.until(
                lambda: (
                    {one["pid"]: one["problem"] for one in there.workers()} == wanted
                ),
                "the one that blocks does not answer, and the other does",
            )
            there.program.until(
                lambda: " in block" in self.stacks_of(there, pids[0]),
                "its stacks are shown though it does not answer",
            )
            gate.touch()
            assert there.program.end() == 0

    @staticmethod
    def stacks_of(there: Site, pid: int) -> str:
        """Return the stacks of a process that does not answer."""
        shown = {one["pid"]: one for one in there.ask("/stacks").data["processes"]}
        assert shown[pid]["problem"] == "no answer"
        return "".join(one["stack"] for one in shown[pid]["stacks"])


class TestSocket:
    """Its file, and who has the socket."""

    @one_and_two
    def test_it_is_its_owners_alone_and_goes_in_the_end(
        self, driver_name, workers, tmp_path
    ) -> None:
        with site(driver_name, tmp_path, workers=workers) as there:
            there.until_status(200)
            assert stat.S_IMODE(there.path.stat().st_mode) == 0o600
            assert there.program.end() == 0
            assert not there.path.exists()

    @pytest.mark.parametrize("trait", ["hanging wait", "hanging stop"])
    @one_and_two
    def test_all_files_go_where_the_end_is_forced(
        self, driver_name, workers, trait, tmp_path
    ) -> None:
        options = [
            f"admin_address = {tmp_path / 'public.sock'}",
            "[DEFAULT]",
            f"backdoor_socket = {tmp_path / 'door-{pid}.sock'}",
            "graceful_shutdown_timeout = 1",
        ]
        with site(
            driver_name, tmp_path, workers=workers, traits=[trait], options=options
        ) as there:
            there.until_status(200)
            assert {"admin.sock", "public.sock"} < {
                one.name for one in tmp_path.glob("*.sock")
            }
            there.program.end()
            assert not there.program.left()
            assert not list(tmp_path.glob("*.sock"))

    def test_a_file_that_is_left_is_replaced(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            there.program.kill(SIGKILL)
            there.program.until(lambda: not there.program.left(), "all have ended")
            assert there.path.exists()
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            assert there.program.end() == 0

    def test_one_that_is_in_use_is_not_and_the_service_goes_on_without(
        self, driver_name, tmp_path
    ) -> None:
        with site(driver_name, tmp_path) as there:
            there.until_status(200)
            with live(
                driver_name, workers=2, arguments=["--config-file", str(there.config)]
            ) as second:
                second.expect("started", 2)
                second.expect_text(f"cannot listen on {there.path}: Address already")
                second.expect_text("ERROR")
                assert second.end() == 0
            assert there.ask("/ready").status == 200
            assert there.program.end() == 0

    @pytest.mark.parametrize("place", ["nowhere", "127.0.0.1", "127.0.0.1:99999"])
    def test_a_place_that_cannot_be_had_is_no_reason_to_end(
        self, driver_name, place, tmp_path
    ) -> None:
        options = [f"admin_address = {place}"]
        with site(driver_name, tmp_path, options=options) as there:
            there.program.expect("started")
            there.program.expect_text(f"admin_address = {place} has no effect")
            there.until_status(200)
            assert there.program.end() == 0

    def test_no_worker_has_it(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            with there.client() as client:
                client.ask("/ready")
                # One that is forked while a client is connected.
                there.program.kill(SIGKILL, children(there.program.pid)[0])
                there.program.expect("started", 3)
                pids = there.until_workers(2)
                sockets = {
                    line.split()[6]
                    for line in Path("/proc/net/unix").read_text("utf-8").splitlines()
                    if line.endswith(str(there.path))
                }
                assert len(sockets) >= 2
                for pid in pids:
                    assert not sockets & inodes(pid)
            assert there.program.end() == 0

    def test_it_lives_through_reloads(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            other = tmp_path / "other.sock"
            write_options(there.config, "oslo_service", admin_socket=other)
            with there.client() as client:
                assert client.ask("/ready").status == 200
                there.program.kill(SIGHUP)
                # Asked all the time: one that is silent for long is closed.
                there.program.until(
                    lambda: (
                        client.ask("/ready").status == 200
                        and len(there.program.events("started")) == 4
                    ),
                    "it is ready on the same connection until all are replaced",
                )
                assert client.ask("/ready").status == 200
            changed = f"admin_socket has changed from {there.path} to"
            there.program.expect_text(f"{changed} {other}: that takes effect when")
            write_options(there.config, "oslo_service")
            assert there.post("/reload").status == 200
            there.program.expect_text(f"{changed} unset")
            there.until_workers(2)
            there.program.until(
                lambda: [one["problem"] for one in there.workers()] == [None, None],
                "workers answer that have been started without a socket",
            )
            assert not other.exists()
            assert there.program.end() == 0

    @one_and_two
    def test_nothing_wakes_up_while_nobody_asks(
        self, driver_name, workers, tmp_path
    ) -> None:
        with site(driver_name, tmp_path, workers=workers) as there:
            there.until_status(200)
            there.program.expect("started", workers)
            pids = {there.program.pid, *children(there.program.pid)}
            idle = Idle(sorted(pids), driver_name)
            assert idle.counted() <= idle.allowed
            assert there.program.end() == 0


def inodes(pid: int) -> set[str]:
    """Return the numbers of the sockets that a process has open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
                found.add(match[1])
    return found


class TestAnswers:
    """Requests that are not quite right, and those for the public."""

    def test_wrong_ones_are_told_what_would_be_right(
        self, driver_name, tmp_path
    ) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            answer = there.ask("/reload")
            assert (answer.status, answer.fields["allow"]) == (405, "POST")
            answer = there.post("/status")
            assert (answer.status, answer.fields["allow"]) == (405, "GET, HEAD")
            answer = there.ask("/nothing")
            assert answer.status == 404
            assert "/status" in answer.data["error"]
            for body in ({}, {"workers": 0}, {"workers": "3"}, {"worker": 3}, [3]):
                answer = there.ask("/workers", "POST", body)
                assert answer.status == 400, body
                assert "a whole number, 1 to 1000" in answer.data["error"], body
            with there.client() as client:
                answer = client.ask("/workers", method="POST", body=b"{no")
                assert answer.status == 400
                assert "not JSON" in answer.data["error"]
                answer = client.ask("/ready", method="HEAD")
                assert (answer.status, answer.body) == (200, b"")
                answer = client.ask("/stop", method="POST", body=b"x" * 20_000)
                assert answer.status == 413
            answer = there.post("/workers", workers=3, service="nobody")
            assert answer.status == 404
            answer = there.post("/log-level", level="LOUD")
            assert answer.status == 400
            assert "DEBUG" in answer.data["error"]
            assert len(there.until_workers(2)) == 2
            assert there.program.end() == 0

    @pytest.mark.parametrize("kind", ["a path", "127.0.0.1", "::1"])
    def test_the_public_has_nothing_but_probes(
        self, driver_name, kind, tmp_path
    ) -> None:
        public = tmp_path / "public.sock"
        address, place = (str(public), str(public)) if kind == "a path" else free(kind)
        options = [f"admin_address = {place}"]
        with site(driver_name, tmp_path, workers=2, options=options) as there:
            there.until_workers(2)
            with Client(address) as client:
                answer = client.ask("/ready")
                assert answer.status == 200
                assert answer.fields["content-type"] == "application/health+json"
                assert answer.data == {"status": "pass"}
                assert client.ask("/live").status == 200
                assert client.ask("/health").data == {"status": "pass", "checks": {}}
                for path in ("/status", "/events", "/work", "/stacks", "/loops"):
                    assert client.ask(path).status == 404
                for path in ("/reload", "/stop", "/workers", "/recycle", "/log-level"):
                    assert client.ask(path, method="POST").status == 404
            assert there.program.end() == 0
            assert not public.exists()


def free(host: str) -> tuple[tuple[str, int], str]:
    """Return an address that nobody has, and how the option has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, 0), family=family) as probe:
            port: int = probe.getsockname()[1]
    except OSError:
        pytest.skip(f"there is no {host} here")
    return (host, port), f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class TestBadValues:
    """A value that cannot be read: the one before stays, and is what is told."""

    @one_and_two
    @pytest.mark.parametrize("method", ["reload", "mutate"])
    def test_everything_is_answered_as_before(
        self, driver_name, workers, method, tmp_path
    ) -> None:
        with site(
            driver_name,
            tmp_path,
            workers=workers,
            restart_method=method,
            options=["worker_timeout = 20"],
        ) as there:
            there.until_status(200)
            before = there.status()["limits"]
            assert before["worker_timeout"] == 20
            text = there.config.read_text("ascii")
            bad = "worker_timeout = foo\nshutdown_delay = x\nworker_max_memory = 12Q\n"
            there.config.write_text(
                text.replace("worker_timeout = 20\n", bad), encoding="ascii"
            )
            status, complaint = {
                "reload": (409, "it stays as it was"),
                "mutate": (200, "worker_timeout cannot be read; it stays at 20"),
            }[method]
            assert there.post("/reload").status == status
            for path in ("/live", "/ready", "/health", "/metrics"):
                assert there.ask(path).status == 200, path
            assert there.status()["limits"] == before
            there.program.expect_text(complaint)
            assert there.program.end() == 0


class TestReady:
    """Whether clients can be sent here."""

    @one_and_two
    def test_it_is_when_all_has_started_and_is_not_when_it_stops(
        self, driver_name, workers, tmp_path
    ) -> None:
        gate, drain = tmp_path / "gate", tmp_path / "drain"
        with site(
            driver_name,
            tmp_path,
            workers=workers,
            traits=["slow start", "draining"],
            gate=str(gate),
            settings={"draining gate": str(drain)},
        ) as there:
            there.program.expect("start", workers)
            answer = there.ask("/ready")
            assert answer.status == 503
            assert answer.data["output"] == "it has not been ready yet"
            assert there.ask("/live").status == 200
            gate.touch()
            there.until_status(200)
            there.program.kill(SIGTERM)
            there.program.stopped(workers)
            assert there.ask("/ready").status == 503
            assert there.ask("/live").status == 200
            assert there.status()["state"] == "stopping"
            drain.touch()
            assert there.program.wait() == 0

    def test_neither_a_reload_nor_a_crash_takes_it_out(
        self, driver_name, tmp_path
    ) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            pids = there.until_workers(2)
            there.program.kill(SIGKILL, pids[0])
            assert there.ask("/ready").status == 200
            there.program.expect("started", 3)
            there.until_workers(2)
            there.program.kill(SIGHUP)
            for _ in range(20):
                assert there.ask("/ready").status == 200
            there.program.expect("started", 5)
            assert there.program.end() == 0


class TestOrders:
    """What can be had done."""

    def test_a_service_gets_another_number_of_workers(
        self, driver_name, tmp_path
    ) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            answer = there.post("/workers", workers=4)
            assert (answer.status, answer.data["workers"]) == (202, 4)
            there.until_workers(4)
            assert there.post("/reload").status == 200
            pids = there.until_workers(4)
            there.post("/workers", workers=1)
            assert there.until_workers(1) == pids[:1]
            there.program.until(
                lambda: len(children(there.program.pid)) == 1, "the others are gone"
            )
            assert there.program.end() == 0

    def test_two_signals_add_and_take_one(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            there.until_workers(2)
            there.program.kill(signal.SIGTTIN)
            there.until_workers(3)
            there.program.kill(signal.SIGTTOU)
            there.until_workers(2)
            there.program.kill(signal.SIGTTOU)
            there.until_workers(1)
            there.program.kill(signal.SIGTTOU)
            there.program.expect_text("SIGTTOU: one worker less", 3)
            there.until_workers(1)
            assert there.program.end() == 0

    def test_workers_are_recycled_all_or_one(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            pids = there.until_workers(2)
            answer = there.post("/recycle")
            assert (answer.status, answer.data["workers"]) == (202, 2)
            there.program.expect("started", 4)
            counted = [{"recycled": 1}] * 2
            there.program.until(
                lambda: [one["restarts"] for one in there.workers()] == counted,
                "both are replaced",
            )
            new = there.until_workers(2)
            assert not set(pids) & set(new)
            assert there.post("/recycle", worker=1).data["workers"] == 1
            there.program.expect("started", 5)
            there.program.until(
                lambda: there.until_workers(2)[1] != new[1], "the second is replaced"
            )
            assert there.until_workers(2)[0] == new[0]
            assert there.post("/recycle", worker=7).status == 404
            assert there.post("/recycle", service="nobody").status == 404
            assert there.post("/recycle", worker=-1).status == 400
            assert there.program.end() == 0

    def test_one_process_has_no_workers(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path) as there:
            assert there.post("/recycle").status == 409
            answer = there.post("/workers", workers=2)
            assert answer.status == 409
            assert "workers=1" in answer.data["error"]
            assert there.program.end() == 0

    @pytest.mark.parametrize(
        ("workers", "method"),
        [(1, "reload"), (2, "reload"), (2, "mutate"), (2, "rolling")],
    )
    def test_a_reload_is_answered_when_it_is_done_or_has_failed(
        self, driver_name, workers, method, tmp_path
    ) -> None:
        with site(
            driver_name, tmp_path, workers=workers, restart_method=method
        ) as there:
            there.until_status(200)
            with there.config.open("a", encoding="ascii") as file:
                file.write("[DEFAULT]\nplain = 7\nmutable = 7\n")
            assert there.post("/reload").data["reload"] == "finished"
            if method == "mutate":
                there.program.expect("reset", workers, mutable=7)
            else:
                there.program.expect("start", workers, plain=7)
            good = there.config.read_text("ascii")
            there.config.write_text("[broken", encoding="ascii")
            answer = there.post("/reload")
            assert answer.status == 409
            assert answer.data["reload"] == "failed"
            assert f"{there.config}:1" in answer.data["error"]
            there.config.write_text(good, encoding="ascii")
            answer = there.post("/reload", wait=False)
            assert (answer.status, answer.data) == (202, {"said": "ordered"})
            assert there.program.end() == 0

    @one_and_two
    def test_a_reload_that_ends_the_service_is_answered(
        self, driver_name, workers, tmp_path
    ) -> None:
        with site(
            driver_name,
            tmp_path,
            workers=workers,
            traits=["failing at 9"],
            options=["restart_limit = 1"],
        ) as there:
            there.until_status(200)
            with there.config.open("a", encoding="ascii") as file:
                file.write("[DEFAULT]\nplain = 9\n")
            answer = there.post("/reload")
            assert answer.status == 409
            if workers == 2 and answer.data["reload"] == "failed":
                # One of them died three times before the other one had twice.
                assert "3 times in a row" in answer.data["error"]
                assert "start fails at 9, as asked" in answer.data["error"]
            else:
                assert answer.data["reload"] == "ended"
                assert "everything is stopped" in answer.data["error"]
            assert there.program.wait() == 1

    @one_and_two
    def test_it_can_be_stopped(self, driver_name, workers, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=workers) as there:
            there.until_status(200)
            assert there.post("/stop").status == 202
            assert there.program.wait() == 0
            assert len(there.program.stopped(workers)) == workers

    @one_and_two
    def test_a_log_level_is_set_in_every_process(
        self, driver_name, workers, tmp_path
    ) -> None:
        with site(
            driver_name, tmp_path, workers=workers, restart_method="mutate"
        ) as there:
            there.until_status(200)
            count = 3 if workers == 2 else 1
            self.until_set(there, count, level="error", logger="some.thing")
            self.until_set(there, count, level="DEBUG")
            if workers == 2:
                # So has one that is forked later.
                there.program.kill(SIGKILL, there.until_workers(2)[0])
                there.program.expect("started", level=logging.DEBUG)
                there.until_workers(2)
            assert there.post("/reload").status == 200
            there.program.expect("reset", workers, level=logging.DEBUG)
            assert there.program.end() == 0

    @staticmethod
    def until_set(there: Site, count: int, **wanted: str) -> None:
        """Set a level until so many processes have said in time that they have."""

        def is_set() -> bool:
            answer = there.post("/log-level", **wanted)
            assert answer.status == 200
            known = answer.data["processes"] + len(answer.data["failed"])
            assert known == count
            return not answer.data["failed"]

        there.program.until(is_set, f"{wanted} is set in {count} processes")


class TestEvents:
    """What has happened."""

    def test_they_are_listed_and_streamed(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            pids = there.until_workers(2)
            found = there.ask("/events").data
            names = [one["event"] for one in found["events"]]
            assert names.count("WorkerStarted") == 2
            assert "Ready" in names
            assert found["last"] == found["events"][-1]["id"] == len(names)
            assert there.ask(f"/events?since={found['last']}").data["events"] == []
            assert there.ask("/events?since=x").status == 400
            with there.client() as client:
                field = f"Last-Event-ID: {'9' * 5000}"
                assert client.ask("/events?follow", field).status == 400
            with there.client() as client:
                client.send(b"GET /events?follow HTTP/1.1\r\nHost: x\r\n\r\n")
                head = client.read_until(b"\r\n\r\n")
                assert b"text/event-stream" in head
                there.program.kill(SIGKILL, pids[0])
                client.read_until(b"event: WorkerEnded\ndata: ")
                event = json.loads(client.read_until(b"\n\n"))
                assert (event["pid"], event["status"]) == (pids[0], -9)
                client.read_until(b"event: WorkerReady")
            there.until_workers(2)
            assert there.program.end() == 0


class TestStorm:
    """Clients that are slow, silent or hostile delay nothing."""

    def test_workers_are_replaced_and_signals_act(self, driver_name, tmp_path) -> None:
        with site(driver_name, tmp_path, workers=2) as there:
            pids = there.until_workers(2)
            with contextlib.ExitStack() as stack:
                crowd = [stack.enter_context(there.client()) for _ in range(CROWD)]
                for number, client in enumerate(crowd):
                    with contextlib.suppress(OSError):  # it had to go for another one
                        client.send(misdeed(number))
                # A crowd that was waited for, one after the other, would take minutes.
                there.program.kill(SIGKILL, pids[0])
                there.program.expect("started", 3)
                assert there.ask("/ready").status == 200
                assert there.program.end() == 0


def misdeed(number: int) -> bytes:
    """Return what a client sends that does harm, or nothing."""
    return (
        b"",
        b"GET /sta",
        b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n" * 500,
        b"\0" * 1000,
        b"POST /workers HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{",
        b"GET /" + b"x" * 60_000,
        b"GET /events?follow&since=0 HTTP/1.1\r\nHost: x\r\n\r\n",
    )[number % 7]
