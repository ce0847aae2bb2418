# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Records and states: dataclasses for which nothing is compiled."""

import copy
import dataclasses
import pickle

import pytest

from oslo_service._common.records import Record, State


class Place(Record):
    name: str
    doors: int = 1
    guests: list[str] = dataclasses.field(default_factory=list)


class Named(Record, kw_only=True):
    when: float = 0.0


class Arrival(Named):
    who: str


class Walker(State):
    name: str
    friend: "Walker | None" = None


def test_values_are_given_by_position_or_by_name() -> None:
    assert Place("inn", 2) == Place(doors=2, name="inn")


def test_what_is_not_given_has_its_default() -> None:
    assert Place("inn").doors == 1


def test_a_default_that_is_made_is_made_for_each() -> None:
    one, other = Place("inn"), Place("inn")
    one.guests.append("Ada")

    assert other.guests == []


@pytest.mark.parametrize(
    ("args", "values", "message"),
    [
        ((), {}, "Place needs name="),
        (("inn", 1, [], 2), {}, "Place has not that many fields"),
        (("inn",), {"name": "pub"}, "Place has one name"),
        (("inn",), {"beds": 4, "stars": 5}, "Place has no beds, stars"),
    ],
)
def test_other_values_are_refused(args, values, message) -> None:
    with pytest.raises(TypeError, match=message):
        Place(*args, **values)


def test_a_subclass_takes_names_only_where_its_base_does() -> None:
    assert Arrival(who="Ada", when=1.5) == Arrival(when=1.5, who="Ada")
    with pytest.raises(TypeError):
        Arrival("Ada")


def test_a_record_cannot_be_changed() -> None:
    place = Place("inn")

    with pytest.raises(dataclasses.FrozenInstanceError):
        place.doors = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del place.doors


def test_records_are_equal_that_are_of_a_kind_and_say_the_same() -> None:
    class Field(Record):
        name: str
        doors: int = 1

    assert Place("inn") != Place("pub")
    assert Place("inn") != Field("inn")
    assert len({Arrival(who="Ada"), Arrival(who="Ada")}) == 1


def test_a_state_changes_and_is_equal_to_itself_only() -> None:
    ada = Walker("Ada")
    ada.name = "Eve"

    assert ada.name == "Eve"
    assert ada != Walker("Eve")


def test_states_that_know_each_other_can_be_shown() -> None:
    ada, eve = Walker("Ada"), Walker("Eve")
    ada.friend, eve.friend = eve, ada

    shown = "Walker(name='Ada', friend=Walker(name='Eve', friend=...))"
    assert repr(ada) == shown


def test_patterns_match_by_position() -> None:
    match Place("inn", 2):
        case Place(name, doors):
            assert (name, doors) == ("inn", 2)
        case _:
            pytest.fail("a pattern of its own class does not match")


def test_the_functions_for_dataclasses_take_them() -> None:
    arrival = Arrival(who="Ada")

    assert dataclasses.asdict(arrival) == {"when": 0.0, "who": "Ada"}
    assert dataclasses.replace(arrival, who="Eve") == Arrival(who="Eve")


def test_they_can_be_copied_and_pickled() -> None:
    place = Place("inn", 2, ["Ada"])

    assert copy.deepcopy(place) == place
    assert pickle.loads(pickle.dumps(place)) == place
