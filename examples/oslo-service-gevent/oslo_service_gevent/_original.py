# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The standard library as it was before gevent patched it."""

import functools
import importlib.util
import sys
from types import ModuleType

from gevent import monkey

__all__ = ("unpatched",)

_FOUNDATIONS = ("_thread", "select", "time")  # used by others that are patched


def unpatched(module: str) -> ModuleType:
    """Return a module of the standard library, unpatched."""
    if monkey.is_module_patched(module):
        return _made_anew(module)
    return importlib.import_module(module)


@functools.cache
def _made_anew(name: str) -> ModuleType:
    # A copy of the patched module would lack what gevent removes, and the functions
    # in it would go on using what is patched.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no module {name!r} to be made anew", name=name)
    made = importlib.util.module_from_spec(spec)
    below = () if name in _FOUNDATIONS else _FOUNDATIONS
    patched = {one: sys.modules[one] for one in (*below, name)}
    sys.modules.update({one: unpatched(one) for one in below})
    sys.modules[name] = made  # enum adds constants to what it finds there
    try:
        spec.loader.exec_module(made)
    finally:
        sys.modules.update(patched)
    return made
