# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process knows of itself when it is asked: its work, its health."""
