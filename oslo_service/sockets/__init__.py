# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Listening sockets: binding, socket activation, and which are open."""
