# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The command line: which command, and how it ends."""

import argparse
import os
import sys
from collections.abc import Sequence

from oslo_service.commands import backends
from oslo_service.commands.check import command as check

__all__ = ("main",)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    :param argv: the command line without the program's name; None:
        ``sys.argv[1:]``.
    :returns: the exit status. Each command says in its ``--help`` what it means.
    :raises SystemExit: with status 2: the command line is wrong; with 0: it
        asked for help.
    """
    parser = argparse.ArgumentParser(
        prog="python -m oslo_service",
        description="Find out which drivers there are, and what ties a project"
        " to one of them.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for one in (backends, check):
        one.add_to(commands)
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read it has seen enough. What is left must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status
