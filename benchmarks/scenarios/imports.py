# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Import the library: ``imports DRIVER MODULE...``.

What ``from oslo_config import cfg`` costs does not count.
"""

import importlib
import sys
import time

from harness import process
from harness.inside import answer, role

_SELECTS_AT_IMPORT = "upstream threading"


def main():
    """Import oslo.config, then the modules, then select the driver."""
    who, *modules = sys.argv[2:]
    importlib.import_module("oslo_config.cfg")
    before = _now()
    if who == _SELECTS_AT_IMPORT:
        # Without it, importing brings the Eventlet driver.
        _select()
    for name in modules:
        importlib.import_module(f"oslo_service.{name}")
    imported = _now()
    eventlet = "eventlet" in sys.modules
    if who != _SELECTS_AT_IMPORT:
        _select()
    selected = _now()
    answer(
        **_cost("", before, imported),
        **_cost("selected_", before, selected),
        eventlet=eventlet,
        selected_eventlet="eventlet" in sys.modules,
    )


def _select():
    from oslo_service import backend

    backend.init_backend(backend.BackendType[role().upper()])


def _now():
    return time.process_time() * 1e3, process.resident_memory() / 1024, len(sys.modules)


def _cost(prefix, before, after):
    names = "cpu_ms", "memory_mb", "modules"
    return {
        prefix + name: end - begin
        for name, begin, end in zip(names, before, after, strict=True)
    }


if __name__ == "__main__":
    main()
