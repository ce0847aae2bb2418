# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The command line: which command, and how it ends."""

import argparse
import io
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
    status: int
    status, text = arguments.run(arguments)
    try:
        _write(text)
    except OSError as exc:
        # What is left must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(exc, BrokenPipeError):
            return 1  # who read it has seen enough
        parser.exit(2, f"{parser.prog}: error: the output cannot be written: {exc}\n")
    return status


def _write(text: str) -> None:
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and out.errors == "strict":
        # The name of a file may be none in the encoding of the output.
        out.reconfigure(errors="backslashreplace")
    out.write(f"{text}\n")
    out.flush()
