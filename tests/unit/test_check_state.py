# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``check`` finds of state that loops and threads change unprotected."""

import pytest

from oslo_service.commands.check import state_rules

CASES = {
    "OSE401": (
        """
        COUNT = 0
        SEEN = {}


        def work():
            global COUNT
            COUNT += 1  # here
            COUNT = COUNT + 1  # here
            SEEN["all"] += 1  # here
            more()


        def more():
            global COUNT
            COUNT -= 1  # here


        group.add_thread(work)
        """,
        """
        import threading

        COUNT = 0
        LOCK = threading.Lock()


        def work():
            global COUNT
            with LOCK:
                COUNT += 1
            mine = 0
            mine += 1
            COUNT = 5


        def elsewhere():
            global COUNT
            COUNT += 1


        group.add_thread(work)
        """,
    ),
    "OSE402": (
        """
        import threading

        CACHE = {}
        CLIENT = None


        def fill(key):
            global CLIENT
            if key not in CACHE:  # here
                CACHE[key] = load(key)
            if CLIENT is None:  # here
                CLIENT = connect()
            if CACHE:  # here
                CACHE.popitem()


        threading.Thread(target=fill, args=("a",), daemon=True).start()
        """,
        """
        import threading

        from oslo_concurrency import lockutils

        CACHE = {}
        CLIENT = None


        @lockutils.synchronized("cache")
        def fill(key):
            if key not in CACHE:
                CACHE[key] = load(key)


        def look(key):
            local = {}
            if key not in local:
                local[key] = 1
            if key in CACHE:
                CACHE.pop(key, None)
            if key in CACHE:
                print(CACHE[key])


        def only_here():
            global CLIENT
            if CLIENT is None:
                CLIENT = connect()


        threading.Thread(target=fill, args=("a",), daemon=True).start()
        threading.Thread(target=look, args=("a",), daemon=True).start()
        group.add_timer(5, only_here)
        """,
    ),
    "OSE403": (
        """
        THINGS = {}


        def look():
            for name, thing in THINGS.items():  # here
                thing.look()


        def add(name, thing):
            THINGS[name] = thing


        group.add_timer(5, look)
        """,
        """
        THINGS = {}
        FIXED = [1, 2]


        def look():
            for thing in list(THINGS.values()):
                thing.look()
            for one in FIXED:
                print(one)


        def add(name, thing):
            THINGS[name] = thing


        group.add_timer(5, look)
        """,
    ),
}


def test_every_rule_about_state_has_its_case():
    assert sorted(CASES) == sorted(rule.id for rule in state_rules.RULES)


@pytest.mark.parametrize("rule", CASES)
def test_it_is_found_where_it_is(rule, lines):
    marked, found = lines(rule, CASES[rule][0])

    assert found == marked


@pytest.mark.parametrize("rule", CASES)
def test_what_is_only_like_it_is_not_found(rule, lines):
    _, found = lines(rule, CASES[rule][1])

    assert found == []


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
