# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Install the library for its tests with the lowest versions that it declares.

Run by tox, in an environment of its own::

    tox -e lowest

Which they are is read from requirements.txt and the extras in setup.cfg; what these
require in turn is not held down.
"""

import configparser
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What the tests of users' own surroundings need: the rest are tools of ours.
EXTRAS = ("eventlet", "wsgi", "backdoor", "cluster", "test")


def declared() -> list[str]:
    """Return the requirements, as they are written."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for extra in EXTRAS:
        lines += setup["extras"][extra].splitlines()
    return [line.strip() for line in lines if line.strip() and "#" not in line]


def lowest(requirement: str) -> str:
    """Return a requirement that only the lowest version meets.

    :raises ValueError: it has no lower bound.
    """
    found = re.fullmatch(r"([\w.-]+)>=([\w.]+)(?:,.*|;.*)?", requirement)
    if found is None:
        raise ValueError(f"{requirement!r} has no lower bound")
    return f"{found[1]}=={found[2]}"


def main() -> int:
    """Install them, and the library; return pip's status."""
    wanted = [lowest(one) for one in declared()]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as pins:
        pins.write("\n".join(wanted) + "\n")
        pins.flush()
        library = f"{ROOT}[{','.join(EXTRAS)}]"
        command = [sys.executable, "-m", "pip", "install"]
        return subprocess.run(
            [*command, "--constraint", pins.name, "--editable", library], check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
