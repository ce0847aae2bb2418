# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that has processes besides its workers; see :mod:`.daemon` for its plan.

It has that program's traits, and its own.
"""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import atexit
import concurrent.futures
import contextlib
import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from oslo_service import opts, service

CONF = cfg.CONF
TRAITS = daemon.PLAN.traits
say = daemon.say
# From linux/sched.h.
_CLONE_NEWPID = 0x20000000
# How long work takes, in seconds, that is in progress when the end comes: it has to
# last beyond stop(), and that of an executor, which is begun earlier, beyond the start
# of all workers, too.
_WORK = 0.5
_WORK_OF_EXECUTOR = 1.5
# For what never ends by itself.
_FOR_EVER = 600


def await_child(where: str, child: int) -> None:
    """Say how a child has ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    say("child ended", where=where, status=status)


def fork_and_exit(where: str, status: int) -> None:
    """Fork a child that exits."""
    child = os.fork()
    if not child:
        sys.exit(status)
    await_child(where, child)


def fork_and_raise() -> None:
    """Fork a child that fails."""
    child = os.fork()
    if not child:
        raise RuntimeError("in the child")
    await_child("raises", child)


def fork_and_return(where: str) -> None:
    """Fork a child that has nothing more to do."""
    child = os.fork()
    if child:
        await_child(where, child)


class Neighbour(daemon.Daemon):
    """Has a child, or becomes another program."""

    name = "neighbour"
    child: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.stopped = threading.Event()

    def start(self) -> None:
        """Start, and have those told who wait for it."""
        super().start()
        self.begun.set()

    def employ(self) -> None:
        """Do what the traits say."""
        super().employ()
        children = {
            "terminated child": self.terminate_child,
            "asked child": self.ask_child,
            "ending children": self.have_children_end,
        }
        for trait, have in children.items():
            if trait in TRAITS:
                have()
        if "finalizer" in TRAITS:
            weakref.finalize(self, say, "finalized")
        if "thread" in TRAITS:
            threading.Thread(target=self.finish_late).start()
        if "idle child" in TRAITS:
            self.held = multiprocessing.get_context("fork").Process(target=idle)
            self.held.daemon = True
            self.held.start()
            say("child", child=self.held.pid)
        for trait, call in EXECUTORS.items():
            if trait in TRAITS:
                self.employ_executor(call)
        if "hanging exit handler" in TRAITS:
            atexit.register(time.sleep, _FOR_EVER)
        if "another program" in TRAITS:
            say("becomes another program")
            os.execv("/bin/sleep", ["sleep", "600"])  # noqa: S606

    def employ_executor(self, call: Callable[[], object] | None) -> None:
        """Have processes of an executor, which are left to the end."""
        context = multiprocessing.get_context("fork")
        self.executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=context)
        say("child", child=self.executor.submit(os.getpid).result(30))
        if call is not None:
            self.executor.submit(call)

    def finish_late(self) -> None:
        """Finish what has begun after everything else."""
        self.stopped.wait()
        time.sleep(_WORK)
        say("finished")

    def terminate_child(self) -> None:
        """Have a child of multiprocessing, and end it as one does."""
        child = multiprocessing.get_context("fork").Process(target=idle)
        child.daemon = True
        child.start()
        say("child", child=child.pid)
        child.terminate()
        child.join(10)
        say("terminated", status=child.exitcode)

    def ask_child(self) -> None:
        """Have a child that goes on in Python, and waits where this one waits."""
        ours, theirs = socket.socketpair()
        self.child = os.fork()
        if not self.child:
            ours.close()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            while theirs.recv(1):
                theirs.sendall(b"!")
            os._exit(0)
        theirs.close()
        self.ours = ours
        self.tg.add_thread(self.ask)

    def have_children_end(self) -> None:
        """Fork wherever the library calls, and leave the child to its end."""
        fork_and_exit("start", 3)
        self.tg.add_thread(fork_and_exit, "thread", 4)
        self.tg.add_thread(fork_and_raise)
        self.tg.add_thread(fork_and_return, "returns")
        self.tg.add_timer(_FOR_EVER, fork_and_return, None, "timer returns")
        self.tg.add_timer(_FOR_EVER, fork_and_exit, None, "timer", 5)

    def ask(self) -> None:
        """Ask the child again and again."""
        while True:
            self.ours.sendall(b"?")
            if not self.ours.recv(1):
                return
            time.sleep(0.01)

    def stop(self, graceful: bool = False) -> None:
        """Stop, and say where."""
        if self.child == 0:
            say("a child acts as the service")
        super().stop(graceful)
        self.stopped.set()
        if "failing stop" in TRAITS:
            raise RuntimeError("stop fails as asked")


def idle() -> None:
    """Be there."""
    time.sleep(_FOR_EVER)


def finish_soon() -> None:
    """Take a while, and say so."""
    say("begun")
    time.sleep(_WORK_OF_EXECUTOR)
    say("finished")


#: What the processes of an executor do when the end comes.
EXECUTORS: dict[str, Callable[[], object] | None] = {
    "idle executor": None,
    "busy executor": finish_soon,
    "endless executor": idle,
}


def reap_strangers(*_: object) -> None:
    """Reap whatever has ended, as some programs do."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def daemonize() -> None:
    """Become another process, as daemons did."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    if "closed descriptors" in TRAITS:
        os.closerange(3, 256)
    say("daemon")


def leave_namespace() -> None:
    """Have children in a namespace of process ids of their own: unshare(2)."""
    if ctypes.CDLL(None).unshare(_CLONE_NEWPID) != 0:
        say("refused")


def launcher_of(plan: Any) -> Any:
    """Make a launcher, and nothing else."""
    forks = plan.workers > 1 or "other namespace" in TRAITS
    kind = service.ProcessLauncher if forks else service.ServiceLauncher
    return kind(CONF, restart_method=plan.restart_method)


def fork_when_launched() -> None:
    """Launch, stop, fork, and launch anew in the child."""
    neighbour = Neighbour()
    first = service.launch(CONF, neighbour)
    neighbour.begun.wait()
    first.stop()
    child = os.fork()
    if child:
        say("forked", child=child)
        say("child ended", status=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return
    # What its parent launched is not its own.
    first.stop()
    try:
        first.wait()
    except RuntimeError as exc:
        say("refused", why=str(exc))
    run(launcher_of(daemon.PLAN))


def run(launcher: Any) -> None:
    """Launch, and wait."""
    launcher.launch_service(Neighbour(), workers=daemon.PLAN.workers)
    say("waiting")
    status = launcher.wait()
    default = daemon.is_default(signal.SIGTERM)
    say("last", status=status, default=default)
    sys.exit(status)


def main() -> None:
    """Run until told to stop."""
    if "SIGCHLD ignored" in TRAITS:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if "reaps strangers" in TRAITS:
        signal.signal(signal.SIGCHLD, reap_strangers)
    if "SIGPIPE at its default" in TRAITS:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    daemon.log_to_stderr()
    CONF.register_opts(daemon.OPTIONS)
    opts.register_service_opts(CONF)
    CONF(daemon.PLAN.arguments, project="neighbours")
    if "forks when launched" in TRAITS:
        fork_when_launched()
        return
    if "finalizer" in TRAITS:
        weakref.finalize(CONF, say, "finalized in the parent")
    launcher = launcher_of(daemon.PLAN)
    if "daemonizes" in TRAITS:
        daemonize()
    if "other namespace" in TRAITS:
        leave_namespace()
    run(launcher)


if __name__ == "__main__":
    main()
