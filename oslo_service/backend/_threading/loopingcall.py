# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looping calls that run on native threads, whatever is selected."""

from oslo_service import loopingcall
from oslo_service._bound import bind
from oslo_service.loopingcall import LoopingCallDone, LoopingCallTimeOut

__all__ = (
    "BackOffLoopingCall",
    "DynamicLoopingCall",
    "FixedIntervalLoopingCall",
    "FixedIntervalWithTimeoutLoopingCall",
    "LoopingCallBase",
    "LoopingCallDone",
    "LoopingCallTimeOut",
    "RetryDecorator",
)

LoopingCallBase = bind("threading", loopingcall.LoopingCallBase)
FixedIntervalLoopingCall = bind("threading", loopingcall.FixedIntervalLoopingCall)
FixedIntervalWithTimeoutLoopingCall = bind(
    "threading", loopingcall.FixedIntervalWithTimeoutLoopingCall
)
DynamicLoopingCall = bind("threading", loopingcall.DynamicLoopingCall)
BackOffLoopingCall = bind("threading", loopingcall.BackOffLoopingCall)
RetryDecorator = bind("threading", loopingcall.RetryDecorator)
