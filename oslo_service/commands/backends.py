# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""stub"""


def add_to(c):
    pass
