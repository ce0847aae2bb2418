# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Drivers that a test registers in its process."""

import pytest

from oslo_service import backend, fixture, opts
from oslo_service.backend import base, exceptions
from oslo_service.backend.threading import ThreadingDriver
from oslo_service.testing import _drivers


class Mine(ThreadingDriver):
    name = "mine"


class Other(ThreadingDriver):
    name = "mine"


class Unusable(ThreadingDriver):
    name = "mine"

    @classmethod
    def check_environment(cls) -> None:
        raise exceptions.UnsupportedBackendError("not on a Sunday")


class NameOfTheOption(ThreadingDriver):
    name = "auto"


class NameOfNobody(ThreadingDriver):
    name = ""


class Half(base.Driver):
    name = "half"


class TestRegistering:
    def test_it_can_be_selected_by_its_name(self, undecided) -> None:
        with backend.register_driver(Mine), fixture.BackendFixture("mine") as selected:
            assert type(selected.driver) is Mine
            assert backend.get_backend() is selected.driver
            assert backend.get_backend_type() == "mine"

    def test_it_selects_nothing_by_itself(self, undecided) -> None:
        with backend.register_driver(Mine):
            assert backend.get_backend_type() is None

    def test_the_option_can_name_it(self, undecided) -> None:
        with backend.register_driver(Mine):
            undecided([], default_config_files=[])
            opts.register_backend_opts(undecided)
            undecided.set_override("backend", "mine", group="oslo_service")

            assert type(backend.commit(undecided)) is Mine

    def test_one_that_cannot_be_used_here_is_refused_when_it_is_selected(
        self, undecided
    ) -> None:
        with (
            backend.register_driver(Unusable),
            pytest.raises(exceptions.UnsupportedBackendError, match="on a Sunday"),
        ):
            backend.init_backend("mine")

    def test_it_is_listed_where_a_name_is_unknown(self, undecided) -> None:
        with (
            backend.register_driver(Mine),
            pytest.raises(
                exceptions.UnsupportedBackendError,
                match=r"no driver is called 'mien'; .*; registered are: mine; ",
            ),
        ):
            backend.init_backend("mien")


class TestTheWayBack:
    def test_afterwards_there_is_no_such_driver(self, undecided) -> None:
        with backend.register_driver(Mine):
            pass

        with pytest.raises(exceptions.UnsupportedBackendError, match="'mine'"):
            backend.init_backend("mine")

    def test_it_can_be_called_and_more_than_once(self, undecided) -> None:
        undo = backend.register_driver(Mine)
        undo()
        undo()

        with backend.register_driver(Other):
            undo()
            backend.init_backend("mine")

        assert type(backend.get_backend()) is Other

    def test_what_was_asked_for_one_job_is_made_anew(self, undecided) -> None:
        with backend.register_driver(Mine):
            assert type(backend.driver_called("mine")) is Mine
        with backend.register_driver(Other):
            assert type(backend.driver_called("mine")) is Other

    def test_tests_on_every_driver_are_told_so(self) -> None:
        assert "no driver is called 'mine'" in str(_drivers.obstacle("mine"))
        with backend.register_driver(Mine):
            assert _drivers.obstacle("mine") is None
        assert _drivers.obstacle("mine") is not None


class TestRefusing:
    @pytest.mark.parametrize(
        ("name", "class_", "why"),
        [
            (
                "threading",
                ThreadingDriver,
                "another name than 'threading': a driver of that name is installed",
            ),
            ("auto", NameOfTheOption, "another name than 'auto': the option has that"),
            ("mine", Other, r"another name than 'mine': .*Mine.* is registered"),
        ],
    )
    def test_a_name_that_is_taken(self, name, class_, why) -> None:
        with backend.register_driver(Mine), pytest.raises(ValueError, match=why):
            backend.register_driver(class_)

    @pytest.mark.parametrize(
        ("what", "why"),
        [
            (int, "<class 'int'> is not a subclass of oslo_service.backend.base.Drive"),
            (ThreadingDriver(), "is not a subclass"),
            (Half, "does not define: current_ident, event, .*, capabilities"),
            (NameOfNobody, "the name of a driver is a string, not ''"),
        ],
    )
    def test_what_is_no_driver(self, what, why) -> None:
        with pytest.raises(TypeError, match=why):
            backend.register_driver(what)
