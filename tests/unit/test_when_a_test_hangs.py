# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""After how long a test of the conformance suite counts as one that hangs."""

import pytest

from oslo_service.testing import suite

USUAL = suite._HANGS


@pytest.mark.parametrize(
    ("marker", "seconds"),
    [
        (pytest.mark.timeout(10 * USUAL), 9 * USUAL),
        (pytest.mark.timeout(timeout=10 * USUAL), 9 * USUAL),
        (pytest.mark.timeout(method="thread", timeout=10 * USUAL), 9 * USUAL),
        (pytest.mark.timeout(1), USUAL),
        (pytest.mark.timeout(0), USUAL),
        (pytest.mark.timeout(method="thread"), USUAL),
        (pytest.mark.timeout(None), USUAL),
    ],
    ids=str,
)
def test_one_that_says_how_long_it_takes_has_nearly_that(
    request, marker, seconds
) -> None:
    request.node.add_marker(marker)
    assert suite._when_it_hangs(request.node) == pytest.approx(seconds)


def test_one_that_says_nothing_has_the_usual_time(request) -> None:
    assert suite._when_it_hangs(request.node) == USUAL
