# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""WSGI applications: loaded from a PasteDeploy file, and routed to by path."""
