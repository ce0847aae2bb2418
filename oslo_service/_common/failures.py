# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What code of the program's raises, where nothing of it may end who has called it."""

import signal

__all__ = ("FAILURES", "is_interrupt")

#: What such code may raise, which is logged; see :func:`is_interrupt`, too.
FAILURES = (Exception, SystemExit, GeneratorExit, KeyboardInterrupt)


def is_interrupt(error: BaseException) -> bool:
    """Whether it may be Ctrl-C that has raised this, in whatever ran: it is passed on.

    Where SIGINT is handled otherwise than by Python itself, as it is by a supervisor,
    Ctrl-C raises nothing.
    """
    return (
        isinstance(error, KeyboardInterrupt)
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
