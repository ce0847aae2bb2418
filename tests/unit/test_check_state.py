# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``check`` finds of state that loops and threads change unprotected."""

import pytest


@pytest.mark.parametrize(
    "started",
    [
        "loopingcall.FixedIntervalLoopingCall(Mine().work)",
        "threading.Timer(5, work)",
        "futurist.ThreadPoolExecutor().submit(work)",
        "eventlet.GreenPool().spawn_n(work)",
        "group.add_timer_args(5, functools.partial(work, 1))",
        "group.add_dynamic_timer(callback=work)",
        "group.add_thread(lambda: work())",
    ],
)
def test_whatever_starts_a_function_beside_others_is_known(started, check, dedent):
    text = """
    import eventlet, functools, futurist, threading
    from oslo_service import loopingcall, periodic_task

    COUNT = 0


    def work():
        global COUNT
        COUNT += 1


    def other():
        return COUNT


    def start():
        STARTED
    """
    known = check(dedent(text).replace("STARTED", started))

    # An object of a class may be of any: only self is followed.
    expected = [] if "Mine" in started else [9]
    assert [one.line for one in known if one.rule.id == "OSE401"] == expected


def test_a_periodic_task_is_one(check, dedent):
    found = check(
        dedent(
            """
            from oslo_service import periodic_task

            COUNT = 0


            class Manager(periodic_task.PeriodicTasks):
                @periodic_task.periodic_task(spacing=5)
                def count(self, context):
                    global COUNT
                    COUNT += 1

                def told(self):
                    return COUNT
            """
        )
    )

    assert [(one.rule.id, one.line) for one in found] == [("OSE401", 10)]
