# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run the tests on the other Pythons that are supported, as far as they are here.

A Python is looked for where PYTHONS says (interpreters, or folders that have them,
separated as in PATH), on PATH, and among pyenv's versions. One that is not found is
named, and is no failure.
"""

from __future__ import annotations

import argparse
import configparser
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLASSIFIER = "Programming Language :: Python :: 3."
# A version with a "t" is one without the GIL, as in the names of its programs.
ASK = """
import sys, sysconfig, ensurepip, venv
suffix = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("{}.{}{suffix}".format(*sys.version_info, suffix=suffix))
"""


def main(argv: Sequence[str]) -> int:
    """Run the tests on one Python after the other; return the exit status."""
    arguments = parse(argv)
    failed = []
    for version in arguments.versions or others():
        python = find(version)
        if python is None:
            print(f"Python {version}: not found, not tested", flush=True)
        elif not passes(version, python, whole=arguments.whole):
            failed.append(version)
    if failed:
        print(f"The tests fail on Python {', '.join(failed)}: see above")
    return 1 if failed else 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="tools/dev.py pythons", description=__doc__)
    parser.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help="3.12, say, or 3.14t; default: what setup.cfg names, but for the Python"
        " that runs this",
    )
    parser.add_argument(
        "--whole", action="store_true", help="run all tests, not only the quick ones"
    )
    return parser.parse_args(argv)


def others() -> list[str]:
    """Return the versions that are supported, but for the one that runs this."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = setup["metadata"]["classifier"].split("\n")
    minors = [
        int(line.removeprefix(CLASSIFIER))
        for line in lines
        if line.startswith(CLASSIFIER)
    ]
    return [f"3.{minor}" for minor in sorted(minors) if minor != sys.version_info[1]]


def find(version: str) -> Path | None:
    """Return an interpreter of a version that can make environments."""
    for path in candidates(version):
        if path.is_file() and os.access(path, os.X_OK) and ask(path) == version:
            # An environment looks for the standard library beside what it is made of.
            return path.resolve()
    return None


def candidates(version: str) -> Iterator[Path]:
    """List where an interpreter may be, the likeliest first."""
    name = f"python{version}"
    for entry in map(Path, filter(None, os.environ.get("PYTHONS", "").split(":"))):
        yield from (entry, entry / name, entry / "bin" / name)
    for folder in os.get_exec_path():
        yield Path(folder, name)
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        root = output([pyenv, "root"])
        yield from sorted(Path(root, "versions").glob(f"*/bin/{name}"), reverse=True)


def ask(python: Path) -> str:
    """Return the version of an interpreter; nothing where it is not usable.

    pyenv's stand-ins have the names of interpreters that may not be selected, and
    Debian's interpreters may lack ensurepip.
    """
    return output([str(python), "-I", "-c", ASK])


def output(command: list[str]) -> str:
    """Return what a program prints; nothing where it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def passes(version: str, python: Path, *, whole: bool) -> bool:
    """Run the tests on a Python, and say in a line how they ended."""
    print(f"Python {version}, {python}:", end="\n" if whole else " ", flush=True)
    start = time.monotonic()
    status, text = run(version, python, whole=whole)
    if whole:
        print(f"Python {version}: status {status}", flush=True)
    else:
        last = (text.strip().splitlines() or ["it said nothing"])[-1].strip("= ")
        print(f"{last}; {time.monotonic() - start:.0f} s in all", flush=True)
        if status:
            print(text)
    return status == 0


def run(version: str, python: Path, *, whole: bool) -> tuple[int, str]:
    """Run the tests; return their status, and where they are quick what they say."""
    command = [str(python), str(ROOT / "tools" / "dev.py"), "test"]
    environment = os.environ | {"DEV_VENV": str(ROOT / ".venvs" / version)}
    with subprocess.Popen(
        command if whole else [*command, "--quick"],
        env=environment,
        stdout=None if whole else subprocess.PIPE,
        stderr=None if whole else subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            text, _ = process.communicate()
        except KeyboardInterrupt:
            process.wait()  # for its summary
            raise
    return process.returncode, text or ""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
