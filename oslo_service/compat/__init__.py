# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Compatibility: what is kept only for names that other projects import.

``oslo_service.backend._eventlet`` and ``oslo_service.backend._threading`` are doors to
it, a few lines each: what stands behind them is :mod:`.bound`, and behind
``backend.get_component()`` is :mod:`.components`. Behind ``backend._common`` are names
that only pickles have. Nothing new is written on these.
"""
