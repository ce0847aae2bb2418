# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: wsgi.Server from its start to its end, in one process and in three."""

import contextlib
import signal
import threading
from pathlib import Path
from typing import Self

import pytest

from oslo_service.testing.http_client import Site, get, serving, write_options
from oslo_service.testing.live import children

pytestmark = pytest.mark.starts_processes

SIGHUP, SIGTERM, SIGKILL = signal.SIGHUP, signal.SIGTERM, signal.SIGKILL


class Load:
    """Clients that ask all the time, and count what goes wrong.

    One opens a connection for each request; one keeps it until it is told
    that it ends.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self.answers: list[int] = []
        self.faults: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(ask,), daemon=True)
            for ask in (self._open, self._open, self._keep, self._keep)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, ask) -> None:
        while not self._over.is_set():
            try:
                ask()
            except (OSError, EOFError, ValueError) as exc:
                self.faults.append(f"{ask.__name__}: {exc!r}")

    def _open(self) -> None:
        self.answers.append(int(self._site.ask("/pid").body))

    def _keep(self) -> None:
        with self._site.client() as client:
            closes = False
            while not (closes or self._over.is_set()):
                answer = client.ask("/pid")
                closes = answer.closes
                self.answers.append(int(answer.body))

    def until_answered_by(self, pids, count: int = 1) -> None:
        """Wait until these processes have answered so many times from now on."""
        begin = len(self.answers)
        self._site.program.until(
            lambda: all(self.answers[begin:].count(pid) >= count for pid in pids),
            f"answers by {pids}",
        )


class TestEnd:
    """stop() and SIGTERM."""

    scenarios = [("one", {"workers": 1}), ("three", {"workers": 3})]

    def test_what_has_begun_is_finished_and_nobody_is_let_in(
        self, driver_name: str, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with (
            serving(driver_name, workers=self.workers, gate=str(gate)) as site,
            site.client() as client,
        ):
            client.send(get("/gate"))
            site.program.expect("in the application")
            site.program.kill(SIGTERM)
            site.program.expect("stopped", self.workers)
            assert site.refuses()
            gate.touch()
            answer = client.answer()
            assert answer.body == b"through the gate"
            assert answer.closes
            assert client.ended()
            assert site.program.wait() == 0
            assert site.program.expect("last", status=0)

    def test_a_request_on_its_way_is_answered(self, driver_name) -> None:
        with (
            serving(driver_name, workers=self.workers) as site,
            site.client() as kept,
            site.client() as fresh,
        ):
            assert kept.ask("/").body == b"hello"
            site.program.kill(SIGTERM)
            site.program.expect("stopped", self.workers)
            for client in (kept, fresh):
                answer = client.ask("/")
                assert answer.body == b"hello"
                assert answer.closes
            assert site.program.wait() == 0

    def test_idle_clients_do_not_hold_it_up(self, driver_name) -> None:
        with (
            serving(driver_name, workers=self.workers) as site,
            contextlib.ExitStack() as stack,
        ):
            for data in (b"", b"GET / HT", get("/")):
                stack.enter_context(site.client()).send(data)
            assert site.program.end() == 0

    def test_a_response_that_is_read_slowly_arrives(self, driver_name) -> None:
        with (
            serving(driver_name, workers=self.workers) as site,
            site.client(buffer=4096) as client,
        ):
            client.send(get("/whole?2048"))
            client.read(100)
            site.program.kill(SIGTERM)
            site.program.expect("stopped", self.workers)
            assert len(client.rest()) > 2048 * 1024
            assert site.program.wait() == 0

    def test_the_time_limit_ends_what_does_not_end(self, driver_name, tmp_path) -> None:
        arguments = write_options(tmp_path / "web.conf", graceful_shutdown_timeout=1)
        with (
            serving(
                driver_name,
                workers=self.workers,
                arguments=arguments,
                gate=str(tmp_path / "never"),
            ) as site,
            site.client() as client,
        ):
            client.send(get("/gate"))
            site.program.expect("in the application")
            assert site.program.end() == 1

    def test_a_server_that_is_the_service_itself(self, driver_name) -> None:
        with serving(driver_name, "bare", workers=self.workers) as site:
            assert site.ask("/").body == b"hello"
            assert site.program.end() == 0


@pytest.mark.needs_capability("kill_tasks")
def test_a_server_goes_on_though_its_tasks_are_killed(driver_name: str) -> None:
    with serving(driver_name) as site:
        for turn in range(3):
            assert site.ask("/kill-later").body == b"soon"
            site.program.expect("killed", turn + 1)
            assert site.ask("/").body == b"hello"
        assert site.program.end() == 0


class TestWorkers:
    """Several on one socket."""

    def test_all_of_them_serve(self, driver_name: str) -> None:
        with serving(driver_name, workers=3) as site, Load(site) as load:
            load.until_answered_by(children(site.program.pid))
            assert not load.faults

    def test_the_environment_says_so(self, driver_name: str) -> None:
        with serving(driver_name, workers=3) as site:
            pids = {int(site.ask("/pid").body) for _ in range(5)}
            assert pids <= set(children(site.program.pid))

    def test_sigkill_of_one_loses_its_own_requests_only(self, driver_name) -> None:
        with serving(driver_name, workers=3) as site, Load(site) as load:
            first, *others = children(site.program.pid)
            load.until_answered_by([first, *others])
            site.program.kill(SIGKILL, first)
            site.program.expect("serving", 4)
            load.until_answered_by(children(site.program.pid))
            assert len(load.faults) <= 4

    def test_sigterm_of_one_loses_nothing(self, driver_name: str) -> None:
        with serving(driver_name, workers=3) as site, Load(site) as load:
            first = children(site.program.pid)[0]
            load.until_answered_by([first])
            site.program.kill(SIGTERM, first)
            site.program.expect("serving", 4)
            load.until_answered_by(set(children(site.program.pid)) - {first})
            assert load.faults == []


class TestReload:
    """SIGHUP."""

    scenarios = [("one", {"workers": 1}), ("three", {"workers": 3})]

    def test_under_load_nothing_is_lost(self, driver_name: str) -> None:
        with serving(driver_name, workers=self.workers) as site, Load(site) as load:
            for turn in (2, 3):
                site.program.kill(SIGHUP)
                site.program.expect("serving", turn * self.workers)
                newest = site.program.pids("serving")[-self.workers :]
                load.until_answered_by(newest)
            assert load.faults == []

    def test_new_options_count(self, driver_name: str, tmp_path) -> None:
        path = tmp_path / "web.conf"
        arguments = write_options(path, wsgi_keep_alive=True)
        with serving(driver_name, workers=self.workers, arguments=arguments) as site:
            with site.client() as client:
                assert not client.ask("/").closes
            write_options(path, wsgi_keep_alive=False)
            site.program.kill(SIGHUP)
            site.program.expect("serving", 2 * self.workers)
            site.program.expect("stopped", self.workers)
            with site.client() as client:
                assert client.ask("/").closes


@pytest.mark.parametrize("count", [1, 2])
def test_a_restart_in_place_keeps_the_socket(driver_name: str, count: int) -> None:
    with serving(driver_name) as site:
        for turn in range(count):
            site.program.kill(SIGHUP)
            site.program.expect("stopped", turn + 1)
            assert site.ask("/").body == b"hello"
        site.program.expect("serving", count + 1)
        assert site.program.end() == 0
        assert site.refuses()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("group", "option", "value", "complaint"),
    [
        ("DEFAULT", "client_socket_timeout", "15m", "it stays as it was"),
        ("oslo_service", "request_timeout", "nan", "it stays as it was"),
        ("DEFAULT", "wsgi_log_format", "%(nothing)s", "the log format that it had"),
    ],
)
def test_a_value_that_cannot_be_one_at_a_reload_ends_nothing(
    driver_name: str,
    workers: int,
    group: str,
    option: str,
    value: str,
    complaint: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "web.conf"
    arguments = write_options(path)
    with serving(driver_name, workers=workers, arguments=arguments) as site:
        write_options(path, group, **{option: value})
        site.program.kill(SIGHUP)
        site.program.expect("serving", 2 * workers)
        site.program.expect_text(complaint)
        assert site.ask("/").body == b"hello"
        assert site.program.end() == 0
