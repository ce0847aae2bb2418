# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ends looping calls, at another place."""

from oslo_service.loopingcall import LoopingCallDone, LoopingCallTimeOut

__all__ = ("LoopingCallDone", "LoopingCallTimeOut")
