# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An endpoint whose calls are work in progress: named, and waited for at the end."""

import functools
import inspect
from typing import Any

from oslo_service import work

__all__ = ("TrackedEndpoint",)


class TrackedEndpoint:
    """What can be called by RPC, with each call named while it is in progress.

    ``python -m oslo_service ctl work`` shows them, a stop says which there are, and
    the end of the process waits for them.

    :param endpoint: an endpoint of oslo.messaging's.
    :param id_key: where the context has what tells one call from another.
    """

    def __init__(self, endpoint: Any, id_key: str = "request_id") -> None:
        self._endpoint = endpoint
        self._id_key = id_key

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._endpoint, name)
        if name.startswith("_") or not inspect.isroutine(attribute):
            return attribute  # such as the target, which can be called, too

        @functools.wraps(attribute)
        def call(context: Any, *args: Any, **kwargs: Any) -> Any:
            what = f"RPC {type(self._endpoint).__name__}.{name}"
            with work.track(what, id=self._id_of(context)):
                return attribute(context, *args, **kwargs)

        return call

    def _id_of(self, context: Any) -> Any:
        if isinstance(context, dict):
            return context.get(self._id_key)
        return getattr(context, self._id_key, None)
