# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Packages that are not needed by everybody, and may be missing."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ("need", "without_eventlet")


def need(module: str, extra: str) -> Any:
    """Import a module of a package that an extra of this one brings.

    :raises ImportError: it is missing, or needs what is; names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        raise ImportError(
            f"{module} cannot be imported ({exc}): install what it takes by"
            f" pip install 'oslo.service[{extra}]'",
            name=exc.name,
        ) from exc


@contextlib.contextmanager
def without_eventlet() -> Iterator[None]:
    """Import what would bring Eventlet along, as futurist does, without it.

    futurist imports eventlet wherever that is installed. A process on native
    threads must stay free of it; one that has loaded eventlet already must
    let futurist see it, or its green executor stays broken for good.
    """
    missing = "eventlet" not in sys.modules
    if missing:
        sys.modules["eventlet"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if missing:
            del sys.modules["eventlet"]
