# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a client may ask for, and how long it may take."""

import dataclasses

__all__ = ("Limits",)


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one connection; sizes in bytes, times in seconds.

    :ivar url: the longest request target; beyond: 414.
    :ivar header_line: the longest line of a head; beyond: 431.
    :ivar headers: the most header fields; beyond: 431.
    :ivar buffered_body: how much of a body is read before the application
        runs: no task waits for that.
    :ivar buffered_response: how much of a response may wait to be sent before
        the application that generates it is held up.
    :ivar discarded_body: how much of a body that the application has not read
        is read on its behalf, so that the connection can be kept.
    :ivar timeout: how long a client may be silent, and a head may take; None
        sets no limit.
    :ivar linger: how long a connection stays open for what is on its way, when the
        server stops.
    :ivar linger_idle: how long it stays open after an error, or a response before
        the end of a request, for a client that has more to send, each time that
        something arrives.
    :ivar linger_total: how long it stays open then in all.
    :ivar keep_alive: whether a connection may be used more than once.
    :ivar shortest: no line up to this is too long, whichever it is.
    """

    url: int = 8192
    header_line: int = 16384
    headers: int = 100
    buffered_body: int = 65536
    buffered_response: int = 262144
    discarded_body: int = 262144
    timeout: float | None = 900.0
    linger: float = 1.0
    linger_idle: float = 5.0
    linger_total: float = 30.0
    keep_alive: bool = True
    shortest: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        """Compute what follows from the others."""
        object.__setattr__(self, "shortest", min(self.url, self.header_line))

    @property
    def head(self) -> int:
        """The longest head, all lines together."""
        return 4 * self.header_line
