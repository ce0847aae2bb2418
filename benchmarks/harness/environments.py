# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Virtual environments: for what is here, what is upstream, and compiled servers."""

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from harness.places import CHECKOUT, ENVIRONMENTS

__all__ = ("Interpreters", "make")

_UPSTREAM = "oslo.service[threading]==4.8.0"

# What is installed where. The two "base" ones are there to be counted.
_WHAT: dict[str, Sequence[str]] = {
    "ours": (
        *("--editable", f"{CHECKOUT}[eventlet,metrics,wsgi,cluster]"),
        *("--editable", f"{CHECKOUT}/examples/oslo-service-gevent"),
    ),
    "upstream": (
        _UPSTREAM,
        *("eventlet", "tenacity", "gunicorn>=27", "cheroot", "waitress", "pyuwsgi"),
        *("prometheus_client", "httptools"),
    ),
    "compiled": ("granian", "fastpysgi", "gunicorn[fast]"),
    # It is compiled here, and needs the headers of libev.
    "bjoern": ("bjoern",),
    "ours-base": ("--editable", str(CHECKOUT)),
    "upstream-base": ("oslo.service==4.8.0",),
}


def make(name: str) -> Path:
    """Make an environment, or find the one of an earlier run.

    :returns: its interpreter.
    """
    place = ENVIRONMENTS / name
    complete = place / "complete"
    python = place / "bin" / "python"
    if not complete.exists():
        print(f"making the environment {name!r}", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        subprocess.run([python, *_pip_install(*_WHAT[name])], check=True)
        complete.touch()
    return python


def _pip_install(*what: str) -> list[str]:
    return ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]


class Interpreters(dict[str, Path]):
    """The interpreters by the library that they have: those given, or ours to make."""

    def __missing__(self, library: str) -> Path:
        python = self[library] = make(library)
        return python
