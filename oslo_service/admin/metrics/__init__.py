# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Metrics: what workers measure, put together by their parent, in OpenMetrics."""
