# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether work of a worker has taken longer than it may."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from oslo_service._common import lazy_imports

if TYPE_CHECKING:
    from oslo_service.supervisor import tracked_work
else:
    tracked_work = lazy_imports.module("oslo_service.supervisor.tracked_work")

__all__ = ("WorkLimits",)


class WorkLimits:
    """Tells the parent of work that is past its own limit.

    :param tell: called with what is overdue, in words.
    :param wake: has whoever turns the supervisor look again.
    """

    def __init__(
        self, tell: Callable[[str], object], wake: Callable[[], object]
    ) -> None:
        self._tell = tell
        self._told: set[tracked_work.track] = set()
        self._wake = wake

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has something to tell; None: nothing that is known."""
        return min((due for due, _ in self._untold()), default=None)

    def advance(self, now: float) -> None:
        """Tell of what is overdue, once of each piece."""
        for due, piece in self._untold():
            if now >= due:
                self._told.add(piece)
                which = "" if piece.id is None else f" {piece.id}"
                self._tell(f"{piece.name}{which} takes longer than {piece.limit:g} s")

    def _untold(self) -> "list[tuple[float, tracked_work.track]]":
        # From now on; one that begins is looked at in the next turn.
        tracked_work.running().on_limit = lambda _piece: self._wake()
        pieces = tracked_work.limited()
        self._told.intersection_update(piece for _, piece in pieces)
        return [one for one in pieces if one[1] not in self._told]
