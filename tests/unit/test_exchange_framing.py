# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Messages as bytes: however they are cut, and whoever writes in between."""

import itertools
import random
import select

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oslo_service.supervisor.exchange.framing import (
    FRAME,
    Assembler,
    chunks,
    frame,
    pack,
    split,
    unpack,
)

MESSAGES = st.binary(max_size=9000)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return data in the pieces that these places make of it."""
    places = sorted({one % (len(data) + 1) for one in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


class TestMessages:
    """What a message is, and what it brings."""

    @given(VALUES | st.binary())
    def test_it_comes_as_it_was(self, value: object) -> None:
        head = {"tell": "name\n", "number": 7}
        assert unpack(pack(head, value)) == (head, value)

    @pytest.mark.parametrize("value", [object(), {"a": {1, 2}}])
    def test_what_json_cannot_be_is_refused(self, value: object) -> None:
        with pytest.raises(TypeError):
            pack({}, value)


class TestFrames:
    """Messages among orders."""

    @given(
        st.lists(
            st.sampled_from([b"S", b"M", b"?"]) | MESSAGES.map(lambda m: m[:4000])
        ),
        st.lists(st.integers(0, 10_000)),
    )
    def test_they_come_in_their_order_however_they_are_cut(self, sent, cuts) -> None:
        orders = (b"S", b"M", b"?")
        data = b"".join(one if one in orders else frame(one) for one in sent)
        found, rest = [], b""
        for piece in cut(data, cuts):
            more, rest = split(rest + piece)
            found += more
        assert not rest
        assert found == [one if one in orders else FRAME + one for one in sent]

    def test_one_is_written_in_one_piece(self) -> None:
        room = select.PIPE_BUF - 3
        assert len(frame(bytes(room))) == select.PIPE_BUF
        with pytest.raises(ValueError, match=f"room for {room} bytes"):
            frame(bytes(room + 1))


class TestAssembling:
    """Messages of several writers, each in pieces."""

    @given(
        st.lists(st.tuples(st.integers(1, 4), MESSAGES), max_size=8),
        st.lists(st.integers(0, 80_000)),
        st.randoms(use_true_random=False),
    )
    def test_each_comes_whole_whoever_writes_in_between(
        self, sent, cuts, chance: random.Random
    ) -> None:
        queues: dict[int, list[bytes]] = {}
        for number, (worker, message) in enumerate(sent):
            queues.setdefault(worker, []).extend(chunks(worker, number, message))
        data = b""
        while queues:
            worker = chance.choice(sorted(queues))
            data += queues[worker].pop(0)
            if not queues[worker]:
                del queues[worker]
        assembler = Assembler()
        found = [one for piece in cut(data, cuts) for one in assembler.feed(piece)]
        for worker in range(1, 5):
            assert [m for w, m in found if w == worker] == [
                m for w, m in sent if w == worker
            ]

    @given(MESSAGES)
    def test_each_piece_is_written_at_once(self, message: bytes) -> None:
        assert all(len(one) <= select.PIPE_BUF for one in chunks(1, 1, message))

    def test_the_last_piece_may_be_a_full_one(self) -> None:
        (piece,) = chunks(1, 1, b"")
        full = bytes(2 * (select.PIPE_BUF - len(piece)))
        pieces = list(chunks(1, 1, full))
        assert [len(one) for one in pieces] == [select.PIPE_BUF] * 2
        assert Assembler().feed(b"".join(pieces)) == [(1, full)]

    def test_what_a_writer_does_not_finish_is_forgotten(self) -> None:
        assembler = Assembler()
        assembler.feed(next(iter(chunks(1, 1, bytes(9000)))))
        assembler.forget(1)
        assembler.forget(2)
        rest = list(chunks(1, 1, b"new"))
        assert assembler.feed(rest[0]) == [(1, b"new")]

    def test_what_a_writer_begins_anew_is_not_mixed_with_the_old(self) -> None:
        assembler = Assembler()
        assembler.feed(next(iter(chunks(1, 1, bytes(9000)))))
        assert assembler.feed(b"".join(chunks(1, 2, b"x" * 9000))) == [(1, b"x" * 9000)]
