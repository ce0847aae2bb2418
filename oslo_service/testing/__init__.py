# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
r"""The conformance suite: what every driver owes its users, as tests.

Run it for a driver, wherever that is installed, with::

    python -m pytest -p oslo_service.testing.plugin \
        --pyargs oslo_service.testing --backend NAME
"""
