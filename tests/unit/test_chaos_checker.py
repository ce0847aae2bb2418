# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whoever judges a run of the chaos finds each wrong in a history, and no more."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "tools" / "chaos"
sys.path.insert(0, str(PROGRAM))
try:
    import checker
    from history import (
        KILLED,
        Alone,
        Death,
        History,
        Outage,
        Run,
        Stall,
        Takeover,
        Terms,
        Trouble,
    )
finally:
    sys.path.remove(str(PROGRAM))

# Due times are whole numbers; the server keeps a lock for 5 s.
TERMS = Terms(interval=1.0, lease=5.0)
A, B, C = 101, 102, 103


@pytest.fixture(autouse=True, scope="module")
def modules() -> Iterator[None]:
    yield
    for name in ("checker", "gaps", "history"):
        sys.modules.pop(name, None)


def runs(pid, begin, end, task="skip"):
    """Return one run for each due time of a range, which takes a moment."""
    return [Run(task, due, pid, due + 0.1, due + 0.2) for due in range(begin, end)]


def takeover(pid, at, task="skip", unknown=()):
    return Takeover(task, pid, at, frozenset(map(float, unknown)))


def quiet(**changes):
    """Return a history in which A runs everything, with changes."""
    good = {
        "begin": 102.0,
        "end": 129.5,
        "runs": [*runs(A, 102, 130), *runs(A, 100, 130, "run")],
        "takeovers": [takeover(A, 100.0), takeover(A, 100.0, "run")],
        "alone": [Alone(A, 100.0, None)],
    }
    return History(**{**good, **changes})


def killed(**changes):
    """Return a history in which A is killed at 110.5, and B takes over at 115.7."""
    good = {
        "runs": [
            *runs(A, 102, 111),
            *runs(B, 117, 130),
            *runs(A, 100, 111, "run"),
            *runs(B, 115, 130, "run"),
        ],
        "takeovers": [
            takeover(A, 100.0),
            takeover(A, 100.0, "run"),
            takeover(B, 115.7, unknown=range(111, 117)),
            takeover(B, 115.7, "run"),
        ],
        "alone": [Alone(A, 100.0, None), Alone(B, 115.7, None)],
        "troubles": [Trouble(KILLED, A, 110.5, 110.5)],
        "deaths": [Death(A, 110.5)],
    }
    return quiet(**{**good, **changes})


def found(history, terms=TERMS):
    return checker.check(history, terms, "skip", "run")


def only(history, words, terms=TERMS):
    """Whether one thing alone is found, which has these words."""
    said = found(history, terms)
    assert len(said) == 1, said
    assert words in said[0], said


def test_of_a_quiet_history_there_is_nothing_to_say():
    assert found(quiet()) == []


def test_of_a_takeover_within_the_lease_there_is_nothing_to_say():
    assert found(killed()) == []


def test_a_due_time_that_begins_twice_is_found():
    again = Run("skip", 120.0, B, 120.3, 120.4)
    both = [*quiet().runs, again]
    holders = [*quiet().takeovers, takeover(B, 102.0)]

    only(quiet(runs=both, takeovers=holders), "skip: 120.000 begins 2 times: 101 at")


def test_the_other_task_may_begin_a_due_time_twice():
    both = [*quiet().runs, Run("run", 120.0, B, 120.3, 120.4)]

    assert found(quiet(runs=both)) == []


def test_a_process_that_goes_back_is_found():
    early = [one for one in quiet().runs if (one.task, one.due) != ("skip", 110)]
    late = Run("skip", 110.0, A, 112.5, 112.6)

    only(quiet(runs=[*early, late]), "skip: 101 begins 110.000 after 112.000")


def test_one_that_begins_before_it_is_due_is_found():
    rest = [one for one in quiet().runs if (one.task, one.due) != ("skip", 110)]
    early = Run("skip", 110.0, A, 109.8, 109.9)

    only(quiet(runs=[*rest, early]), "begins at 109.800, before that")


def late_by_a_lease(**changes):
    """Return a history in which A is away, and comes back after B has taken over."""
    woken = Run("skip", 111.0, A, 118.5, 118.6)
    others = [*killed().runs, woken]
    told = [*killed().takeovers[:2], takeover(B, 115.7, unknown=range(112, 117))]
    return killed(runs=others, takeovers=[*told, takeover(B, 115.7, "run")], **changes)


def test_one_that_begins_when_its_lease_is_over_is_found():
    only(late_by_a_lease(), "skip: 101 begins 111.000 7.500 s late")


def test_but_not_one_that_was_paused_just_before():
    paused = Trouble("paused", A, 111.05, 118.5)

    assert found(late_by_a_lease(troubles=[paused])) == []


def test_who_begins_without_having_taken_over_is_found():
    only(
        killed(
            takeovers=[
                one for one in killed().takeovers if one.pid == A or one.task == "run"
            ],
            runs=[one for one in killed().runs if one.pid == A or one.due < 118],
            end=117.5,
        ),
        "skip: 102 begins 117.000, and has not taken over",
    )


def test_a_successor_that_does_not_wait_for_the_skew_is_found():
    early = [*killed().runs, Run("skip", 116.0, B, 116.1, 116.2)]

    only(killed(runs=early), "skip: 102 begins 116.000, and took over at 115.700")


def test_what_is_missing_without_a_reason_is_found():
    rest = [one for one in quiet().runs if (one.task, one.due) != ("skip", 110)]

    only(quiet(runs=rest), "skip: 110.000 is missing, of 110.000 to 110.000; held by")


def test_what_is_missing_when_another_process_was_killed_is_found():
    rest = [one for one in quiet().runs if (one.task, one.due) != ("skip", 115)]
    troubles = [Trouble(KILLED, B, 110.5, 110.5)]

    only(quiet(runs=rest, troubles=troubles), "skip: 115.000 is missing")


def test_what_is_missing_later_than_a_lease_and_an_interval_is_found():
    rest = [
        one for one in killed().runs if one.task == "run" or not 117 <= one.due < 120
    ]

    only(killed(runs=rest), "skip: 119.000 is missing, of 111.000 to 119.000")


def test_after_an_outage_there_is_one_lease_more():
    outage = Outage("stopped", 108.0, 111.5)
    rest = [
        one for one in killed().runs if one.task == "run" or not 117 <= one.due < 120
    ]

    assert found(killed(runs=rest, outages=[outage])) == []


def test_but_not_two():
    outage = Outage("stopped", 103.0, 104.5)
    rest = [
        one for one in killed().runs if one.task == "run" or not 117 <= one.due < 120
    ]

    only(killed(runs=rest, outages=[outage]), "skip: 119.000 is missing")


def test_a_machine_that_was_busy_may_be_as_much_later():
    rest = [
        one for one in killed().runs if one.task == "run" or not 117 <= one.due < 120
    ]
    stalls = [Stall(100.0, 7.0), Stall(112.0, 7.0), Stall(113.0, 10.0)]

    assert found(killed(runs=rest, stalls=stalls)) == []


def test_one_that_is_late_because_the_machine_is_busy_is_excused():
    rest = [one for one in quiet().runs if (one.task, one.due) != ("skip", 110)]
    stalls = [Stall(109.5, 0.0), Stall(110.9, 1.3)]

    assert found(quiet(runs=rest, stalls=stalls)) == []


def test_a_successor_that_does_not_tell_what_may_be_missing_is_found():
    taken = [*killed().takeovers[:2], takeover(B, 115.7, unknown=[111, 112, 114, 115])]

    said = found(killed(takeovers=[*taken, takeover(B, 115.7, "run")]))

    assert len(said) == 2
    assert "skip: 113.000 is missing, and nobody tells" in said[0]
    assert "skip: 116.000 is missing, and nobody tells" in said[1]


def test_but_not_one_that_had_no_time_for_it():
    taken = [*killed().takeovers[:2], takeover(B, 115.7), takeover(B, 115.7, "run")]
    troubles = [*killed().troubles, Trouble("cut off", B, 116.0, 117.0)]
    lost = [one._replace(until=116.0) if one.pid == B else one for one in taken]

    assert found(killed(takeovers=taken, troubles=troubles)) == []
    assert found(killed(takeovers=lost)) == []


def interrupted():
    return [
        one._replace(end=None) if (one.task, one.due) == ("skip", 110) else one
        for one in killed().runs
    ]


def test_an_interruption_that_nobody_tells_is_found():
    only(killed(runs=interrupted()), "skip: 110.000 was interrupted, and nobody tells")


def test_but_not_one_that_the_parent_tells_or_whose_parent_has_gone_too():
    told = frozenset({("skip", 110.0, A)})
    both = [Trouble("killed with its parent", A, 110.5, 110.5)]

    assert found(killed(runs=interrupted(), interrupted=told)) == []
    assert found(killed(runs=interrupted(), troubles=both)) == []


def test_the_latest_before_a_takeover_that_does_not_run_is_found():
    rest = [one for one in killed().runs if (one.task, one.due) != ("run", 115)]

    only(killed(runs=rest), "run: 115.000 does not run, and 102 takes over after it")


def test_nor_may_it_have_begun_only():
    rest = [
        one._replace(end=None) if (one.task, one.due) == ("run", 115) else one
        for one in killed().runs
    ]

    only(killed(runs=rest), "run: 115.000 does not run, and 102 takes over after it")


def test_but_it_may_have_run_before():
    rest = [one for one in killed().runs if (one.task, one.due) != ("run", 115)]

    assert found(killed(runs=[*rest, Run("run", 115.0, C, 115.1, 115.2)])) == []


def test_a_single_service_in_two_processes_is_found():
    both = [Alone(A, 100.0, 111.0), Alone(B, 110.7, None)]

    only(
        quiet(alone=both),
        "the single service begins in 102 at 110.700, and ends in 101",
    )


def test_one_in_a_process_that_was_never_seen_to_end_counts_as_running():
    both = [Alone(A, 100.0, None), Alone(B, 115.7, None)]

    only(killed(alone=both, deaths=[]), "the single service begins in 102 at 115.700")


def test_what_a_process_has_found_itself_is_told():
    only(quiet(overlaps=["102 is not alone"]), "102 is not alone")


def test_a_single_service_that_is_taken_over_late_is_found():
    late = [Alone(A, 100.0, None), Alone(B, 117.0, None)]

    only(killed(alone=late), "the single service is not run for 6.500 s after 101")


def test_or_never():
    only(
        killed(alone=[Alone(A, 100.0, None)]),
        "the single service is not run for 19.000 s after 101",
    )


def test_but_not_while_the_server_was_away_or_others_were_disturbed():
    late = [Alone(A, 100.0, None), Alone(B, 117.0, None)]
    paused = [*killed().troubles, Trouble("paused", B, 111.0, 116.5)]

    assert found(killed(alone=late, outages=[Outage("silent", 110.0, 116.8)])) == []
    assert found(killed(alone=late, troubles=paused)) == []
