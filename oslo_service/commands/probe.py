# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which drivers are installed, and whether each can be used.

Each is loaded in a process of its own: it may be broken in any way, and must not
change the process that asks, nor bring Eventlet into it.
"""

import concurrent.futures
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata

from oslo_service.backend import _loading, exceptions

__all__ = ("Found", "find")

# Seconds that a driver may take to be loaded.
_PATIENCE = 60.0
_PROGRAM = "from oslo_service.commands import probe; probe._answer()"


@dataclasses.dataclass(frozen=True)
class Found:
    """An installed driver.

    :ivar reason: why it cannot be used; None: it can.
    :ivar capabilities: those that it declares, by name; None where it cannot be
        loaded.
    """

    name: str
    distribution: str | None
    version: str | None
    target: str
    reason: str | None
    capabilities: dict[str, bool] | None

    @property
    def usable(self) -> bool:
        """Whether it can be used in a process on its own."""
        return self.reason is None


def find() -> list[Found]:
    """Return the installed drivers, by name."""
    entries = sorted(
        metadata.entry_points(group=_loading.GROUP),
        key=lambda entry: (entry.name, entry.value),
    )
    names = sorted({entry.name for entry in entries})
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        answers = dict(zip(names, pool.map(_ask, names), strict=True))
    return [_found(entry, *answers[entry.name]) for entry in entries]


def _found(
    entry: metadata.EntryPoint,
    reason: str | None,
    capabilities: dict[str, bool] | None,
) -> Found:
    origin = entry.dist
    return Found(
        name=entry.name,
        distribution=None if origin is None else origin.name,
        version=None if origin is None else origin.version,
        target=entry.value,
        reason=reason,
        capabilities=capabilities,
    )


def _ask(name: str) -> tuple[str | None, dict[str, bool] | None]:
    """Have a driver loaded elsewhere: why it is not usable, and what it can do."""
    try:
        process = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-W", "ignore", "-c", _PROGRAM, name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_search_path())},
        )
    except subprocess.TimeoutExpired:
        return f"loading it takes longer than {_PATIENCE:g} s", None
    try:
        answer = json.loads(process.stdout.splitlines()[-1])
        return answer["reason"], answer["capabilities"]
    except (IndexError, ValueError, KeyError, TypeError):
        last = (process.stderr.strip().splitlines() or ["without a word"])[-1]
        return f"loading it ends the process ({process.returncode}): {last}", None


def _search_path() -> Sequence[str]:
    return [os.path.abspath(one) for one in sys.path]


def _answer() -> None:
    """Load the driver that the command line names, and write how that went."""
    name = sys.argv[1]
    reason: str | None = None
    capabilities = None
    # What a driver prints while it is loaded is not the answer.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        capabilities = dataclasses.asdict(_loading.load(name).capabilities)
    except exceptions.UnsupportedBackendError as exc:
        reason = str(exc)
    except Exception as exc:  # noqa: BLE001 - told, whatever it is
        reason = f"asking it what it can do fails with {type(exc).__name__}: {exc}"
    answer.write(json.dumps({"reason": reason, "capabilities": capabilities}) + "\n")
    answer.flush()
