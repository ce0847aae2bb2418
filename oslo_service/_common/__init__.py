# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The ground floor: what every floor uses, and what uses none.

The clock, names for logs, the interface of services, the options' registration,
extras, deprecation.
"""
