# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service in the storm: loops, a group, HTTP, and children that are not ours.

Run as ``python program.py PLAN``, a JSON object: ``place``, its directory;
``driver``; ``workers``; ``limit``, of shutdown, in seconds; ``restart_method``;
``admin``, whether it has the admin endpoint; and for tests a
``fault``, of :mod:`faults`.
"""

# ruff: noqa: E402 - a driver patches before anything else is imported

import json
import os
import sys
import time
from pathlib import Path

from shared import Beats, Board, Recorder

PLAN = json.loads(sys.argv[1])
PLACE = Path(PLAN["place"])
BOARD = Board(PLACE / "board")
# Eventlet's own waits until something can be written.
write = os.write
record = Recorder(PLACE / "record", write)
count = Beats(BOARD).count
_wall_time, _wall_time_ns = time.time, time.time_ns
# The wall clock is stepped; all else is as it is.
time.time = lambda: _wall_time() + BOARD.get("clock")
time.time_ns = lambda: _wall_time_ns() + int(BOARD.get("clock") * 1e9)

os.environ["OS_OSLO_SERVICE__BACKEND"] = PLAN["driver"]
from oslo_service import backend

backend.bootstrap(argv=[])

import logging
import multiprocessing
import random
import signal
import subprocess
import traceback
from typing import Any

from oslo_config import cfg
from oslo_service import events, loopingcall, opts, service, threadgroup, wsgi
from oslo_service.serving import engine
from oslo_service.serving.acceptor import Acceptor

import faults

CONF = cfg.CONF
LOG = logging.getLogger("storm")
#: What would end a process that has no handler.
SIGNALS = ("HUP", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PIPE")
#: How long the children live that are not the library's, in seconds.
STAY = 1.0
#: Those of this process that nobody else reaps.
children: list[int] = []


def misbehave(method: str) -> None:
    """Be slow, or fail, as is wanted."""
    delay = BOARD.get(f"{method}_delay")
    if delay:
        time.sleep(delay)
    if random.random() < BOARD.get(f"{method}_fails"):
        raise RuntimeError(f"{method}() fails as asked")


class Stormy(service.Service):
    """Uses what the library has."""

    def __init__(self, server: wsgi.Server) -> None:
        super().__init__()
        self.server = server
        self.loop: Any = None

    def start(self) -> None:
        misbehave("start")
        handler = service.SignalHandler()
        handler.add_handler("SIGUSR1", on_usr1)
        handler.add_handler("SIGUSR2", on_usr2)
        self.loop = loopingcall.FixedIntervalLoopingCall(tick)
        self.loop.start(0.2, stop_on_exception=False)
        self.tg.add_timer(0.2, count, None, "timer")
        self.tg.add_thread(self.work)
        self.server.start()
        record("started")

    def work(self) -> None:
        """Do nothing until told to stop."""
        threadgroup.stop_requested().wait()

    def stop(self, graceful: bool = False) -> None:
        record("stopping")
        self.server.stop()
        if self.loop is not None:
            self.loop.stop()
        try:
            misbehave("stop")
        finally:  # else it is the program's fault that its wait() takes all its time
            super().stop(graceful)

    def wait(self) -> None:
        self.server.wait()
        super().wait()
        misbehave("wait")

    def reset(self) -> None:
        self.server.reset()


def tick() -> None:
    """Count, write to a disk that may be full, and reap."""
    count("loop")
    reap()
    with (PLACE / "disk" / "state").open("w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n" * 100)


def reap() -> None:
    """Reap the children that have ended."""
    multiprocessing.active_children()
    for pid in list(children):
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                continue
        except ChildProcessError:
            pass
        if pid in children:
            children.remove(pid)


# Children that are not the library's


def fork() -> int:
    """Have a child that goes on in Python."""
    pid = os.fork()
    if pid == 0:
        try:
            time.sleep(STAY)
        finally:
            os._exit(0)
    children.append(pid)
    return pid


def execute() -> int:
    """Have a child that is another program, with what can be inherited."""
    child = subprocess.Popen(["/bin/sleep", f"{STAY}"], close_fds=False)
    child.returncode = 0  # reaped as the others are
    children.append(child.pid)
    return child.pid


def stay() -> None:
    """Stay for a while, and end."""
    time.sleep(STAY)
    if PLAN["driver"] == "eventlet":
        # Where a green thread has forked it, Eventlet has the end wait for ever.
        os._exit(0)


def multiprocess() -> int:
    """Have a child of multiprocessing."""
    child = multiprocessing.get_context("fork").Process(
        target=stay, daemon=random.random() < 0.5
    )
    child.start()
    assert child.pid is not None
    return child.pid


MAKERS = {"fork": fork, "execute": execute, "multiprocess": multiprocess}


def on_usr1(*_: Any) -> None:
    count("usr1")


def on_usr2(*_: Any) -> None:
    count("usr2")


def have_child(*_: Any) -> None:
    """Have a child of the parent's: what it cannot have, it has not."""
    count("usr2")
    reap()
    if len(children) > 20:
        return
    try:
        record("foreign", random.choice((fork, execute))())
    except OSError as exc:
        LOG.warning("There is no room for a child: %s", exc)


def application(environ: Any, start_response: Any) -> Any:
    """Answer at once, or in a while, or have a child."""
    name = environ["PATH_INFO"].strip("/")
    status = "200 OK"
    if name == "slow":
        time.sleep(random.uniform(0.05, 0.3))
    elif name in MAKERS:
        try:
            record("foreign", MAKERS[name]())
        except OSError:
            status = "507 No Room"
    start_response(status, [("Content-Type", "text/plain")])
    return [b"%d\n" % os.getpid()]


# What is told to who watches


class Accepting(Acceptor):
    """Records who was accepted, and by which process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connect = self._connect

        def recording(client: Any, address: Any) -> None:
            record("accepted", address.decode("ascii").strip("\0"))
            faults.on_accepted(client)
            connect(client, address)

        self._connect = recording


def observe(event: Any) -> None:
    """Record an event of the library's."""
    details = {
        name: value
        for name, value in vars(event).items()
        if isinstance(value, int | float | str) or value is None
    }
    record(type(event).__name__, details)


def show_stacks(*_: Any) -> None:
    """Say where this process is: for who looks for a fault.

    Not by faulthandler: a burst of signals overflows the stack that it has them on.
    """
    for frame in sys._current_frames().values():
        text = "".join(traceback.format_stack(frame)[-6:])
        write(2, f"--- in {os.getpid()}:\n{text}".encode())


def tell_time(line: logging.LogRecord) -> bool:
    """Give a line the time that whoever watches has, whatever the wall clock says."""
    line.now = time.monotonic()
    return True


def log_everywhere() -> None:
    """Log to the standard error, and to the disk that may be full."""
    formatter = logging.Formatter("%(now).3f %(levelname)s %(process)d %(message)s")
    for handler in (
        logging.StreamHandler(),
        logging.FileHandler(PLACE / "disk" / "log"),
    ):
        handler.setFormatter(formatter)
        handler.addFilter(tell_time)
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)


def main() -> None:
    """Run until told to stop."""
    for name in SIGNALS:
        # What comes before the library listens, or after it, is passed over.
        signal.signal(getattr(signal, f"SIG{name}"), lambda *_: None)
    log_everywhere()
    signal.signal(signal.SIGXCPU, show_stacks)
    opts.register_service_opts(CONF)
    # Also where a file is found to be empty.
    CONF.set_default("graceful_shutdown_timeout", PLAN["limit"])
    if PLAN.get("admin"):
        CONF.set_default("admin_socket", str(PLACE / "admin"), group="oslo_service")
    CONF(["--config-file", str(PLACE / "conf")], project="storm")
    server = wsgi.Server(
        CONF,
        "storm",
        application,
        socket_family=1,
        socket_file=str(PLACE / "socket"),
    )
    vars(engine)["Acceptor"] = Accepting
    events.subscribe(observe)
    os.register_at_fork(after_in_child=lambda: events.subscribe(observe))
    faults.begin(PLAN.get("fault"))
    launcher = service.launch(
        CONF,
        Stormy(server),
        workers=PLAN["workers"],
        restart_method=PLAN["restart_method"],
    )
    handler = service.SignalHandler()
    handler.add_handler("SIGUSR1", on_usr1)
    handler.add_handler("SIGUSR2", have_child)
    record("launched")
    status = launcher.wait()
    record("last", status)
    sys.exit(faults.status(status))


if __name__ == "__main__":
    main()
