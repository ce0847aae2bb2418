# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Raw requests, valid and not, each with its answer; see http_requests/."""

import dataclasses
import tomllib
from importlib import resources
from typing import Any

__all__ = ("CORPUS", "Exchange", "seen_by_application")


@dataclasses.dataclass(frozen=True)
class Exchange:
    """What a client sends before it says that nothing follows, and what it gets.

    :ivar about: what is particular about it.
    :ivar source: where that is laid down.
    :ivar answers: for a request that reaches the application, what it is
        given there; for any other, the ``status``.
    """

    name: str
    data: bytes
    about: str
    source: str
    answers: list[dict[str, Any]]

    def __str__(self) -> str:
        return self.name

    def check(self, answers: list[dict[str, Any]]) -> None:
        """Check what became of it; names that are not expected may be there."""
        assert len(answers) == len(self.answers), answers
        for found, expected in zip(answers, self.answers, strict=True):
            known = {name: found.get(name) for name in expected}
            assert known == expected, found

    @property
    def cuts(self) -> list[list[bytes]]:
        """The data in two parts, in every way; a long middle is left whole."""
        size = len(self.data)
        places = list(range(1, size))
        if size > 2000:
            places = [*range(1, 500), *range(size - 500, size)]
        return [[self.data[:at], self.data[at:]] for at in places]

    @property
    def single_bytes(self) -> list[bytes]:
        """The data byte by byte."""
        return [bytes([byte]) for byte in self.data]


def seen_by_application(environ: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return a request as the corpus writes it."""
    return {
        **environ,
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "body": body.decode("latin-1"),
    }


def _load() -> list[Exchange]:
    folder = resources.files("oslo_service.testing") / "http_requests"
    index = tomllib.loads((folder / "answers.toml").read_text(encoding="utf-8"))
    for entry in index.values():
        for answer in entry["answers"]:
            if "path" in answer:
                answer.setdefault("body", "")
    return [
        Exchange(name, (folder / f"{name}.http").read_bytes(), **entry)
        for name, entry in index.items()
    ]


CORPUS = _load()
