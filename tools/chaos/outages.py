# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is done besides to the network, and to the server that is reached by it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from oslo_service.testing.servers import Server

from disturbances import Disturbances
from history import Outage
from subject import Program

__all__ = ("Outages",)

# How long a piece is kept where the server is slow, in seconds; with more than the
# first it may be too slow for heartbeats.
_SLOW = (0.1, 0.8)


class Outages(Disturbances):
    """Disturbs programs, their network, and the server, at random.

    :param server: the server; what follows is for :class:`Disturbances`.
    """

    def __init__(self, server: Server, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._server = server

    def _kinds(self) -> dict[str, tuple[int, Callable[[], str]]]:
        return {
            **super()._kinds(),
            "cut": (3, self._cut_off),
            "refuse": (1, self._refuse),
            "restart server": (2, self._restart_server),
            "stop server": (1, self._stop_server),
            "pause server": (1, self._pause_server),
            "slow": (2, self._slow_down),
        }

    # The network

    def _cut_off(self) -> str:
        program = self._program()
        host = program.host
        if host is not None and self._rng.random() < 0.5:
            with_it = [one for one in self._programs if one.host is host]
            return self._interrupt("a cable is cut", with_it, host.cut, host.mend)
        assert program.proxy is not None
        return self._interrupt(
            "a network is silent", [program], program.proxy.hold, program.proxy.open
        )

    def _refuse(self) -> str:
        program = self._program()
        assert program.proxy is not None
        return self._interrupt(
            "connections are refused",
            [program],
            program.proxy.refuse,
            program.proxy.open,
        )

    def _interrupt(
        self,
        what: str,
        programs: Sequence[Program],
        cut: Callable[[], None],
        mend: Callable[[], None],
    ) -> str:
        workers = [pid for one in programs for pid in one.workers]
        at, seconds = time.time(), self._seconds()
        cut()
        try:
            time.sleep(seconds)
        finally:
            mend()
        self._note(what, workers, at)
        return f"{what}: {workers}, for {seconds:.1f} s"

    # The server

    def _restart_server(self) -> str:
        return self._away("killed, and started again", self._killed, 0.0)

    def _stop_server(self) -> str:
        return self._away("stopped", self._stopped, self._seconds())

    def _pause_server(self) -> str:
        return self._away("paused", self._paused, self._seconds())

    def _away(self, what: str, do: Callable[[float], None], seconds: float) -> str:
        at = time.time()
        do(seconds)
        self.outages.append(Outage(what, at, time.time()))
        return f"the server is {what}, for {time.time() - at:.1f} s"

    def _killed(self, seconds: float) -> None:
        self._server.kill()
        time.sleep(seconds)
        self._server.start()

    def _stopped(self, seconds: float) -> None:
        self._server.stop()
        time.sleep(seconds)
        self._server.start()

    def _paused(self, seconds: float) -> None:
        self._server.pause()
        time.sleep(seconds)
        self._server.resume()

    def _slow_down(self) -> str:
        delay = self._rng.choice(
            [_SLOW[0] * self._rng.random(), self._rng.uniform(*_SLOW)]
        )
        at, seconds = time.time(), self._seconds()
        proxies = [one.proxy for one in self._programs if one.proxy is not None]
        for proxy in proxies:
            proxy.delay = delay
        time.sleep(seconds)
        for proxy in proxies:
            proxy.delay = 0.0
        if delay > _SLOW[0]:
            self.outages.append(Outage("slow", at, time.time()))
        return f"the server is slow by {delay:.2f} s, for {seconds:.1f} s"
