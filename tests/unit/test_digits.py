# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Numbers that come as text."""

import pytest

from oslo_service._common import digits


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)]
)
def test_digits_are_a_number(text, number) -> None:
    assert digits.read(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.5", " 1", "1_0", "\u0663", "\xb2"])
def test_what_has_anything_else_is_none(text) -> None:
    assert digits.read(text) is None


@pytest.mark.parametrize("count", [19, 5000])
def test_nor_is_what_has_more_than_anybody_counts(count) -> None:
    assert digits.read("9" * count) is None
