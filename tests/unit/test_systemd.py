# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Telling systemd, and waiting in its place."""

import contextlib
import inspect
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
from oslo_config import cfg

from oslo_service import service, systemd
from oslo_service.testing.service_manager import ServiceManager
from oslo_service.testing.waiting import LIMIT


@pytest.fixture(params=["abstract", "path"])
def address(request, tmp_path):
    if request.param == "path":
        return str(tmp_path / "notify")
    return f"@{tmp_path}"


@pytest.fixture
def receiver(address, monkeypatch):
    with ServiceManager(address) as receiver:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield receiver


class TestNotify:
    def test_it_says_that_the_service_is_ready(self, receiver):
        assert systemd.notify()
        assert systemd.notify("STATUS=warming up")
        assert receiver.rest() == [["READY=1"], ["READY=1", "STATUS=warming up"]]

    def test_once_is_enough(self, receiver):
        assert systemd.notify_once()
        assert "NOTIFY_SOCKET" not in os.environ
        assert systemd.notify_once()
        assert systemd.notify()
        assert receiver.rest() == [["READY=1"]]

    def test_nothing_is_said_where_nobody_asks(self, monkeypatch):
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
        assert systemd.notify()

    def test_what_cannot_be_said_is_logged(self, monkeypatch, caplog):
        monkeypatch.setenv("NOTIFY_SOCKET", "@nobody")
        assert not systemd.notify()
        assert "NOTIFY_SOCKET='@nobody'" in caplog.text
        assert caplog.records[0].levelno == logging.ERROR

    def test_a_queue_that_is_full_holds_nothing_up(self, receiver):
        sent = 0
        while systemd.notify():
            sent += 1
            assert sent < 100_000
        assert len(receiver.rest()) == sent


def test_a_launcher_says_it_by_notify_once(driver_name, driver, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    conf = cfg.ConfigOpts()
    conf([], project="test", default_config_files=[])
    with mock.patch("oslo_service.systemd.notify_once") as told:
        launcher = service.launch(conf, service.Service())
        told.side_effect = lambda *_: launcher.stop()
        assert launcher.wait() == 0
    told.assert_called_once_with()


class Broken(service.Service):
    def start(self):
        raise RuntimeError("it cannot start")


def test_what_has_ended_before_anybody_waits_is_said_all_the_same(
    driver_name, driver, receiver
):
    conf = cfg.ConfigOpts()
    conf([], project="test", default_config_files=[])
    launcher = service.launch(conf, Broken())
    launcher.services.wait()
    assert launcher.wait() == 1
    assert receiver.rest()[0][0] == "STOPPING=1"


class TestOnready:
    def wait(self, address, timeout, *messages):
        """Wait while somebody says something."""
        stopped = threading.Event()

        def say():
            name = address.replace("@", "\0")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                while not stopped.wait(0.01):
                    try:
                        sender.connect(name)
                    except OSError:
                        continue
                    with contextlib.suppress(ConnectionError):
                        # One message may be enough: then nobody listens any more.
                        for message in messages:
                            sender.send(message)
                    return

        thread = threading.Thread(target=say)
        thread.start()
        try:
            return systemd.onready(address, timeout)
        finally:
            stopped.set()
            thread.join()

    @pytest.mark.parametrize(
        ("message", "status"),
        [
            (b"READY=1", 0),
            (b"READY=1\nMAINPID=5\nSTATUS=4 workers", 0),
            (b"STATUS=nearly\nREADY=1", 0),
            (b"STATUS=nearly", 1),
            (b"NOT_READY=1", 1),
            (b"READY=10", 1),
            (b"", 1),
        ],
    )
    def test_it_tells_whether_the_service_is_ready(self, address, message, status):
        assert self.wait(address, LIMIT, message) == status

    def test_the_first_message_decides(self, address):
        assert self.wait(address, None, b"STATUS=nearly", b"READY=1") == 1

    @pytest.mark.parametrize("timeout", [1e18, float("inf")])
    def test_it_may_take_longer_than_the_system_counts(self, address, timeout):
        assert self.wait(address, timeout, b"READY=1") == 0

    @pytest.mark.parametrize("timeout", [0, 0.01])
    def test_it_does_not_wait_for_ever(self, address, timeout):
        assert systemd.onready(address, timeout) == 2

    def test_it_leaves_no_file_and_can_be_called_again(self, tmp_path):
        path = tmp_path / "notify"
        for _ in range(2):
            assert systemd.onready(str(path), 0) == 2
            assert not path.exists()

    def test_a_file_that_is_there_is_left_alone(self, tmp_path):
        path = tmp_path / "notify"
        path.touch()
        with pytest.raises(OSError, match=r"notify: Address already in use"):
            systemd.onready(str(path), 0)
        assert path.exists()

    @pytest.mark.parametrize("timeout", [-1, float("nan")])
    def test_a_time_that_is_none_is_refused(self, timeout):
        with pytest.raises(ValueError, match=f"not {timeout}"):
            systemd.onready("@never", timeout)

    def test_its_parameters_are_those_they_were(self):
        assert list(inspect.signature(systemd.onready).parameters) == [
            "notify_socket",
            "timeout",
        ]


class TestCommand:
    """python -m oslo_service.systemd."""

    def run(self, address, *arguments):
        environment = {**os.environ, "NOTIFY_SOCKET": address}
        if not address:
            del environment["NOTIFY_SOCKET"]
        return subprocess.Popen(
            [sys.executable, "-m", "oslo_service.systemd", *arguments],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process):
        with process:
            _, errors = process.communicate(timeout=LIMIT)
            return process.returncode, errors

    def test_without_arguments_it_says_that_the_service_is_ready(self, receiver):
        assert self.end(self.run(receiver.environment["NOTIFY_SOCKET"])) == (0, "")
        assert receiver.rest() == [["READY=1"]]

    @pytest.mark.parametrize(("status", "said"), [(0, "READY=1"), (1, "STATUS=no")])
    def test_with_a_time_it_waits_until_one_is(self, address, status, said):
        waiter = self.run(address, str(LIMIT))
        name = address.replace("@", "\0")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            while waiter.poll() is None:
                try:
                    sender.sendto(said.encode(), name)
                except OSError:
                    time.sleep(0.01)
                else:
                    break
        assert self.end(waiter) == (status, "")

    def test_it_does_not_wait_for_ever(self, address):
        assert self.end(self.run(address, "0.05")) == (2, "")

    def test_what_cannot_be_told_is_a_failure(self):
        status, errors = self.end(self.run("/nowhere/at/all"))
        assert status == 1
        assert "systemd cannot be told at NOTIFY_SOCKET='/nowhere/at/all'" in errors

    def test_without_an_address_there_is_nothing_to_wait_for(self):
        assert self.end(self.run("", "5")) == (0, "")

    @pytest.mark.parametrize("arguments", [("soon",), ("1", "2"), ("-1",)])
    def test_what_makes_no_sense_is_named(self, address, arguments):
        status, errors = self.end(self.run(address, *arguments))
        assert status == 1
        assert "usage: " in errors
        assert arguments[0] in errors
        assert "Traceback" not in errors
