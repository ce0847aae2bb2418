# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The admin endpoint: status, control, health and metrics over HTTP.

Nothing here is imported before an option asks for it.
"""
