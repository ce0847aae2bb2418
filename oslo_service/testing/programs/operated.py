# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that serves HTTP, and fails, hangs or grows as its configuration says.

See :mod:`.daemon` for its plan.
"""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from oslo_config import cfg

from oslo_service import backend, opts, service, work, wsgi

CONF = cfg.CONF
PLAN = daemon.PLAN
OPTIONS = [
    cfg.IntOpt("edition", default=0),
    # What start() does: serve, raise, hang; or "second raises".
    cfg.StrOpt("start", default="serves"),
    cfg.IntOpt("number", default=0),
]
# What a worker does at SIGUSR1, by a trait of the plan.
TROUBLE: dict[str, Any] = {}


def pid(_environ: Any, start: Any) -> Any:
    """Answer with the process id."""
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


F = TypeVar("F", bound=Callable[[], None])


def trouble(trait: str) -> Callable[[F], F]:
    """Record what a worker does at SIGUSR1 with a trait."""

    def record(function: F) -> F:
        TROUBLE[trait] = function
        return function

    return record


@trouble("keeps the GIL")
def keep_the_gil() -> None:
    """Compute in C, and let nobody have the GIL."""
    re.match(r"(a+)+$", "a" * 64 + "b")


@trouble("blocks")
def block_the_main_thread() -> None:
    """Block the thread, or the hub, that everything is attended to in."""
    backend.get_backend().original("time").sleep(600)


@trouble("spins")
def spin() -> None:
    """Never come back."""
    while True:
        pass


@trouble("stops")
def stop() -> None:
    """Be stopped, as by a debugger."""
    os.kill(os.getpid(), signal.SIGSTOP)


@trouble("works")
def work_too_long() -> None:
    """Be at something for longer than it may take."""

    def run() -> None:
        with work.track("a long thing", id=7, limit=0.5):
            time.sleep(600)

    threading.Thread(target=run, daemon=True).start()


@trouble("grows")
def grow() -> None:
    """Use 256 MiB more."""
    kept = TROUBLE["kept"] = bytearray(256 << 20)
    kept[:: 1 << 12] = b"x" * (len(kept) >> 12)


def is_second() -> bool:
    """Whether this is the second process that asks, or a later one."""
    try:
        os.close(os.open(PLAN.gate + ".first", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return True
    return False


class Operated(service.Service):
    """Serves."""

    def __init__(self, server: wsgi.Server) -> None:
        super().__init__()
        self.server = server

    def start(self) -> None:
        """Do as the configuration says."""
        if CONF.start == "raises" or (CONF.start == "second raises" and is_second()):
            raise RuntimeError("start raises as configured")
        if CONF.start == "hangs":
            daemon.say("hanging")
            time.sleep(600)
        for trait in PLAN.traits & set(TROUBLE):
            service.SignalHandler().add_handler(
                "SIGUSR1", lambda *_, trait=trait: self.misbehave(trait)
            )
        self.server.start()
        daemon.say("serving", edition=CONF.edition)

    def misbehave(self, trait: str) -> None:
        """Make trouble."""
        daemon.say("trouble", kind=trait)
        TROUBLE[trait]()

    def stop(self, graceful: bool = False) -> None:
        """Refuse, and finish."""
        self.server.stop()
        daemon.say("stopped", edition=CONF.edition)
        super().stop(graceful)

    def wait(self) -> None:
        """Wait for what has begun."""
        self.server.wait()
        super().wait()

    def reset(self) -> None:
        """Say so."""
        daemon.say("reset", edition=CONF.edition)


def main() -> None:
    """Serve until told to stop."""
    daemon.log_to_stderr()
    CONF.register_opts(OPTIONS)
    opts.register_service_opts(CONF)
    CONF(PLAN.arguments, project="operated")
    server = wsgi.Server(CONF, "operated", pid, host="127.0.0.1")
    launcher = service.launch(
        CONF,
        Operated(server),
        workers=PLAN.workers,
        restart_method=PLAN.restart_method,
    )
    daemon.say("listening", host=server.host, port=server.port)
    status = launcher.wait()
    daemon.say("last", status=status)
    sys.exit(status)


if __name__ == "__main__":
    main()
