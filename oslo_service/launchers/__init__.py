# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Launchers, the services that they run, and the signal handlers of users."""
