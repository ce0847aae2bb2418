# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service ctl``: the endpoint from a command line.

A probe runs it every few seconds: it imports little.
"""
