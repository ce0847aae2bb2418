# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options under the name by which configuration tools know them."""

from oslo_service._common.option_registration import backend_opts
from oslo_service.opts import (
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
