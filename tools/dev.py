# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Everything that one does in a checkout: ``python3 tools/dev.py COMMAND``.

Needs nothing but Python and git: what a command needs is installed into
``.venv``, or the folder that DEV_VENV names, which is made at first use, and kept
until the requirements change.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import venv
from pathlib import Path
from typing import NoReturn

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / (os.environ.get("DEV_VENV") or ".venv")
PYTHON = VENV / "bin" / "python"

# What pip is given. The second set has everything that the first one has.
RUNNING = ["--editable", ".[eventlet,wsgi,cluster]"]
WORKING = [
    "--editable",
    ".[eventlet,wsgi,cluster,test,doc]",
    # A driver that is not the library's own.
    "--editable",
    "examples/oslo-service-gevent",
    "--requirement=test-requirements.txt",
]

# A command: what it needs, and what it runs in turn, with the arguments that it
# was given at the end of the last.
COMMANDS = {
    "demo": (
        "run the example service, and show what it does; --cluster: one of three leads",
        RUNNING,
        [["python", "examples/inventory/demo.py"]],
    ),
    "test": (
        "run the tests, on every driver; takes pytest's arguments, and --quick",
        WORKING,
        [
            [
                *("python", "-m", "pytest"),
                *("--numprocesses=auto", "--dist=worksteal", "--durations=20"),
            ]
        ],
    ),
    "pythons": (
        "run the quick tests on the other Pythons there are; takes versions, --whole",
        WORKING,
        [["python", "tools/pythons.py"]],
    ),
    "lint": (
        "check the style of the code, and its format",
        WORKING,
        [
            ["python", "tools/hygiene.py"],
            ["ruff", "format", "--check", "."],
            ["ruff", "check", "."],
        ],
    ),
    "types": (
        "check the types",
        WORKING,
        [["mypy"]],
    ),
    "docs": (
        "build the documentation into doc/build/html",
        WORKING,
        [["sphinx-build", "-W", "--keep-going", "-q", "doc/source", "doc/build/html"]],
    ),
    "bench": (
        "measure; see the page on benchmarks in the documentation",
        RUNNING,
        [["python", "benchmarks/run.py"]],
    ),
    "storm": (
        "disturb a supervised service in every way; takes --minutes, --backend, --seed",
        WORKING,
        [["python", "tools/storm/run.py"]],
    ),
    "chaos": (
        "disturb a cluster in every way; takes --backend, --driver, --due-times",
        WORKING,
        [["python", "tools/chaos/run.py"]],
    ),
    "downstream": (
        "run real projects' own tests here and on upstream; takes their names",
        RUNNING,
        [["python", "tools/downstream/run.py"]],
    ),
}


def main() -> int:
    """Run a command; give its exit status."""
    if sys.version_info < OLDEST:
        print(
            "This needs Python {}.{} or later, and is run by {}: {}".format(
                *OLDEST, sys.version.split()[0], sys.executable
            ),
            file=sys.stderr,
        )
        return 2
    name, rest = parse(sys.argv[1:])
    _, needs, programs = COMMANDS[name]
    if name == "demo" and "--cluster" in rest:
        rest.remove("--cluster")
        programs = [["python", "examples/cluster/demo.py"]]
    try:
        install(needs)
        for program in programs[:-1]:
            status = subprocess.run(line(*program), cwd=ROOT, check=False).returncode
            if status:
                return status if status > 0 else 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return go_on_as(*programs[-1], *rest)


def go_on_as(program: str, *arguments: str) -> NoReturn:
    """Run a program in place of this one: Ctrl-C is its business, and the status."""
    os.chdir(ROOT)
    # A run of the tests starts thousands of interpreters.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = line(program, *arguments)
    os.execv(command[0], command)  # noqa: S606 - there is nothing for a shell to do


def line(program: str, *arguments: str) -> list[str]:
    """Return the command line of a program of the virtual environment."""
    return [str(VENV / "bin" / program), *arguments]


def parse(argv: list[str]) -> tuple[str, list[str]]:
    """Return the command, and what is passed on to it."""
    parser = argparse.ArgumentParser(
        prog="tools/dev.py",
        description="Do one thing in this checkout, in a virtual environment of"
        " its own (.venv). Further arguments are passed on.",
        epilog="\n".join(
            f"  {name:<10} {description}"
            for name, (description, _, _) in COMMANDS.items()
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, help="one of those below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    arguments = parser.parse_args(argv)
    return arguments.command, arguments.arguments


def install(needs: list[str]) -> None:
    """See to it that the virtual environment has what is needed."""
    wanted = fingerprint()
    stamps = {id(RUNNING): VENV / "running", id(WORKING): VENV / "working"}
    serving = [stamps[id(needs)], stamps[id(WORKING)]]
    if any(read(stamp) == wanted for stamp in serving) and PYTHON.exists():
        return
    if shutil.which("git") is None:
        sys.exit("This needs git: the package's version is computed from it")
    print(f"Installing into {VENV} ...", file=sys.stderr, flush=True)
    if not any(read(stamp) == wanted for stamp in stamps.values()):
        make_environment()
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*pip, "install", "--quiet", *needs], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit("The installation failed: see above")
    stamps[id(needs)].write_text(wanted, encoding="ascii")


def make_environment() -> None:
    """Make the virtual environment; afresh where an outdated one is ours."""
    ours = any((VENV / stamp).exists() for stamp in ("running", "working"))
    try:
        venv.create(VENV, clear=ours, with_pip=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as exc:
        sys.exit(
            f"No virtual environment can be made at {VENV}: {exc}\n"
            "Some systems have the module venv in a package of its own,"
            " such as python3-venv"
        )


def fingerprint() -> str:
    """Identify everything that decides what is to be installed, and where."""
    digest = hashlib.sha256()
    for name in (
        "setup.cfg",
        "requirements.txt",
        "test-requirements.txt",
        "tools/dev.py",
    ):
        digest.update((ROOT / name).read_bytes())
    digest.update(os.fsencode(ROOT))
    digest.update(sys.version.encode())
    return digest.hexdigest()


def read(path: Path) -> str:
    """Return the text of a file; nothing where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
