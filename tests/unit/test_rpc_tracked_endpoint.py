# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The example's endpoint, whose calls are work in progress."""

import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from oslo_service.supervisor import tracked_work

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "rpc"


class Greeter:
    """Says what is in progress while it is called."""

    target = "the target"

    def greet(self, context: Any, name: str, *, polite: bool = False) -> Any:
        del context
        named = [(one.name, one.id) for one in tracked_work.running()]
        return name, polite, named

    def fail(self, context: Any) -> None:
        raise ValueError(context)


@pytest.fixture
def endpoint() -> Any:
    with mock.patch.object(sys, "path", [str(EXAMPLE), *sys.path]):
        import tracked_endpoint
    return tracked_endpoint.TrackedEndpoint(Greeter())


def test_a_call_is_named_while_it_is_in_progress(endpoint) -> None:
    context = {"request_id": "req-7"}
    answer = endpoint.greet(context, "you", polite=True)
    assert answer == ("you", True, [("RPC Greeter.greet", "req-7")])
    with pytest.raises(ValueError, match="req-7"):
        endpoint.fail("req-7")
    assert not tracked_work.running()


def test_the_context_may_be_an_object(endpoint) -> None:
    context = mock.Mock(request_id="req-8")
    assert endpoint.greet(context, "you")[2] == [("RPC Greeter.greet", "req-8")]
    assert endpoint.greet({}, "you")[2] == [("RPC Greeter.greet", None)]


def test_what_is_no_call_is_that_of_the_endpoint(endpoint) -> None:
    assert endpoint.target == "the target"
    assert not hasattr(endpoint, "reject")
    assert not hasattr(endpoint, "_private")
