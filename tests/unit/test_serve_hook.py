# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who serves a listening socket: the driver's own server, else the library's."""

import socket
from typing import Any

from oslo_service.backend.threading import ThreadingDriver
from oslo_service.serving import assembly, engine


class Own:
    """A server of a driver's own, which keeps what it was made with."""

    def __init__(self, listener: Any, connect: Any, **options: Any) -> None:
        self.made_with = (listener, connect, options)


class WithAServer(ThreadingDriver):
    def serve(self, *args: Any, **kwargs: Any) -> Any:
        return Own(*args, **kwargs)


def connect(*args: Any) -> Any:
    raise AssertionError("nobody connects")


def test_the_drivers_own_server_is_asked_first() -> None:
    served = assembly.serve(
        WithAServer(),
        "socket",
        connect,
        pool_size=3,
        shared=True,
        name="api",
        slow=0,
        timeout=0,
    )

    assert isinstance(served, Own)
    assert served.made_with == (
        "socket",
        connect,
        {"pool_size": 3, "shared": True, "name": "api"},
    )


def test_a_driver_without_one_gets_the_engine_of_the_library() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        served = assembly.serve(
            ThreadingDriver(),
            listener,
            connect,
            pool_size=3,
            shared=False,
            name="api",
            slow=0,
            timeout=0,
        )
        served.start()
        served.stop()

        assert isinstance(served, engine.Engine)
        assert served.wait(60)
