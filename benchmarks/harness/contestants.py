# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who is measured: the library, upstream, bare loops, and peers."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.places import BENCHMARKS, surroundings

__all__ = (
    "BJOERN",
    "CHEROOT",
    "COTYLEDON",
    "FASTPYSGI",
    "FLOOR",
    "GRANIAN_10",
    "GRANIAN_100",
    "GUNICORN",
    "GUNICORN_FAST",
    "LIBRARIES",
    "MULTIPROCESS",
    "NGINX",
    "OURS_EVENTLET",
    "OURS_GEVENT",
    "OURS_THREADING",
    "TENACITY",
    "UPSTREAM_EVENTLET",
    "UPSTREAM_THREADING",
    "UWSGI",
    "WAITRESS",
    "Contestant",
    "entrants",
)

OURS_THREADING = "ours threading"
OURS_EVENTLET = "ours eventlet"
OURS_GEVENT = "ours gevent"
UPSTREAM_THREADING = "upstream threading"
UPSTREAM_EVENTLET = "upstream eventlet"
FLOOR = "floor"
TENACITY = "tenacity"
GUNICORN = "gunicorn"
COTYLEDON = "cotyledon"
CHEROOT = "cheroot"
WAITRESS = "waitress"
UWSGI = "uWSGI"
NGINX = "nginx"
#: Compiled servers: in Rust, with so many threads for the application; in C, without
#: threads; and with a parser in C.
GRANIAN_10 = "granian-10"
GRANIAN_100 = "granian-100"
FASTPYSGI = "fastpysgi"
BJOERN = "bjoern"
GUNICORN_FAST = "gunicorn[fast]"
#: prometheus_client's own way to measure in several processes.
MULTIPROCESS = "prometheus_client multiprocess"

LIBRARIES = (OURS_THREADING, UPSTREAM_THREADING, OURS_EVENTLET, UPSTREAM_EVENTLET)

_COMPILED = (GRANIAN_10, GRANIAN_100, FASTPYSGI, GUNICORN_FAST)

# The bare loops and most peers run where upstream is installed.
_PROGRAMS = {FLOOR: "floor", GUNICORN: "gunicorn", COTYLEDON: "cotyledon"}
_TIME_LIMIT = 120


@dataclass(frozen=True)
class Contestant:
    """One who is measured.

    :ivar name: as in the report.
    :ivar pythons: the interpreters, by the library that they have.
    """

    name: str
    pythons: Mapping[str, Path]

    @property
    def library(self) -> str:
        """Which environment it runs in: ``ours``, ``upstream``, ``compiled``..."""
        if self.name == BJOERN:
            return BJOERN
        if self.name in _COMPILED:
            return "compiled"
        return "ours" if self.name.startswith("ours") else "upstream"

    @property
    def role(self) -> str:
        """What a scenario is told to play: a driver, or a peer."""
        return self.name.rpartition(" ")[2]

    def run(self, scenario: str, *args: object) -> dict[str, float]:
        """Run a scenario in a process of its own, and give its numbers."""
        command = self.command(f"scenarios.{scenario}", self.role, *args)
        done = subprocess.run(
            command,
            cwd=BENCHMARKS,
            env=surroundings(),
            check=False,
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name} failed:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def workers(self, count: int, *args: object) -> list[str]:
        """Return the command line of a program with so many workers."""
        program = _PROGRAMS.get(self.name)
        if program is None:
            return self.command("programs.library", self.role, count, *args)
        return self.command(f"programs.{program}_workers", count, *args)

    def server(self, port: int, workers: int, *files: Path) -> list[str]:
        """Return the command line of a program that serves HTTP, or HTTPS."""
        module = "programs.peer_http"
        if self.name in (*LIBRARIES, OURS_GEVENT):
            module = "programs.library_http"
        elif self.name == FLOOR:
            module = "programs.floor_http"
        return self.command(module, self.role, port, workers, *files)

    def command(self, module: str, *args: object) -> list[str]:
        """Return the command line that runs a module of this directory."""
        python = self.pythons[self.library]
        return [str(python), "-m", module, *map(str, args)]


def entrants(names: Sequence[str], pythons: Mapping[str, Path]) -> list[Contestant]:
    """Make contestants of names."""
    return [Contestant(name, pythons) for name in names]
