# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What every layer uses, and what imports none of them.

The clock, names for logs, the interface of services, the options' registration,
extras, deprecation.
"""
