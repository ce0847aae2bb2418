# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The command line: which command, and how it ends."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from oslo_service._common import closed_streams

__all__ = ("main",)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    :param argv: the command line without the program's name; None:
        ``sys.argv[1:]``.
    :returns: the exit status. Each command says in its ``--help`` what it means.
    :raises SystemExit: with status 2: the command line is wrong; with 0: it
        asked for help.
    """
    closed_streams.replace()
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        prog="python -m oslo_service",
        description="Find out which drivers there are, what ties a project to one of"
        " them, and what a running service does.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add_to in _wanted(argv):
        add_to(commands)
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


def _wanted(argv: Sequence[str]) -> list[Callable[[Any], None]]:
    """Return what adds the commands; only that which is asked for is imported."""
    found = [add for name, add in _COMMANDS.items() if [*argv[:1]] == [name]]
    return found or list(_COMMANDS.values())


def _backends(commands: Any) -> None:
    from oslo_service.commands import backends

    backends.add_to(commands)


def _check(commands: Any) -> None:
    from oslo_service.commands.check import command

    command.add_to(commands)


def _ctl(commands: Any) -> None:
    from oslo_service.admin.ctl import command

    command.add_to(commands)


_COMMANDS: dict[str, Callable[[Any], None]] = {
    "backends": _backends,
    "check": _check,
    "ctl": _ctl,
}


def _write(text: str) -> None:
    if not text:
        return
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and out.errors == "strict":
        # The name of a file may be none in the encoding of the output.
        out.reconfigure(errors="backslashreplace")
    out.write(f"{text}\n")
    out.flush()
