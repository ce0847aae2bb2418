# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service``: which drivers there are, and what ties to one."""

import sys

from oslo_service import commands

if __name__ == "__main__":
    sys.exit(commands.main())
