# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Processes and signals: the parent that keeps its workers, and what they do.

What to do is decided by :mod:`.workers.state` (worker processes) and
:mod:`.services.state` (services of this process). :mod:`.loop` waits and has it
done; there is one in a process.
"""
