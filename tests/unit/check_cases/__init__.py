# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Code to check: by rule, where it applies, and what is only like that.

In the first, the rule applies to the lines that say "# here", and to no others.
"""

from check_cases import eventlet, library, native_thread_use, state

__all__ = ("CASES",)

CASES: dict[str, tuple[str, str]] = {
    **eventlet.CASES,
    **library.CASES,
    **native_thread_use.CASES,
    **state.CASES,
}
