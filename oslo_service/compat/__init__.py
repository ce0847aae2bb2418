# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The attic: what is kept only for names that others import."""
