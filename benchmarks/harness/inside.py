# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""For what runs inside a contestant's process: imports next to nothing."""

import json
import sys

__all__ = ("answer", "role", "select")


def role() -> str:
    """Return what the scenario shall play: a driver, or a peer."""
    return sys.argv[1]


def select(driver: str) -> None:
    """Have the library run on a driver, as its users do."""
    if driver == "eventlet":
        import eventlet

        eventlet.monkey_patch()
    from oslo_service import backend

    if driver == "gevent":
        backend.init_backend(driver)
        backend.get_backend().prepare_process()
    else:
        backend.init_backend(backend.BackendType[driver.upper()])


def answer(**numbers: float) -> None:
    """Give the numbers back."""
    print(json.dumps(numbers))
