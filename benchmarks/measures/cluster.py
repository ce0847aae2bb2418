# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What it costs to be in a cluster, and how soon its members agree."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from oslo_service.testing.live import children, die_with_the_tests
from oslo_service.testing.proxy import Proxy
from oslo_service.testing.servers import SERVERS

from harness.contestants import OURS_EVENTLET, OURS_THREADING, Contestant
from harness.measure import Measure, Row
from harness.places import start
from harness.process import cpu_time

__all__ = ("MEASURES",)

_SERVERS = ("etcd", "redis")
# What an idle member is watched for, in leases of so many seconds.
_IDLE_LEASE, _LEASES = 15, 2
_SETTLE = 5.0
_MEMBERS, _KEYS, _LEASE = 100, 10_000, 15
# How long they may take to agree, in seconds.
_PATIENCE = 120.0


class _Members:
    """A program of many workers, and what they tell."""

    def __init__(
        self, contestant: Contestant, url: str, lease: int, workers: int, keys: int
    ) -> None:
        self._place = tempfile.TemporaryDirectory()
        self._report = Path(self._place.name) / "report"
        self._report.touch()
        given = url, lease, workers, keys, self._report
        self._process = start(
            contestant.command("programs.cluster_member", contestant.role, *given),
            preexec_fn=die_with_the_tests,
        )

    @property
    def workers(self) -> list[int]:
        """Their processes."""
        return children(self._process.pid)

    def agree(
        self, count: int, keys: int, since: float, without: int = 0, members: int = 0
    ) -> float:
        """Wait until so many share all keys; return how long that took, in seconds.

        :param without: a process that does not count.
        :param members: how many they see; 0: themselves.
        """
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            told = {}
            for line in self._report.read_text().splitlines():
                pid, *rest = line.split()
                told[int(pid)] = [float(word) for word in rest]
            told.pop(without, None)
            right = [one for one in told.values() if one[1] == (members or count)]
            if len(right) == count and sum(one[2] for one in right) == keys:
                return max(one[0] for one in right) - since
            time.sleep(0.05)
        raise TimeoutError(f"{count} members do not agree")

    def close(self) -> None:
        """End them."""
        for pid in [self._process.pid, *self.workers]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._place.cleanup()


@contextlib.contextmanager
def _server(name: str) -> Iterator[Proxy]:
    """Start a server, with a proxy before it."""
    with (
        tempfile.TemporaryDirectory() as home,
        SERVERS[name](Path(home)) as server,
        Proxy(("127.0.0.1", server.port)) as proxy,
    ):
        yield proxy


def _idle(name: str) -> Callable[[Contestant], dict[str, float]]:
    def take(contestant: Contestant) -> dict[str, float]:
        with _server(name) as proxy, contextlib.ExitStack() as ending:
            url = SERVERS[name].url_of(*proxy.address)
            holder = _Members(contestant, url, _IDLE_LEASE, 1, 0)
            ending.callback(holder.close)
            holder.agree(1, 0, 0.0)
            held = _watch(proxy, holder)
            # Another one, which asks for the lock that the first one has.
            waiter = _Members(contestant, url, _IDLE_LEASE, 1, 0)
            ending.callback(waiter.close)
            waiter.agree(1, 0, 0.0, members=2)
            both = _watch(proxy, waiter)
        return {
            **held,
            "waiting_bytes": both["bytes"] - held["bytes"],
            "waiting_messages": both["messages"] - held["messages"],
            "waiting_cpu_ms": both["cpu_ms"],
        }

    return take


def _watch(proxy: Proxy, members: _Members) -> dict[str, float]:
    """Return what a member does in a lease, and what passes the proxy."""
    (pid,) = members.workers
    time.sleep(_SETTLE)
    before = proxy.passed, proxy.pieces, cpu_time(pid)
    time.sleep(_LEASES * _IDLE_LEASE)
    after = proxy.passed, proxy.pieces, cpu_time(pid)
    passed, pieces, cpu = (
        (end - begin) / _LEASES for end, begin in zip(after, before, strict=True)
    )
    return {"bytes": passed, "messages": pieces, "cpu_ms": cpu * 1000}


def _agreement(name: str) -> Callable[[Contestant], dict[str, float]]:
    def take(contestant: Contestant) -> dict[str, float]:
        with _server(name) as proxy, contextlib.ExitStack() as ending:
            url = SERVERS[name].url_of(*proxy.address)
            begun = time.monotonic()
            members = _Members(contestant, url, _LEASE, _MEMBERS, _KEYS)
            ending.callback(members.close)
            numbers = {"joined": members.agree(_MEMBERS, _KEYS, begun)}
            leaver, gone, *_ = members.workers
            since = time.monotonic()
            os.kill(leaver, signal.SIGUSR1)
            numbers["left"] = members.agree(_MEMBERS - 1, _KEYS, since, leaver)
            since = time.monotonic()
            os.kill(gone, signal.SIGSTOP)
            # Of the one that has left nothing is heard any more.
            numbers["gone"] = members.agree(_MEMBERS - 2, _KEYS, since, gone)
        return numbers

    return take


def _measure(name: str) -> tuple[Measure, Measure]:
    each = f"{name}, idle member, in a lease of {_IDLE_LEASE} s"
    many = f"{name}, {_MEMBERS} members, {_KEYS} keys"
    who = OURS_THREADING, OURS_EVENTLET
    return (
        Measure(
            f"cluster-{name}-idle",
            who,
            _idle(name),
            (
                Row(f"{each}: bytes", "bytes"),
                Row(f"{each}: messages", "messages"),
                Row(f"{each}: CPU, ms", "cpu_ms"),
                Row(f"{each} that waits for the lock: bytes", "waiting_bytes"),
                Row(f"{each} that waits for the lock: messages", "waiting_messages"),
                Row(f"{each} that waits for the lock: CPU, ms", "waiting_cpu_ms"),
            ),
            rounds=1,
        ),
        Measure(
            f"cluster-{name}-agreement",
            who,
            _agreement(name),
            (
                Row(f"{many}: s until all agree at first", "joined"),
                Row(f"{many}: s after one has left", "left"),
                Row(f"{many}: s after one was paused, lease of {_LEASE} s", "gone"),
            ),
            rounds=1,
        ),
    )


MEASURES = tuple(
    measure
    for name in _SERVERS
    if SERVERS[name].obstacle() is None
    for measure in _measure(name)
)
