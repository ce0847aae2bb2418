# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a server of HTTP does with a load, and with clients who misbehave."""

import contextlib
import functools
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.contestants import (
    CHEROOT,
    GUNICORN,
    NGINX,
    OURS_EVENTLET,
    OURS_GEVENT,
    OURS_THREADING,
    UPSTREAM_EVENTLET,
    UWSGI,
    WAITRESS,
    Contestant,
)
from harness.measure import Measure, Row, at_least, at_most
from harness.web import Load, Site, serving

__all__ = ("MEASURES", "make_certificate", "take_load")

_OURS = (OURS_THREADING, OURS_EVENTLET)
_LIBRARIES = (*_OURS, UPSTREAM_EVENTLET)
_EVERYONE = (*_LIBRARIES, CHEROOT, WAITRESS, GUNICORN, UWSGI)
_WARM_UP = 1
_REQUEST = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
_IDLE = 2000
_SLOW, _SILENT, _DEAF = 200, 50, 50
_NO_HANDSHAKE = 20


def take_load(
    contestant: Contestant,
    *,
    path: str,
    arguments: tuple[str, ...] = (),
    files: tuple[Path, ...] = (),
) -> dict[str, float]:
    """Return what a load of one kind costs.

    :param arguments: further ones for wrk.
    :param files: a certificate and its key: for HTTPS.
    """
    with serving(contestant, 1, *files) as site:
        site.load(path, *arguments, seconds=_WARM_UP)
        load = site.load(path, *arguments)
    return load._asdict()


def _take_two_workers(contestant: Contestant) -> dict[str, float]:
    with serving(contestant, 2, apart=False) as site:
        site.load("/", seconds=_WARM_UP)
        return site.load("/")._asdict()


def _take_mix(contestant: Contestant) -> dict[str, float]:
    with serving(contestant) as site:
        site.load("/quick", seconds=_WARM_UP, connections=25)
        alone = site.load("/quick", connections=25)
        slow = site.begin_load("/slow", seconds=6, connections=25)
        time.sleep(_WARM_UP)
        mixed = site.load("/quick", connections=25)
        slow.communicate()
    return {
        "alone": alone.p99,
        "mixed": mixed.p99,
        "ratio": mixed.p99 / alone.p99 if alone.p99 else 0.0,
    }


def _take_idle(contestant: Contestant) -> dict[str, float]:
    with serving(contestant) as site, contextlib.ExitStack() as crowd:
        site.load("/", seconds=_WARM_UP)
        before = site.load("/")
        memory = site.memory
        for _ in range(_IDLE):
            client = crowd.enter_context(site.connect(_REQUEST % b""))
            client.recv(4096)
        memory = site.memory - memory
        during = site.load("/")
        crowd.close()
        after = site.load("/")
    return {"kilobytes": memory / _IDLE, **_beside(before, during, after)}


def _beside(before: Load, during: Load, after: Load) -> dict[str, float]:
    """Return what a crowd of other clients has changed, as shares of the usual."""
    return {
        "share": during.rate / statistics.mean((before.rate, after.rate)),
        "late": during.p99 / statistics.mean((before.p99, after.p99)),
        "cost": during.cpu / statistics.mean((before.cpu, after.cpu)),
    }


def _take_abuse(contestant: Contestant, *, tls: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        files = make_certificate(Path(folder)) if tls else ()
        with serving(contestant, 1, *files) as site:
            site.load("/", seconds=_WARM_UP)
            before = site.load("/")
            with _crowd(site, tls=tls):
                during = site.load("/")
            after = site.load("/")
    return _beside(before, during, after)


@contextlib.contextmanager
def _crowd(site: Site, *, tls: bool) -> Iterator[None]:
    """Have clients that are slow, silent, deaf, or do not shake hands."""
    ended = threading.Event()
    with contextlib.ExitStack() as clients:

        def enter(count: int, data: bytes = b"", buffer: int = 0) -> list:
            return [
                clients.enter_context(site.connect(data, buffer=buffer))
                for _ in range(count)
            ]

        slow = enter(_SLOW)
        enter(_SILENT)
        if tls:
            enter(_NO_HANDSHAKE, b"\x16\x03\x01")
        else:
            enter(_DEAF, _REQUEST % b"huge", buffer=4096)
        dripping = threading.Thread(target=_drip, args=(slow, ended))
        dripping.start()
        try:
            yield
        finally:
            ended.set()
            dripping.join()


def _drip(clients: list, ended: threading.Event) -> None:
    """Send a byte a second each."""
    for byte in _REQUEST % (b"x" * 1000):
        for client in clients:
            with contextlib.suppress(OSError):
                client.send(bytes([byte]))
        if ended.wait(1):
            return


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Return the files of a new certificate and its key."""
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]),
        ],
        check=True,
        capture_output=True,
    )
    return files


def _faster(value: str, what: str, threads: float, greens: float) -> tuple[Row, Row]:
    """Return two rows: each driver has a factor of its own to reach."""
    return (
        Row(what, value, at_least(threads, UPSTREAM_EVENTLET)),
        Row(
            f"{what} (Eventlet)",
            value,
            at_least(greens, UPSTREAM_EVENTLET),
            judged=(OURS_EVENTLET,),
        ),
    )


_row: Callable[..., Row] = functools.partial(Row, judged=_OURS)
_load: Callable[..., Callable] = functools.partial(functools.partial, take_load)

MEASURES = (
    Measure(
        "http-hello",
        (OURS_GEVENT, *_EVERYONE, NGINX),
        _load(path="/"),
        (
            _row("hello: CPU a request, us", "cpu", at_most(1 / 3, UPSTREAM_EVENTLET)),
            *_faster("rate", "hello: requests a second", 4, 3),
            _row("hello: p99, ms", "p99", at_most(1 / 4, UPSTREAM_EVENTLET)),
        ),
    ),
    Measure(
        "http-fresh",
        _EVERYONE,
        _load(path="/", arguments=("-H", "Connection: close")),
        (
            _row(
                "a connection each: CPU a request, us",
                "cpu",
                at_most(1 / 2, UPSTREAM_EVENTLET),
            ),
            _row("a connection each: requests a second", "rate"),
        ),
    ),
    Measure(
        "http-large",
        _EVERYONE,
        _load(path="/large"),
        (
            _row("64 KiB: CPU a request, us", "cpu", at_most(1 / 2, UPSTREAM_EVENTLET)),
            _row("64 KiB: requests a second", "rate"),
        ),
    ),
    Measure(
        "http-sleep",
        _EVERYONE,
        _load(path="/sleep"),
        _faster("rate", "5 ms of sleep: requests a second", 1.1, 1.0),
    ),
    Measure(
        "http-workers",
        (*_LIBRARIES, GUNICORN, UWSGI),
        _take_two_workers,
        (
            _row(
                "two workers: requests a second",
                "rate",
                at_least(3, UPSTREAM_EVENTLET),
            ),
        ),
    ),
    Measure(
        "http-compute",
        _EVERYONE,
        _load(path="/compute"),
        (
            _row("5 ms of CPU: requests a second", "rate"),
            _row("5 ms of CPU: p99, ms", "p99"),
        ),
        rounds=3,
    ),
    Measure(
        "http-mix",
        _EVERYONE,
        _take_mix,
        (
            _row("0.1 ms of sleep: p99, ms", "alone"),
            _row("0.1 ms beside 50 ms: p99, ms", "mixed"),
            _row("0.1 ms beside 50 ms: p99, times that alone", "ratio", at_most(3)),
        ),
        rounds=3,
    ),
    Measure(
        "http-idle",
        _OURS,
        _take_idle,
        (
            _row("2,000 idle: share of the requests a second", "share", at_least(0.95)),
            _row("2,000 idle: CPU a request, times the usual", "cost", at_most(1.05)),
            Row("an idle connection: memory, KB", "kilobytes", at_most(4)),
        ),
        rounds=3,
    ),
    Measure(
        "http-abuse",
        _OURS,
        functools.partial(_take_abuse, tls=False),
        (
            _row("abuse: share of the requests a second", "share", at_least(0.9)),
            _row("abuse: p99, times the usual", "late", at_most(2)),
            _row("abuse: CPU a request, times the usual", "cost", at_most(1.05)),
        ),
        rounds=3,
    ),
    Measure(
        "https-abuse",
        _OURS,
        functools.partial(_take_abuse, tls=True),
        (
            _row("TLS, abuse: share of the requests", "share", at_least(0.9)),
            _row("TLS, abuse: p99, times the usual", "late", at_most(2)),
        ),
        rounds=3,
    ),
)
