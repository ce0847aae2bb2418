# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Check text files for what no editor should have left in them.

Given no files, checks all that git knows of.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FAULTS = {
    "trailing whitespace": re.compile(rb"[ \t\r]+$", re.MULTILINE),
    "a tab": re.compile(rb"^ *\t", re.MULTILINE),
    "a conflict marker": re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE),
    "an empty line at the end": re.compile(rb"\n\n\Z"),
    "no end of line at the end": re.compile(rb"[^\n]\Z"),
}
# Requests as they are sent, faults and all.
RAW = frozenset((".http",))


def main(names: list[str]) -> int:
    """Report the faults; give the exit status."""
    faults = [fault for name in names or tracked() for fault in check(Path(name))]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def tracked() -> list[str]:
    """List the files that git knows of."""
    listing = subprocess.run(
        ["git", "ls-files"],  # noqa: S607 - wherever it is
        check=True,
        capture_output=True,
        text=True,
    )
    return listing.stdout.splitlines()


def check(path: Path) -> Iterator[str]:
    """Describe the faults of a file; nothing where it is not text."""
    data = path.read_bytes() if path.is_file() else b""
    if b"\0" in data or path.suffix in RAW:
        return
    for what, pattern in FAULTS.items():
        found = pattern.search(data)
        if found is not None:
            line = data.count(b"\n", 0, found.start()) + 1
            yield f"{path}:{line}: {what}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
