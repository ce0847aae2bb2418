# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The example on a message bus: what becomes of calls, with a real RabbitMQ.

The tests share a broker. Two services are left idle while the other tests run,
and are looked at again by the last but one.
"""

import contextlib
import importlib.util
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from oslo_service.testing.live import Live

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "rpc"
# Those that oslo.messaging knows.
DRIVERS = ("threading", "eventlet")
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# How long the broker may take to start, in seconds.
PATIENCE = 90.0
# How long a service is idle, and by when a client that is silent is cut off.
IDLE, HEARTBEAT = 65.0, 10

if importlib.util.find_spec("oslo_messaging") is None:
    pytest.skip("oslo.messaging is not installed", allow_module_level=True)
if not RABBITMQ.exists():
    pytest.skip("Debian's rabbitmq-server is not installed", allow_module_level=True)

pytestmark = [pytest.mark.timeout(240), pytest.mark.starts_processes]

_BEGINS = re.compile(r" pid (\d+) INFO greeting: Call (\d+) begins", re.ASCII)
_TROUBLE = re.compile(r"ERROR|Traceback|unexpectedly|missed heartbeat|reconnect")


class Broker:
    """A broker that can be stopped, and started again as it was."""

    def __init__(self, home):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self._home = home
        self._process = None
        self.url = f"rabbit://guest:guest@127.0.0.1:{self._port}/"

    def start(self):
        arguments = ["--port", str(self._port), "--home", str(self._home)]
        self._process = Live([str(EXAMPLE / "broker.py"), *arguments], {})
        end = time.monotonic() + PATIENCE
        while not self._process.events("serving"):
            assert self._process.process.poll() is None, self._process.transcript
            assert time.monotonic() < end, self.log
            time.sleep(0.05)

    def stop(self):
        try:
            assert self._process.end() == 0, self._process.transcript
        finally:
            self.clean_up()

    def clean_up(self):
        if self._process is not None:
            self._process.clean_up()

    @property
    def log(self):
        return "".join(one.read_text() for one in (self._home / "log").glob("*.log"))


class Bus:
    """The service and its clients, on one driver."""

    def __init__(self, broker, home, driver, **options):
        self._url = broker.url
        self._topic = f"{home.name}-{driver}"
        self._driver = driver
        self._config = home / f"{driver}.conf"
        self._options = options
        self._running = contextlib.ExitStack()
        self.configure("Hello")

    def __enter__(self):
        self.launch()
        try:
            self.service.expect_text("Answering calls", 2)
        except BaseException:
            self.close()
            raise
        return self

    def launch(self):
        self.service = self._run(
            ["main.py", "--config-file", str(self._config)],
            OS_OSLO_SERVICE__BACKEND=self._driver,
        )

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._running.close()

    def _run(self, command, **environment):
        live = Live([str(EXAMPLE / command[0]), *command[1:]], environment)
        self._running.callback(live.clean_up)
        return live

    def client(self, *arguments, methods=("echo", "who", "slow")):
        which = [word for method in methods for word in ("--method", method)]
        bus = ["--url", self._url, "--topic", self._topic]
        return self._run(["client.py", *bus, *which, *arguments])

    def configure(self, greeting):
        options = {"graceful_shutdown_timeout": 60, **self._options}
        heartbeat = options.pop("heartbeat_timeout_threshold", 60)
        restart_method = options.pop("restart_method", "mutate")
        lines = [f"{name} = {value}" for name, value in options.items()]
        self._config.write_text(
            "\n".join(
                [
                    *("[DEFAULT]", f"transport_url = {self._url}", *lines),
                    "[oslo_messaging_rabbit]",
                    f"heartbeat_timeout_threshold = {heartbeat}",
                    *("[greeting]", f"topic = {self._topic}"),
                    f"greeting = {greeting}",
                    f"restart_method = {restart_method}\n",
                ]
            )
        )

    def begun(self):
        """Return the calls that have begun, and the processes that they began in."""
        return {
            int(call): int(pid)
            for pid, call in _BEGINS.findall(self.service.transcript)
        }

    def end(self):
        """Stop the service; it has to end well, and leave nothing behind."""
        assert self.service.end() == 0, self.service.transcript


def calls(client, event, **details):
    return {one["call"] for one in client.events(event, **details)}


def answering(client, beyond=(), **details):
    """Wait until two processes answer; give them.

    :param beyond: processes that do not count.
    """

    def found():
        told = client.events("answered", **details)
        return {one["pid"] for one in told if "pid" in one} - set(beyond)

    client.until(lambda: len(found()) == 2, f"two processes answer: {details}")
    return found()


def outcome(client):
    """Have a client make no more calls; give what became of those it made."""
    client.end()
    return client.events("end")[0]


def loses_none(client):
    end = outcome(client)
    bad = client.events("failed") + client.events("lost")
    assert end["answered"] == end["made"] > 0, bad
    assert bad == []
    return end


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = Broker(tmp_path_factory.mktemp("broker"))
    try:
        broker.start()
        yield broker
        broker.stop()
    finally:
        broker.clean_up()


@pytest.fixture
def driver_name(driver_name):
    if driver_name not in DRIVERS:
        pytest.skip(f"oslo.messaging does not know {driver_name}")
    return driver_name


@pytest.fixture
def bus(broker, driver_name, tmp_path, request):
    with Bus(broker, tmp_path, driver_name, **getattr(request, "param", {})) as bus:
        yield bus


@pytest.fixture(scope="module")
def idlers(broker, tmp_path_factory):
    """Services on every driver that have answered some calls, and are idle since."""
    home = tmp_path_factory.mktemp("idle")
    with contextlib.ExitStack() as running:
        found = [
            running.enter_context(
                Bus(broker, home, driver, heartbeat_timeout_threshold=HEARTBEAT)
            )
            for driver in DRIVERS
        ]
        for bus in found:
            client = bus.client()
            bus.pids = answering(client)
            loses_none(client)
            bus.idle_since, bus.heard = time.monotonic(), len(bus.service.transcript)
        yield found


reloading = pytest.mark.parametrize(
    "bus", [{"restart_method": "reload"}], indirect=True
)


def test_every_worker_answers_before_it_is_left_idle(idlers):
    assert [len(bus.pids) for bus in idlers] == [2] * len(DRIVERS)


def test_sighup_with_mutate_loses_no_call_and_resets_every_worker(bus):
    client = bus.client()
    before = answering(client, greeting="Hello", resets=0)
    bus.configure("Bonjour")

    bus.service.kill(signal.SIGHUP)

    assert answering(client, greeting="Bonjour", resets=1) == before
    assert {int(pid) for pid in loses_none(client)["by_pid"]} == before
    bus.end()


@reloading
def test_a_reload_loses_no_call_while_old_workers_are_still_at_work(bus):
    # What is delivered to an old worker, and not begun, has to go to another
    # before the slow calls are done: the quick ones do not wait for so long.
    quick = bus.client("--timeout", "8", methods=["echo", "who"])
    slow = bus.client(
        *("--seconds", "12", "--calls", "1", "--timeout", "40"), methods=["slow"]
    )
    before = answering(quick)
    bus.service.expect_text("begins: slow", 2)
    bus.configure("Bonjour")

    bus.service.kill(signal.SIGHUP)

    after = answering(quick, before, greeting="Bonjour", resets=1)
    assert not calls(slow, "answered")
    for pid in before:
        bus.service.expect_text(f"(pid {pid}) exited with status 0")
    loses_none(quick)
    loses_none(slow)
    assert before.isdisjoint(after)
    bus.end()


def test_kill_9_of_a_worker_loses_at_most_its_calls_in_flight(bus):
    client = bus.client("--timeout", "8", "--seconds", "1", "--threads", "4")
    victim, other = answering(client)

    def in_flight():
        ended = calls(client, "answered")
        return {call for call, pid in bus.begun().items() if pid == victim} - ended

    bus.service.until(lambda: len(in_flight()) > 1, "the victim is at work")
    bus.service.kill(signal.SIGKILL, victim)
    # Its connection is closed by then, and the broker gives it nothing more.
    bus.service.expect_text(f"(pid {victim}) was killed by SIGKILL")
    made = calls(client, "made")

    assert other in answering(client, [victim])
    end = outcome(client)
    lost, begun = calls(client, "lost"), bus.begun()
    assert end["failed"] == 0, client.events("failed")
    assert len(lost) <= 3 * 4, "no more than the client had in flight"
    assert lost <= made
    assert {begun.get(call, victim) for call in lost} <= {victim}
    bus.end()


def test_on_sigterm_every_call_begun_is_answered_and_the_status_is_0(bus):
    client = bus.client("--seconds", "2", "--threads", "4", "--timeout", "20")
    answering(client)

    def in_flight():
        return bus.begun().keys() - calls(client, "answered")

    bus.service.until(lambda: len(in_flight()) >= 4, "calls are in flight")
    unanswered = in_flight()
    bus.end()

    begun = bus.begun().keys()
    assert unanswered <= begun
    client.until(
        lambda: begun <= calls(client, "answered") | calls(client, "lost"),
        "every call begun has an end",
    )
    assert begun <= calls(client, "answered"), begun & calls(client, "lost")


def test_limits_in_the_wrong_order_are_refused(broker, driver_name, tmp_path):
    bus = Bus(broker, tmp_path, driver_name, graceful_shutdown_timeout=30)
    bus.launch()
    try:
        assert bus.service.wait() == 1
        bus.service.expect_text("longest_call is 30, but has to be less than")
    finally:
        bus.close()


def test_idle_for_65_s_it_misses_no_heartbeat(idlers, broker):
    for bus in idlers:
        time.sleep(max(0.0, bus.idle_since + IDLE - time.monotonic()))
        said = bus.service.transcript[bus.heard :]
        assert not _TROUBLE.search(said), said
    assert "missed heartbeats from client" not in broker.log
    for bus in idlers:
        client = bus.client()
        assert answering(client) == bus.pids
        loses_none(client)
        bus.end()


def test_after_a_restart_of_the_broker_the_service_answers_again(bus, broker):
    client = bus.client("--timeout", "3", "--threads", "1")
    before = answering(client)
    broker.stop()
    broker.start()
    last = max(calls(client, "made"))

    def answered_since():
        told = client.events("answered")
        return {one["pid"] for one in told if "pid" in one and one["call"] > last}

    end = time.monotonic() + PATIENCE
    while answered_since() != before:
        assert time.monotonic() < end, bus.service.transcript
        time.sleep(0.05)
    client.clean_up()
    bus.end()
