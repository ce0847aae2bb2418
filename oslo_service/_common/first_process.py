# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The first process of a container, which inherits what others leave behind.

Whose parent has ended is left to the first process of its namespace,
pid_namespaces(7), which has to wait for it, or it stays as a zombie. A program must
wait for nobody but for those it has started: a ``subprocess`` whose status somebody
else took reports 0. As nothing tells the two apart, the program becomes a child of
the first process, which does nothing but what a first process has to.

Where it is too late for that, what its workers leave behind can be told apart all the
same: they change something that their children inherit, and that costs nothing, their
rank among those that the system kills for want of memory, proc(5).
"""

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Container
from pathlib import Path
from typing import NoReturn

from oslo_service._common import fork_safety

__all__ = ("mark_worker", "must_reap", "reap_left", "step_aside")

LOG = logging.getLogger(__name__)

# What the first process is not to wait for: faults of its own, and its timers'.
_OWN = frozenset(
    getattr(signal, name)
    for name in (
        *("SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT"),
        *("SIGTRAP", "SIGSYS", "SIGPIPE", "SIGALRM", "SIGVTALRM", "SIGPROF"),
    )
    if hasattr(signal, name)
)
# A signal that the terminal sends goes to the whole group: asm-generic/siginfo.h.
_SI_KERNEL = 0x80
# What sd_listen_fds(3) and sd_watchdog_enabled(3) are told the first process by.
_VARIABLES = ("LISTEN_PID", "WATCHDOG_PID")

_RANK = "oom_score_adj"
_LAST_RANK = 1000

_reaps: fork_safety.PerProcess[bool] = fork_safety.PerProcess(lambda: False)
_tried: fork_safety.PerProcess[bool] = fork_safety.PerProcess(lambda: False)


def step_aside(*, at_the_top: bool = False) -> bool:
    """Let the program go on in a child, where this is the first process; idempotent.

    What is the first process passes signals on, reaps, and ends with the program's
    status.

    :param at_the_top: whether the program has done nothing so far.
    :returns: whether this is that child, now.
    """
    if os.getpid() != 1 or _tried.get():
        return False
    _tried.set(True)
    reason = _reason_against(at_the_top=at_the_top)
    if reason:
        _reaps.set(True)
        LOG.warning(
            "This is the first process of a container, and of what is left to it, it"
            " reaps only what comes from its workers, as %s: call backend.bootstrap()"
            " at the top of the program, or have the runtime add an init process",
            reason,
        )
        return False
    return _fork()


def must_reap() -> bool:
    """Whether the program is the first process itself."""
    return _reaps.get()


def mark_worker() -> None:
    """Have what this process leaves behind be known: in a worker of such a program."""
    path = Path("/proc/self") / _RANK
    with contextlib.suppress(OSError, ValueError):
        rank = int(path.read_text(encoding="ascii"))
        path.write_text(str(min(rank + 1, _LAST_RANK)), encoding="ascii")


def reap_left(workers: Container[int]) -> None:
    """Reap what workers have left behind; non-blocking.

    :param workers: the pids of those that live: they are looked after already.
    """
    own = _rank(Path("/proc/self"))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in workers:
            if _is_left(entry) and _rank(entry) not in (own, None):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(int(entry.name), os.WNOHANG)


def _is_left(process: Path) -> bool:
    with contextlib.suppress(OSError):
        stat = (process / "stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[:2] == ["Z", "1"]
    return False


def _rank(process: Path) -> str | None:
    try:
        return (process / _RANK).read_text(encoding="ascii")
    except OSError:
        return None


def _reason_against(*, at_the_top: bool) -> str:
    """Return why the program cannot go on in a child; empty: it can."""
    if threading.get_native_id() != os.getpid():  # a green thread may be in it, too
        return "the launcher is made outside the main thread"
    if _threads() > 1:
        return "there are threads already"
    if at_the_top:
        return ""  # what is there was left by whoever became this program
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return "there are children already"
    return ""


def _threads() -> int:
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return threading.active_count()


def _fork() -> bool:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    signals = set(signal.valid_signals()) - _OWN
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with fork_safety.kept_by_child():
            pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        LOG.exception("The first process of a container does not reap for others")
        return False
    if pid:
        _be_first(pid, signals)
    for name in _VARIABLES:
        if os.environ.get(name) == "1":
            os.environ[name] = str(os.getpid())
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return True


def _be_first(program: int, signals: set[signal.Signals]) -> NoReturn:
    """Do what a first process has to, and nothing else."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _close_all()  # a socket that listens here, too, would refuse nobody
        while True:
            told = signal.sigwaitinfo(signals)
            if told.si_signo == signal.SIGCHLD:
                _reap(program)
            elif told.si_code != _SI_KERNEL:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(program, told.si_signo)
    finally:
        os._exit(1)


def _reap(program: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == program:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)
            if not pid:
                return


def _close_all() -> None:
    with contextlib.suppress(OSError):
        numbers = [int(one.name) for one in Path("/proc/self/fd").iterdir()]
        for number in numbers:
            if number > 2:
                with contextlib.suppress(OSError):
                    os.close(number)
