# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The rules about what is harmless in a patched process, and is not on threads."""

from oslo_service.commands.check.model import Rule, Severity

__all__ = (
    "ENDLESS",
    "FORK",
    "LOCALS",
    "LONG_SLEEP",
    "NOT_DAEMON",
    "RULES",
    "SIGNAL",
    "SLEEP_0",
    "UNLIMITED",
)

ENDLESS = Rule(
    "OSE301",
    Severity.WARNING,
    "a thread loops for ever, and never checks whether it should stop",
    "A green thread was killed when the service stopped. A native one cannot be:"
    " it goes on until the process ends, and is cut off wherever it is then.",
    "stopping = oslo_service.threadgroup.stop_requested(), and"
    " while not stopping.wait(timeout=pause): ... in a thread of a ThreadGroup; an"
    " event that stop() sets, elsewhere.",
)
SIGNAL = Rule(
    "OSE302",
    Severity.ERROR,
    "a signal handler is installed outside the main thread",
    "Services start, and threads run, in native threads of their own, in which"
    " signal.signal() raises ValueError. All green threads were in the main one.",
    "oslo_service.service.SignalHandler().add_handler(), which may be called in any"
    " thread; or signal.signal() in main(), before the launcher.",
)
NOT_DAEMON = Rule(
    "OSE303",
    Severity.WARNING,
    "a thread that may keep the process from ending",
    "In a patched process it was a green thread, which ended with the process. A"
    " native one is waited for when the interpreter ends, for ever if need be.",
    "threading.Thread(..., daemon=True) for what may be cut off; else, end it in"
    " stop() and join() it in wait(). Or ThreadGroup.add_thread(), which never"
    " keeps the process.",
)
FORK = Rule(
    "OSE304",
    Severity.WARNING,
    "the process is forked while threads may run",
    "The child has the locks that other native threads held, and not the threads"
    " that would let go of them: it may hang, now and then.",
    "subprocess for programs; for functions,"
    ' multiprocessing.get_context("spawn") or concurrent.futures with'
    " mp_context=; for workers, ProcessLauncher.",
)
SLEEP_0 = Rule(
    "OSE305",
    Severity.NOTE,
    "sleeping for 0 s lets other green threads run",
    "Native threads take turns by themselves; there it only costs a system call.",
    "Nothing: drop the call.",
)
UNLIMITED = Rule(
    "OSE306",
    Severity.WARNING,
    "a call without a time-out, in what runs beside others",
    "A green thread that hung in it could be killed, or an Eventlet time-out raised"
    " in it. A native thread hangs until the other side answers, and a stop of the"
    " service waits for that, up to its limit.",
    "The timeout= of the call.",
)
LONG_SLEEP = Rule(
    "OSE307",
    Severity.NOTE,
    "a sleep in what runs beside others delays a stop",
    "A green thread was killed in its sleep. A native one sleeps on, and a stop that"
    " waits for it waits that long.",
    "oslo_service.threadgroup.stop_requested().wait(timeout=...), which ends at once"
    " when the group or the loop is stopped.",
)
LOCALS = Rule(
    "OSE308",
    Severity.NOTE,
    "state is kept per thread",
    "In a patched process each task was a green thread with a state of its own, gone"
    " with the task. Threads of a pool are used again, and a task meets what an"
    " earlier one left.",
    "The same, where each task sets it at its beginning; else contextvars.ContextVar,"
    " set and reset around the task.",
)
RULES = (
    ENDLESS,
    SIGNAL,
    NOT_DAEMON,
    FORK,
    SLEEP_0,
    UNLIMITED,
    LONG_SLEEP,
    LOCALS,
)
