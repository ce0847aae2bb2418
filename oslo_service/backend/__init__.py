# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which driver runs this process: decided once, late, by configuration.

Defining and constructing things never decides; running them does. Who decides,
first match wins:

1. :func:`init_backend`, in code;
2. the option ``[oslo_service] backend``, where someone set it;
3. the hook given to :func:`register_backend_default_hook`;
4. ``auto``: ``eventlet`` in a process that is monkey-patched, ``threading``
   in every other.
"""

# The sub-packages `threading` and `eventlet` become attributes of this module
# when they are loaded: nothing else here may be called that.
from typing import Any

from oslo_service._common import submodules
from oslo_service._common.public_names import set_modules
from oslo_service.backend import _loading, exceptions
from oslo_service.backend._bootstrap import bootstrap
from oslo_service.backend._commitment import commit, warn_of_idle_hub
from oslo_service.backend._registration import register_driver
from oslo_service.backend._selection import (
    _reset_backend,
    choice,
    confined,
    driver_called,
    get_backend,
    get_backend_type,
    in_use,
    init_backend,
    register_backend_default_hook,
    selected,
)
from oslo_service.backend._selection_rules import BackendType
from oslo_service.compat.components import load as get_component

__all__ = (
    "BackendType",
    "_reset_backend",
    "bootstrap",
    "choice",
    "commit",
    "confined",
    "driver_called",
    "exceptions",
    "get_backend",
    "get_backend_type",
    "get_component",
    "in_use",
    "init_backend",
    "register_backend_default_hook",
    "register_driver",
    "selected",
    "warn_of_idle_hub",
)

set_modules(globals())
if _loading.is_patched():
    submodules.offer_eventlets()


def __getattr__(name: str) -> Any:
    if name == "DEFAULT_BACKEND_TYPE":
        from oslo_service._common import deprecation
        from oslo_service.backend import _selection

        deprecation.warn_once(
            "oslo_service.backend.DEFAULT_BACKEND_TYPE",
            "the default depends on the process: ask get_backend_type()",
        )
        return _selection.default_backend_type()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
