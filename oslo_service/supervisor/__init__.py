# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Processes and signals: the parent that keeps its workers, and what they do.

What to do is decided in :mod:`.crew` (workers) and :mod:`.host` (services of
this process). :mod:`.loop` waits and does it; there is one in a process.
"""
