# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tests on every driver: the library's contract, and what projects need for theirs.

The conformance suite is the modules called ``test_*``: what every driver owes its
users, as tests. Run it for a driver, wherever that is installed, with::

    python -m pytest --pyargs oslo_service.testing --backend NAME

Projects use :mod:`.plugin`, which pytest loads by itself, and :mod:`.scenarios`.
"""
