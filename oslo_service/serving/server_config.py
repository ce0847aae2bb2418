# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What all sessions of a server share."""

import contextvars
import dataclasses
from collections.abc import Callable

from oslo_service.http.environ import Environ
from oslo_service.http.gateway import Gateway
from oslo_service.http.limits import Limits
from oslo_service.http.tls import Encrypt

__all__ = ("ServerConfig",)


@dataclasses.dataclass(frozen=True, slots=True)
class ServerConfig:
    """What does not differ from one client to the next.

    :ivar gateway: has the application answer.
    :ivar limits: what a client may do.
    :ivar encrypt: makes what a new connection is encrypted with; None: none is.
    :ivar environ: what is the same in the environment of every request.
    :ivar unspecific: it listens on every address of the machine.
    :ivar context_variables: a copy of them is what each request sees.
    :ivar count: called after each request; None: nobody counts them.
    """

    gateway: Gateway
    limits: Limits
    encrypt: Encrypt | None
    environ: Environ
    unspecific: bool
    context_variables: contextvars.Context
    count: Callable[[], object] | None = None
