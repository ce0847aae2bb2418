# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is answered over HTTP: a WSGI application."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from uptime import checking


class Api:
    """Tells which targets can be reached.

    :param results: what was seen.
    """

    def __init__(self, results: checking.Results) -> None:
        self._results = results

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        if environ["PATH_INFO"] != "/targets":
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        body = json.dumps(self._results.all(), sort_keys=True).encode() + b"\n"
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
        ]
        start_response("200 OK", headers)
        return [body]
