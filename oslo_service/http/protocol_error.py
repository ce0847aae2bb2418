# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Why a client's bytes are not passed on to an application."""

import http

__all__ = ("ProtocolError",)


class ProtocolError(Exception):
    """Bytes that are no request, or one that goes too far.

    The client gets the status, and the connection ends: what follows on it
    cannot be understood any more.

    :param status: the status code of the answer.
    :param reason: for the log; the client sees the status' own phrase only.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason

    @property
    def status_text(self) -> str:
        """The status with its reason phrase."""
        phrase = _PHRASES.get(self.status) or http.HTTPStatus(self.status).phrase
        return f"{self.status} {phrase}"


# RFC 9110's names, where Python before 3.13 has older ones.
_PHRASES = {413: "Content Too Large", 414: "URI Too Long"}
