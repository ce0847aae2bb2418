# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what launchers accept, and what may be done with them."""

import functools
import signal

import pytest
from oslo_config import cfg

from oslo_service import service
from oslo_service.backend.exceptions import UnsupportedBackendError
from oslo_service.testing.live import UNUSUAL, children, live

SIGTERM = signal.SIGTERM
unusual = functools.partial(live, program=UNUSUAL)


class Plain(service.Service):
    pass


class Lookalike:
    """Has the methods, and is no service."""

    start = stop = wait = reset = lambda _self: None


@pytest.fixture
def conf(driver_name: str) -> cfg.ConfigOpts:
    """A configuration that has been called, with no files."""
    conf = cfg.ConfigOpts()
    conf([], project="launchers", default_config_files=[])
    conf.register_opt(cfg.StrOpt("backend"), group="oslo_service")
    conf.set_override("backend", driver_name, group="oslo_service")
    return conf


class TestArguments:
    """What a launcher does not accept, it refuses before anything runs."""

    @pytest.mark.parametrize("workers", [0, -1])
    def test_too_few_workers_are_a_value_error(self, conf, workers) -> None:
        with pytest.raises(ValueError, match="workers"):
            service.launch(conf, Plain(), workers=workers)

    @pytest.mark.parametrize("workers", ["2", 1.0, True, [1]])
    def test_workers_that_are_no_integer_are_a_type_error(self, conf, workers) -> None:
        with pytest.raises(TypeError, match="workers"):
            service.launch(conf, Plain(), workers=workers)

    @pytest.mark.parametrize(
        "what",
        [None, Lookalike(), Plain],
        ids=["None", "what has its methods", "a class"],
    )
    @pytest.mark.parametrize("workers", [1, 2])
    def test_what_is_no_service_is_a_type_error(self, conf, what, workers) -> None:
        with pytest.raises(TypeError, match="ServiceBase"):
            service.launch(conf, what, workers=workers)

    @pytest.mark.parametrize("workers", [1, 2])
    @pytest.mark.parametrize("method", ["restart", "", None])
    def test_an_unknown_restart_method_is_a_value_error(
        self, conf, method, workers
    ) -> None:
        with pytest.raises(ValueError, match="reload, mutate"):
            service.launch(conf, Plain(), workers=workers, restart_method=method)
        for launcher in (service.ServiceLauncher, service.ProcessLauncher):
            with pytest.raises(ValueError, match="reload, mutate"):
                launcher(conf, restart_method=method)

    @pytest.mark.usefixtures("driver")
    @pytest.mark.parametrize("workers", [1, 2])
    def test_an_unknown_start_method_is_a_value_error(self, conf, workers) -> None:
        with pytest.raises(ValueError, match="'fork' or 'spawn', not 'forkserver'"):
            service.launch(conf, Plain(), workers=workers, start_method="forkserver")

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_driver_that_cannot_spawn_workers_says_so(
        self, conf, driver, workers
    ) -> None:
        if driver.capabilities.spawn_workers:
            pytest.skip("the model can spawn workers")
        with pytest.raises(UnsupportedBackendError, match=driver.name):
            service.launch(conf, Plain(), workers=workers, start_method="spawn")

    @pytest.mark.usefixtures("driver")
    def test_a_service_launcher_has_one_worker(self, conf) -> None:
        launcher = service.ServiceLauncher(conf)
        assert isinstance(launcher, service.Launcher)
        with pytest.raises(ValueError, match="ProcessLauncher"):
            launcher.launch_service(Plain(), workers=2)
        assert launcher.wait() == 0

    @pytest.mark.parametrize("workers", [0, "2"])
    @pytest.mark.usefixtures("driver")
    def test_launch_service_checks_its_workers_too(self, conf, workers) -> None:
        launcher = service.ProcessLauncher(conf)
        with pytest.raises((TypeError, ValueError), match="workers"):
            launcher.launch_service(Plain(), workers=workers)
        with pytest.raises(TypeError, match="ServiceBase"):
            launcher.launch_service(Lookalike(), workers=1)  # type: ignore[arg-type]

    @pytest.mark.usefixtures("driver")
    def test_a_launcher_registers_its_options(self, conf) -> None:
        service.ServiceLauncher(conf)
        assert conf.graceful_shutdown_timeout == 60
        assert conf.log_options is True


class TestMoments:
    """Everything is legal at any time."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    def test_what_happens_before_wait_is_dealt_with_then(
        self, driver_name: str, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with unusual(
            driver_name, workers=self.workers, traits=["late wait"], gate=str(gate)
        ) as program:
            pids = program.expect("started", self.workers)
            program.expect("launched")
            program.kill(signal.SIGHUP)
            if self.workers > 1:
                program.kill(signal.SIGKILL, pids[0]["pid"])
            gate.touch()
            program.expect("reset", self.workers)
            program.expect("started", 2 * self.workers)
            assert program.end() == 0

    def test_a_sigterm_before_wait_is_kept(self, driver_name: str, tmp_path) -> None:
        gate = tmp_path / "gate"
        with unusual(
            driver_name, workers=self.workers, traits=["late wait"], gate=str(gate)
        ) as program:
            program.expect("started", self.workers)
            program.expect("launched")
            program.kill(SIGTERM)
            gate.touch()
            assert program.wait() == 0
            assert program.expect("last", status=0)

    def test_after_the_end_signals_are_the_programs_again(self, driver_name) -> None:
        with unusual(driver_name, workers=self.workers) as program:
            program.expect("started", self.workers)
            assert program.end() == 0
            assert program.expect("last", default=True)

    def test_a_program_may_launch_again_after_the_end(self, driver_name: str) -> None:
        with unusual(driver_name, workers=self.workers, traits=["twice"]) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            program.kill(SIGTERM)
            program.expect("first ended", status=0)
            program.expect("started", 2 * self.workers)
            assert program.end() == 0
            assert len(children(program.pid)) == 0

    def test_a_launcher_that_a_start_makes_after_the_order_to_stop_ends_too(
        self, driver_name: str, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with live(
            driver_name,
            workers=self.workers,
            traits=["slow start", "nested"],
            gate=str(gate),
        ) as program:
            program.expect("start", self.workers)
            program.expect("waiting")
            program.kill(SIGTERM)
            program.stopped(self.workers)
            gate.touch()
            assert program.wait() == 0
            assert len(program.expect("nested ended", self.workers)) == self.workers

    def test_a_start_that_blocks_counts_as_done_when_patience_ends(
        self, driver_name: str, tmp_path
    ) -> None:
        with unusual(
            driver_name,
            workers=self.workers,
            traits=["impatient", "slow start"],
            gate=str(tmp_path / "gate"),
        ) as program:
            program.expect("start", self.workers)
            program.expect_text("it counts as started", self.workers)
            program.expect_text("start() of __main__.Unusual", self.workers)


class TestFailures:
    """What a service raises."""

    def test_a_failing_start_stops_its_siblings(self, driver_name: str) -> None:
        with unusual(driver_name, traits=["two services", "failing start"]) as program:
            assert program.wait() == 1
            assert program.expect("stop", name="inner")
            assert not program.events("stop", name="unusual")
            assert program.expect("last", status=1)

    def test_a_worker_whose_start_fails_exits_with_status_1(self, driver_name) -> None:
        with unusual(driver_name, workers=2, traits=["failing start"]) as program:
            program.expect_text("exited with status 1", 2)
            program.expect_text("RuntimeError: start fails as asked", 2)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_failing_stop_is_logged_and_makes_the_status_1(
        self, driver_name: str, workers: int
    ) -> None:
        with unusual(driver_name, workers=workers, traits=["failing stop"]) as program:
            program.expect("started", workers)
            program.expect("waiting")
            assert program.end() == 1
            program.expect_text("RuntimeError: stop fails as asked", workers)
            assert program.expect("last", status=1)

    def test_a_failing_wait_ends_its_process_with_status_1(self, driver_name) -> None:
        with unusual(driver_name, traits=["failing wait"]) as program:
            assert program.wait() == 1
            program.expect_text("RuntimeError: wait fails as asked")
            assert program.expect("last", status=1)

    def test_a_worker_whose_wait_fails_exits_with_status_1(self, driver_name) -> None:
        with unusual(driver_name, workers=2, traits=["failing wait"]) as program:
            program.expect_text("exited with status 1", 2)
            program.expect_text("RuntimeError: wait fails as asked", 2)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_wait_that_returns_early_is_called_again_after_stop(
        self, driver_name: str, workers: int
    ) -> None:
        with unusual(driver_name, workers=workers, traits=["early"]) as program:
            program.expect("wait", workers)
            program.expect("waiting")
            for pid in program.pids("wait"):
                program.until_asleep(pid)
            assert program.end() == 0
            assert len(program.pids("started")) == workers
            for pid in program.pids("started"):
                said = program.said(pid=pid, name="early")
                assert said == ["started", "wait", "stop", "wait"]

    def test_a_service_may_stop_the_launcher_that_runs_it(self, driver_name) -> None:
        with unusual(driver_name, traits=["ends itself"]) as program:
            assert program.wait() == 0
            assert program.expect("last", status=0)


@pytest.mark.needs_capability("parallel")  # other tasks are all in the main thread
@pytest.mark.parametrize("workers", [1, 2])
def test_a_launcher_works_off_the_main_thread_without_signals(
    driver_name: str, workers: int, tmp_path
) -> None:
    gate = tmp_path / "gate"
    with unusual(
        driver_name, workers=workers, traits=["wait in a thread"], gate=str(gate)
    ) as program:
        pids = program.expect("started", workers)
        program.expect_text("outside the main thread")
        if workers > 1:
            program.kill(signal.SIGKILL, pids[0]["pid"])
            program.expect("started", workers + 1)
        gate.touch()
        assert program.wait() == 0
        assert program.expect("last", status=0)
