# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The errors of the library."""

__all__ = (
    "BackendAlreadySelected",
    "BackendComponentNotAvailable",
    "ClusterOptionError",
    "OsloServiceError",
    "TaskCancelled",
    "UnknownBackendError",
    "UnsupportedBackendError",
)


class OsloServiceError(Exception):
    """Base of every error that this library defines."""


class BackendAlreadySelected(OsloServiceError):
    """A second, different driver was asked for."""


class BackendComponentNotAvailable(OsloServiceError):
    """A driver does not supply what was asked of it."""


class UnsupportedBackendError(OsloServiceError):
    """A driver is unknown, unusable in this process, or cannot do this.

    :param message: the reason, and what to do about it.
    """

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or "the selected backend does not support this")


class UnknownBackendError(UnsupportedBackendError, ValueError):
    """No driver has that name."""


class TaskCancelled(OsloServiceError):
    """The awaited task was cancelled before it began, or killed."""


class ClusterOptionError(OsloServiceError, ValueError):
    """A cluster cannot be joined as the options say; names the option.

    No password that the options hold is in the message.
    """

    __module__ = "oslo_service.cluster"
