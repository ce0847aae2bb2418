# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A place apart: a small disk of our own, and no more rights than a service has.

Where we are root there are mounts that nobody else sees, and then another user:
root is not bound by limits of processes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ("go",)

# Where the disk is mounted, over what is there, for us alone.
_MOUNTED_AT = "/mnt"
_DISK = "STORM_DISK"
_UNSHARE = ("unshare", "--mount", "--propagation=private")
_MOUNT = ("mount", "-t", "tmpfs", "-o", "size=512k,mode=1777", "storm", _MOUNTED_AT)
# Nobody else is this user. It can read what root can: Python may be in root's home.
_BECOME = (
    "setpriv",
    *("--reuid=64123", "--regid=64123", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)


def go() -> Path | None:
    """Go there, where that is possible: the program begins anew.

    :returns: the small disk; None: there is none.
    """
    disk = os.environ.pop(_DISK, None)
    if disk is None and not os.geteuid() and _works(*_UNSHARE, *_MOUNT):
        os.environ[_DISK] = _MOUNTED_AT
        _begin_anew(*_UNSHARE)
    if disk is not None and not os.path.ismount(disk):
        subprocess.run(_MOUNT, check=True)
    if disk is None:
        print("There is no small disk that could be filled up: that takes root")
    if not os.geteuid():
        if _works(*_BECOME, "test", "-w", tempfile.gettempdir()):
            os.environ.update({_DISK: disk} if disk else {})
            _begin_anew(*_BECOME)
        print("We stay root, whom no limit of processes binds")
    return None if disk is None else Path(disk)


def _begin_anew(*command: str) -> None:
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def _works(*command: str) -> bool:
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except OSError:
        return False
    return done.returncode == 0
