# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The names of :mod:`oslo_service.service`, under another name.

A process's signals and workers are one thing: launchers run on the driver
that the process has selected, and on no other. These are therefore the same
classes, not bound to this driver.
"""

from oslo_service import service
from oslo_service.service import *  # noqa: F403 - exactly these

__all__ = service.__all__
