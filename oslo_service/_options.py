# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options, under the name by which other projects import them."""

from oslo_service.opts import (
    backend_opts,
    eventlet_backdoor_opts,
    help_for_backdoor_port,
    periodic_opts,
    service_opts,
    ssl_opts,
    wsgi_opts,
)

__all__ = (
    "backend_opts",
    "eventlet_backdoor_opts",
    "help_for_backdoor_port",
    "periodic_opts",
    "service_opts",
    "ssl_opts",
    "wsgi_opts",
)
