# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Keeps copies of what is published elsewhere."""
