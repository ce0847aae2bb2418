# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""sd_notify(3): the wire, the messages, the watchdog."""
