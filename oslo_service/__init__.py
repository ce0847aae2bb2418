# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Long-running services: workers, looping calls, thread groups, WSGI."""
