# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Name pieces of work that do nothing, beside a call that does nothing."""

import time

from harness.inside import answer, role, select

_PIECES = 200_000
_ROUNDS = 5


def _nothing(which):
    return which


def _bare(pieces):
    for which in range(pieces):
        _nothing(which)


def _tracked(pieces):
    from oslo_service import work

    track = work.track
    for which in range(pieces):
        with track("piece", id=which):
            _nothing(which)


def _decorated(pieces):
    from oslo_service import work

    call = work.tracked(_nothing)
    for which in range(pieces):
        call(which)


def _cost(run):
    """Return the microseconds of a piece, in the quickest of some rounds."""
    run(1000)
    found = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        run(_PIECES)
        found.append(time.perf_counter() - began)
    return min(found) / _PIECES * 1e6


def main():
    """Give what naming a piece costs, beyond the piece itself."""
    select(role())
    bare = _cost(_bare)
    answer(track_us=_cost(_tracked) - bare, tracked_us=_cost(_decorated) - bare)


if __name__ == "__main__":
    main()
