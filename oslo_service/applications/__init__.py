# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""WSGI applications: made from a PasteDeploy file, found for a request's path."""
