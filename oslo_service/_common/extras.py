# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Optional packages, which extras of this one bring."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ("need", "without_eventlet")


def need(module: str, extra: str) -> Any:
    """Import a module of an optional package.

    :param module: the name of the module.
    :param extra: the extra that brings the package.
    :returns: the module.
    :raises ImportError: it, or something that it needs, is missing; names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        raise ImportError(
            f"{module} cannot be imported ({exc}): install it with"
            f" pip install 'oslo.service[{extra}]'",
            name=exc.name,
        ) from exc


@contextlib.contextmanager
def without_eventlet() -> Iterator[None]:
    """Keep Eventlet from being imported, as futurist would, for the time of a context.

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
