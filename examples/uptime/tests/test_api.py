# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is answered over HTTP: no server is needed to see it."""

from wsgiref.util import setup_testing_defaults

from uptime import api, checking


def get(path, results):
    environ = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    answered = []
    body = b"".join(
        api.Api(results)(environ, lambda status, _: answered.append(status))
    )
    return answered[0], body


def test_the_targets_are_told():
    results = checking.Results()
    results.put("192.0.2.1:443", up=True)

    assert get("/targets", results) == ("200 OK", b'{"192.0.2.1:443": true}\n')


def test_nothing_else_is():
    assert get("/", checking.Results()) == ("404 Not Found", b"")
