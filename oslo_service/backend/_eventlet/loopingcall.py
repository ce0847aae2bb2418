# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looping calls that run on Eventlet, whatever is selected."""

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

LoopingCallBase = bind("eventlet", loopingcall.LoopingCallBase)
FixedIntervalLoopingCall = bind("eventlet", loopingcall.FixedIntervalLoopingCall)
FixedIntervalWithTimeoutLoopingCall = bind(
    "eventlet", loopingcall.FixedIntervalWithTimeoutLoopingCall
)
DynamicLoopingCall = bind("eventlet", loopingcall.DynamicLoopingCall)
BackOffLoopingCall = bind("eventlet", loopingcall.BackOffLoopingCall)
RetryDecorator = bind("eventlet", loopingcall.RetryDecorator)
