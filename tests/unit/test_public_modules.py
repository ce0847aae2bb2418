# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What users import says that it is where they import it from, and can be pickled."""

import importlib
import inspect
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

import oslo_service
from oslo_service import backend, loopingcall, periodic_task, service, wsgi
from oslo_service.backend import exceptions

PUBLIC = (
    "backend",
    *(
        path.stem
        for path in sorted(Path(oslo_service.__file__).parent.glob("*.py"))
        # What the version shows is text.
        if not path.stem.startswith("_") and path.stem != "version"
    ),
)


def shown(module: str) -> list[tuple[str, Any]]:
    """Return the classes and functions that a module shows under their own names."""
    found = importlib.import_module(f"oslo_service.{module}")
    names = {name: getattr(found, name) for name in getattr(found, "__all__", ())}
    return [
        (name, thing)
        for name, thing in names.items()
        if (inspect.isclass(thing) or inspect.isfunction(thing))
        and thing.__qualname__ == name
    ]


# WebOb imports it.
NEEDS_CGI = pytest.mark.filterwarnings("ignore:'cgi' is deprecated:DeprecationWarning")

# Written by oslo.service 4.8.0 on both backends, with protocol 0.
WRITTEN = json.loads(Path(__file__).with_name("pickles_of_4_8_0.json").read_text())
BY_NAME = [
    pytest.param(path, text, id=f"{path}-{number}")
    for path, texts in WRITTEN["written by name"].items()
    for number, text in enumerate(texts)
]
OBJECTS = {
    "ServiceWrapper": (service.ServiceWrapper, {"service": "a service", "workers": 3}),
    "LoopingCallDone": (loopingcall.LoopingCallDone, {"retvalue": 7}),
    "LoopingCallTimeOut": (loopingcall.LoopingCallTimeOut, {"args": ("late",)}),
    "SignalExit": (service.SignalExit, {"signo": 15}),
    "InvalidPeriodicTaskArg": (
        periodic_task.InvalidPeriodicTaskArg,
        {"args": ("not so",)},
    ),
    # Its message, which is all that was written.
    "ConfigNotFound": (
        wsgi.ConfigNotFound,
        {"path": "Could not find config at /nowhere"},
    ),
    "BackendType": (backend.BackendType, {"value": "threading"}),
    "BackendAlreadySelected": (exceptions.BackendAlreadySelected, {"args": ("why",)}),
    "BackendComponentNotAvailable": (
        exceptions.BackendComponentNotAvailable,
        {"args": ("why",)},
    ),
    "UnsupportedBackendError": (
        exceptions.UnsupportedBackendError,
        {"args": ("why",)},
    ),
}


@NEEDS_CGI
class TestNames:
    @pytest.mark.parametrize("module", PUBLIC)
    def test_what_a_module_shows_says_that_it_is_there(self, module: str) -> None:
        says = {name: thing.__module__ for name, thing in shown(module)}

        # What two modules show is of one of them.
        assert [
            (name, where)
            for name, where in says.items()
            if where.removeprefix("oslo_service.") not in PUBLIC
        ] == []

    @pytest.mark.parametrize("module", PUBLIC)
    def test_it_is_pickled_by_a_name_that_users_know(self, module: str) -> None:
        for _, thing in shown(module):
            written = pickle.dumps(thing, 0).decode()

            assert written.startswith(f"c{thing.__module__}\n{thing.__qualname__}\n")
            assert pickle.loads(written.encode()) is thing

    def test_a_traceback_names_what_users_know(self) -> None:
        (line,) = traceback.format_exception_only(loopingcall.LoopingCallTimeOut())

        assert line.strip() == "oslo_service.loopingcall.LoopingCallTimeOut"

    @pytest.mark.parametrize("driver", ["eventlet", "threading"])
    @pytest.mark.parametrize(
        ("module", "name"),
        [("loopingcall", "DynamicLoopingCall"), ("threadgroup", "ThreadGroup")],
    )
    def test_a_class_that_is_bound_to_a_driver_is_where_it_says(
        self, driver: str, module: str, name: str
    ) -> None:
        path = f"oslo_service.backend._{driver}.{module}"
        bound = getattr(importlib.import_module(path), name)

        assert bound.__module__ == path
        assert pickle.loads(pickle.dumps(bound)) is bound


@NEEDS_CGI
class TestPicklesOfOthers:
    def test_none_is_left_out(self) -> None:
        assert set(OBJECTS) == set(WRITTEN["objects"])

    @pytest.mark.parametrize("name", OBJECTS)
    def test_an_object_is_read(self, name: str) -> None:
        kind, state = OBJECTS[name]

        found = pickle.loads(WRITTEN["objects"][name].encode())

        assert type(found) is kind
        assert {one: getattr(found, one) for one in state} == state

    @pytest.mark.filterwarnings("ignore:.*ServiceBase:DeprecationWarning")
    @pytest.mark.parametrize(("path", "text"), BY_NAME)
    def test_a_class_or_a_function_is_found(self, path: str, text: str) -> None:
        module, _, name = path.rpartition(".")
        ours = getattr(importlib.import_module(module), name)

        found = pickle.loads(text.encode())

        assert found is ours or issubclass(found, ours)
