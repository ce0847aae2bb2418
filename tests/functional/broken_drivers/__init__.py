# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Drivers that are wrong on purpose, each in one way; and some that are right.

Each is a subclass of one that is right, and :func:`found_by` says which tests of the
suite have to fail on it: their names are the sentences that it breaks, and they are
the programs that show it, as they pass on the driver that it derives from.
"""
