# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Virtual environments: each project with upstream, and with what is here."""

import atexit
import functools
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

from places import CHECKOUT, CONSTRAINTS, ENVIRONMENTS, surroundings
from projects import Project

__all__ = ("LIBRARIES", "install", "make", "pip", "renew", "unpacked")

# For each side what is installed beside the project. Upstream requires itself
# what the extras bring, but for Eventlet, which cinder has and heat has not.
LIBRARIES = {
    "upstream": ("oslo.service[threading]==4.8.0", "eventlet"),
    # In two lines: pip looks for the extras that a project asks for by themselves.
    "ours": ("{wheel}[threading]", "{wheel}[eventlet,wsgi]"),
}
# The version that git tells is another after each commit, and pip refuses a wheel that
# has got another on its way.
_VERSION = "5.0.0"


@functools.cache
def wheel() -> Path:
    """Return what is here as users get it, built once.

    The checkout may change meanwhile: all environments are to have the same.
    """
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place)
    options = ("--no-deps", f"--wheel-dir={place}")
    pip(Path(sys.executable), "wheel", *options, str(CHECKOUT), PBR_VERSION=_VERSION)
    (built,) = Path(place).iterdir()
    return built


def install(python: Path, library: str, *others: str) -> None:
    """Install a library, with its extras, and what else is to be installed.

    :param library: a key of :data:`LIBRARIES`.
    """
    what = LIBRARIES[library]
    if library == "ours":
        what = tuple(one.format(wheel=wheel()) for one in what)
    pip(python, "install", *others, *what)


def renew(python: Path) -> None:
    """Install what is here anew, without what it needs."""
    pip(python, "install", "--no-deps", "--force-reinstall", str(wheel()))


def make(project: Project, library: str) -> Path:
    """Make an environment, or bring the one of an earlier run up to date.

    :param library: a key of :data:`LIBRARIES`.
    :returns: its interpreter.
    """
    place = ENVIRONMENTS / f"{project.name}-{library}"
    python = place / "bin" / "python"
    stamp = place / "complete"
    what = [project.requirement, *project.needs, *LIBRARIES[library]]
    wanted = "\n".join(
        [sys.version, *what, *project.older, CONSTRAINTS.read_text("ascii")]
    )
    if not stamp.exists() or stamp.read_text("ascii") != wanted:
        print(f"installing {project.name} with {library}", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        others = (project.requirement, *project.needs)
        install(python, library, f"--constraint={CONSTRAINTS}", *others)
        if project.older:
            pip(python, "install", *project.older)
        stamp.write_text(wanted, "ascii")
    elif library == "ours":
        renew(python)
    return python


def unpacked(project: Project) -> Path:
    """Return a project's source tree, which has all that its tests need.

    What is installed has not: files of configuration lie elsewhere then.
    """
    place = ENVIRONMENTS / "sources" / f"{project.name}-{project.version}"
    if not place.exists():
        packed = place.with_name(f"{place.name}.packed")
        what = f"--no-binary={project.distribution}", project.requirement
        where = f"--dest={packed}"
        pip(Path(sys.executable), "download", "--no-deps", where, *what)
        (archive,) = packed.iterdir()
        opened = place.with_name(f"{place.name}.unpacked")
        with tarfile.open(archive) as tar:
            tar.extractall(opened, filter="data")
        (top,) = opened.iterdir()
        top.rename(place)
        shutil.rmtree(packed)
        shutil.rmtree(opened)
    return place


def pip(python: Path, command: str, *arguments: str, **variables: str) -> None:
    """Have the pip of an environment do something."""
    options = ("--quiet", "--disable-pip-version-check", "--no-input")
    line = [python, "-m", "pip", command, *options, *arguments]
    subprocess.run(line, check=True, env=surroundings(**variables))
