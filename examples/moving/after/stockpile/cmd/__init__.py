# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The programs of the project."""

from oslo_service import backend

backend.bootstrap("stockpile")
