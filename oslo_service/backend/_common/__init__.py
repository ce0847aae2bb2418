# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What pickles of exceptions look for here: those that oslo.service 4.8.0 wrote.

New code imports from :mod:`oslo_service`.
"""
