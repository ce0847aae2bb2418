# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Calls the greeting service all the time: ``python client.py [OPTION...]``.

Writes what becomes of each call, a line of JSON each. On SIGTERM or SIGINT it
begins no more calls, waits for those begun, and writes how many were answered,
how many failed, how many were lost (no answer came in time), and who answered.
"""

import argparse
import collections
import itertools
import json
import signal
import sys
import threading
from typing import Any

import oslo_messaging
from oslo_config import cfg

METHODS = ("echo", "who", "slow")


class Caller:
    """Calls from several threads, and keeps count.

    :param client: what to call with.
    :param arguments: those of the command line.
    """

    def __init__(self, client: Any, arguments: argparse.Namespace) -> None:
        self._client = client
        self._arguments = arguments
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._ends: collections.Counter[str] = collections.Counter()
        self._pids: collections.Counter[int] = collections.Counter()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[method])
            for method in arguments.method
            for _ in range(arguments.threads)
        ]

    def start(self) -> None:
        """Begin to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin no more calls, wait for those begun, and say how they ended."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._say(
            "end",
            **{end: self._ends[end] for end in ("answered", "failed", "lost")},
            made=self._ends.total(),
            by_pid=self._pids,
        )

    def _run(self, method: str) -> None:
        for _ in range(self._arguments.calls or sys.maxsize):
            if self._over.wait(self._arguments.pause):
                return
            self._call(next(self._numbers), method)

    def _call(self, number: int, method: str) -> None:
        details: dict[str, Any] = {}
        self._say("made", call=number, method=method)
        try:
            answer = self._ask(number, method)
        except oslo_messaging.MessagingTimeout:
            end = "lost"
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is told
            end, details = "failed", {"error": f"{type(exc).__name__}: {exc}"}
        else:
            end, details = "answered", answer
        with self._lock:
            self._ends[end] += 1
            if "pid" in details:
                self._pids[details["pid"]] += 1
        self._say(end, call=number, method=method, **details)

    def _ask(self, number: int, method: str) -> dict[str, Any]:
        context = {"call": number}
        if method == "echo":
            text = f"call {number}"
            answer = self._client.call(context, "echo", text=text)
            if answer != text:
                raise ValueError(f"sent {text!r}, got {answer!r}")
            return {}
        more = {"seconds": self._arguments.seconds} if method == "slow" else {}
        return self._client.call(context, method, **more)

    def _say(self, event: str, /, **details: Any) -> None:
        line = json.dumps({"event": event, **details}) + "\n"
        with self._lock:
            sys.stdout.write(line)
            sys.stdout.flush()


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--url", default="rabbit://guest:guest@127.0.0.1:5672/", help="the broker")
    add("--topic", default="greeting", help="what to call")
    add("--method", choices=METHODS, action="append", help="default: all of them")
    add("--threads", type=int, default=2, help="how many for each method")
    add("--calls", type=int, help="how many in each thread; default: no end")
    add("--timeout", type=float, default=10.0, help="of a call, in seconds")
    add("--pause", type=float, default=0.02, help="between two calls, in seconds")
    add("--seconds", type=float, default=0.5, help="how long a slow call takes")
    arguments = parser.parse_args()
    arguments.method = arguments.method or list(METHODS)
    return arguments


def main() -> None:
    """Call until told to stop."""
    arguments = parse()
    cfg.CONF([])
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    transport = oslo_messaging.get_rpc_transport(cfg.CONF, url=arguments.url)
    target = oslo_messaging.Target(topic=arguments.topic, version="1.0")
    client = oslo_messaging.get_rpc_client(transport, target, timeout=arguments.timeout)
    caller = Caller(client, arguments)
    caller.start()
    signal.sigwait(signals)
    caller.stop()
    transport.cleanup()


if __name__ == "__main__":
    main()
