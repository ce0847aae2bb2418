# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between a program and a server: slow, silent, or refusing, as told."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self

__all__ = ("Proxy",)

_CHUNK = 65_536
# How long its thread may take to do as it is told, in seconds.
_PATIENCE = 10.0


class Proxy:
    """A listening socket whose clients are passed on, from a thread of its own.

    A context manager: nothing of it is left afterwards.

    :param target: the host and the port of the server.
    :param host: where it listens.
    :ivar delay: how long each piece is kept, in both directions, in seconds.
    :ivar passed: how many bytes have been passed on, in both directions.
    :ivar pieces: how many pieces those were.
    """

    def __init__(self, target: tuple[str, int], host: str = "127.0.0.1") -> None:
        self.target = target
        self.delay = 0.0
        self.passed = self.pieces = 0
        self._host = host
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        try:
            self._server = self._do(self._listen())
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    def open(self) -> None:
        """Pass everything on, also what was held back, and without a delay."""
        self.delay = 0.0
        self._refusing = False
        self._do(self._flow(True))

    def hold(self) -> None:
        """Pass nothing on, and hold it back: as a network does that is cut."""
        self._do(self._flow(False))

    def refuse(self) -> None:
        """End all connections, and each new one."""
        self._refusing = True
        self._do(self._abort())

    def close(self) -> None:
        """End."""
        try:
            self._do(self._end())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(_PATIENCE)

    async def _listen(self) -> asyncio.Server:
        self._flowing.set()
        return await asyncio.start_server(self._serve, self._host, 0)

    async def _flow(self, flowing: bool) -> None:
        (self._flowing.set if flowing else self._flowing.clear)()

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._abort()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._flowing.set()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        ends = [writer]
        self._writers.add(writer)
        try:
            if self._refusing:
                return
            server_reader, server_writer = await asyncio.open_connection(*self.target)
            ends.append(server_writer)
            self._writers.add(server_writer)
            await asyncio.gather(
                self._pass(reader, server_writer), self._pass(server_reader, writer)
            )
        except (OSError, asyncio.CancelledError):
            pass  # the server is not there, or one side has gone, or all ends
        finally:
            for one in ends:
                self._writers.discard(one)
                one.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._flowing.wait()
            self.passed += len(data)
            self.pieces += 1
            writer.write(data)
            await writer.drain()
        await self._flowing.wait()
        if writer.can_write_eof():
            writer.write_eof()
