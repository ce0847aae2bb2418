# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the rules about state that is shared find, and what they do not."""

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
            Things.made += 1  # here
            Things.note()
            Things().noted()
            more()


        class Things:
            made = 0

            @classmethod
            def note(cls):
                cls.made = cls.made + 1  # here

            def noted(self):
                type(self).made += 1  # here
                self.own += 1

            def begin(self, group):
                group.add_thread(self.noted)
                group.add_thread(self.note)


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
            thing = object()
            thing.count += 1


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
