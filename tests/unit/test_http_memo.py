# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has been found out before."""

import pytest

from oslo_service.http.memo import Memo


def test_what_has_been_found_out_is_not_found_out_again() -> None:
    asked: list[str] = []

    def upper(text: str) -> str:
        asked.append(text)
        return text.upper()

    memo = Memo(upper, 2)
    assert [memo["a"], memo["a"], memo["b"]] == ["A", "A", "B"]
    assert asked == ["a", "b"]


def test_it_keeps_no_more_than_it_may() -> None:
    memo = Memo(str.upper, 2)
    for text in "abcdefg":
        assert memo[text] == text.upper()
        assert len(memo) <= 2


def test_a_failure_is_not_kept() -> None:
    memo = Memo(int, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            memo["x"]
    assert not memo
