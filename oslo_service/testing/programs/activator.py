# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Runs a program as systemd does that passes sockets to it: sd_listen_fds(3).

Run as ``python activator.py DESCRIPTORS NAMES PROGRAM ARGUMENT...``: numbers
with commas between them; names with colons, or nothing. What it becomes has the
descriptors from 3 on.
"""

import fcntl
import os
import sys

# Where no descriptor is in the way.
_ASIDE = 100


def main() -> None:
    """Become the program."""
    descriptors, names, *command = sys.argv[1:]
    numbers = [int(number) for number in descriptors.split(",")]
    aside = [fcntl.fcntl(fd, fcntl.F_DUPFD, _ASIDE) for fd in numbers]
    for fd in numbers:
        os.close(fd)
    for target, fd in enumerate(aside, start=3):
        os.dup2(fd, target)
        os.close(fd)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(aside))
    if names:
        os.environ["LISTEN_FDNAMES"] = names
    os.execv(sys.executable, [sys.executable, "-W", "ignore", *command])  # noqa: S606


if __name__ == "__main__":
    main()
