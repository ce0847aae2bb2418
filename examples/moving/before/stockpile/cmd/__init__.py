# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The programs of the project."""

import eventlet

eventlet.monkey_patch(os=False)

import __original_module_threading as orig_threading
import threading

orig_threading.current_thread.__globals__["_active"] = threading._active
