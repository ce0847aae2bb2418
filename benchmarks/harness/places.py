# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where things are, and how the programs are started that are measured."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

__all__ = ("BENCHMARKS", "CHECKOUT", "ENVIRONMENTS", "start", "surroundings")

BENCHMARKS = Path(__file__).resolve().parent.parent
CHECKOUT = BENCHMARKS.parent
ENVIRONMENTS = BENCHMARKS / ".envs"


def surroundings(**more: str) -> dict[str, str]:
    """Return the environment variables of a program that is measured.

    None of those that change Python: without byte code, for instance, what is
    installed would be measured against what is compiled.
    """
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON")
    }
    return own | more


def start(
    command: Sequence[str],
    *,
    errors: IO[bytes] | int = subprocess.DEVNULL,
    variables: dict[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a program that is measured, in a session of its own.

    It has nothing to read, and what it prints is thrown away.

    :param errors: where its standard error goes.
    :param variables: what its environment has besides its :func:`surroundings`.
    :param options: further ones of :class:`subprocess.Popen`.
    """
    return subprocess.Popen(
        command,
        cwd=BENCHMARKS,
        env=surroundings(**(variables or {})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,
        **options,
    )
