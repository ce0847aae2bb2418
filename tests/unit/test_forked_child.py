# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The end of a process that was forked inside a task."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.starts_processes

# Its standard output is a full pipe, and a thread has the lock of the stream.
PROGRAM = """
import contextlib, os, sys, threading, time
from pathlib import Path
from oslo_service._common import forked_child

reader, writer = os.pipe()
os.set_blocking(writer, False)
with contextlib.suppress(BlockingIOError):
    while True:
        os.write(writer, b"x" * 4096)
os.set_blocking(writer, True)
os.dup2(writer, 1)
sys.stdout = open(1, "w", closefd=False)
# More than any buffer holds: 128 KiB since Python 3.14.
thread = threading.Thread(target=print, args=("x" * 1_000_000,), daemon=True)
thread.start()
state = Path(f"/proc/self/task/{thread.native_id}/syscall")
while not state.read_text().startswith("1 "):  # write(2)
    time.sleep(0.001)
child = os.fork()
if not child:
    forked_child.end(SystemExit(5), has_threads=True)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


# No thread can be started.
WITHOUT_THREADS = """
import os, threading
from oslo_service._common import forked_child

def refuse(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
child = os.fork()
if not child:
    forked_child.end(SystemExit(5), has_threads=True)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_it_comes_though_a_thread_of_the_parent_had_the_lock_of_a_stream():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], timeout=60, check=False, capture_output=True
    )
    assert done.returncode == 5, done.stderr.decode()


def test_it_comes_where_no_thread_can_be_started():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THREADS],
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 5, done.stderr.decode()
