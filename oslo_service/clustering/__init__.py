# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Clusters: leases, due times, membership, and the servers that keep them."""
