# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looks at intervals whether services can be reached, and tells it over HTTP."""
