# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Packages that are not needed by everybody, and may be missing."""

import importlib
from typing import Any

__all__ = ("need",)


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
