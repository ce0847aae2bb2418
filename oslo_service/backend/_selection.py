# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The choice of the driver, and what may still change it."""

import dataclasses
import enum
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence

from oslo_config import cfg

from oslo_service import opts
from oslo_service.backend import _loading, base, exceptions

__all__ = (
    "BackendType",
    "bootstrap",
    "commit",
    "default_backend_type",
    "driver_called",
    "foresee",
    "get_backend",
    "get_backend_type",
    "in_use",
    "init_backend",
    "register_backend_default_hook",
    "selected",
    "set_aside",
)

LOG = logging.getLogger(__name__)

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_AUTO = "auto"


class BackendType(enum.Enum):
    """The drivers that come with the library."""

    EVENTLET = "eventlet"
    THREADING = "threading"


class _Rule(enum.IntEnum):
    """Who decided; the lower, the stronger."""

    CODE = 1
    OPTION = 2
    HOOK = 3
    AUTO = 4


@dataclasses.dataclass(frozen=True)
class _Choice:
    name: str
    rule: _Rule
    origin: str

    @property
    def stated(self) -> bool:
        return self.rule <= _Rule.OPTION

    def __str__(self) -> str:
        return f"{self.name!r}, selected by {self.origin}"


@dataclasses.dataclass(frozen=True)
class Foreseen:
    """What a launcher would run on.

    :ivar name: the driver.
    :ivar rule: who decides: ``code``, ``option``, ``hook`` or ``auto``.
    :ivar origin: the same in words, with the place.
    :ivar refusal: why a launcher would refuse to be made; None: it would not.
    """

    name: str
    rule: str
    origin: str
    refusal: str | None


_Hook = Callable[[], "BackendType | str"]


class _Selection:
    """What has been decided in this process so far."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.hook: _Hook | None = None
        self.choice: _Choice | None = None
        self.driver: base.Driver | None = None
        self.launching: base.Driver | None = None
        # By name: drivers that were asked for one job, and select nothing.
        self.apart: dict[str, base.Driver] = {}
        self.warned: set[str] = set()

    @property
    def open(self) -> bool:
        """Whether a stated choice may still replace what there is."""
        if self.driver is None or self.choice is None:
            return True
        return (
            not self.choice.stated
            and self.launching is None
            and not self.driver.running
        )

    def select(self, choice: _Choice) -> base.Driver:
        """Make ``choice`` the process's, or refuse it."""
        if self.driver is not None and self.choice is not None:
            if choice.name == self.choice.name:
                if choice.rule < self.choice.rule:
                    self.choice = choice
                return self.driver
            if not self.open:
                raise exceptions.BackendAlreadySelected(
                    f"{choice} comes too late: this process runs on {self.choice}"
                )
        self.driver = _loading.load(choice.name)
        self.choice = choice
        LOG.debug("Driver %s", choice)
        return self.driver

    def decide(self, conf: cfg.ConfigOpts | None) -> _Choice:
        """Apply the rules to what is known now."""
        if self.choice is not None and not self.open:
            return self.choice
        stated = _stated_by_option(conf)
        if stated is not None:
            return stated
        if self.choice is not None:
            return self.choice
        return self._ask_hook() or _auto("the default")

    def _ask_hook(self) -> _Choice | None:
        if self.hook is None:
            return None
        try:
            name = _name_of(self.hook())
            return _Choice(name, _Rule.HOOK, f"the hook {self.hook!r}")
        except Exception:
            LOG.exception("The hook for the default backend failed; it is passed over")
            return None

    def one_called(self, name: str) -> base.Driver:
        """Give a driver by name, whatever the process runs on."""
        if not self.open:
            for driver in (self.launching, self.driver):
                if driver is not None and driver.name == name:
                    return driver
        if name not in self.apart:
            self.apart[name] = _loading.load(name)
        return self.apart[name]

    def warn_once(self, message: str) -> None:
        if message not in self.warned:
            self.warned.add(message)
            LOG.warning("%s", message)


_selection = _Selection()


def init_backend(type_: BackendType | str) -> None:
    """Select the driver in code.

    :param type_: a member of :class:`BackendType`, or the name of an installed
        driver.
    :raises TypeError: it is neither.
    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used in this process.
    :raises BackendAlreadySelected: another driver is in use; the message says
        what selected it.
    """
    name = _name_of(type_)
    choice = _Choice(name, _Rule.CODE, f"init_backend() at {_caller()}")
    with _selection.lock:
        _selection.select(choice)


def get_backend() -> base.Driver:
    """Give the driver; decide now where nothing has decided yet.

    A decision by the hook or by ``auto`` can still be replaced by a stated
    one, until a launcher is made or something runs.
    """
    driver = _selection.driver
    if driver is not None and not _selection.open:
        return driver
    with _selection.lock:
        return _selection.select(_selection.decide(None))


def driver_called(name: str | None) -> base.Driver:
    """Give a driver for one job, which selects it for nothing else.

    :param name: its name; None: the process's, as :func:`get_backend`.
    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used in this process.
    """
    if name is None:
        return get_backend()
    with _selection.lock:
        return _selection.one_called(name)


def get_backend_type() -> BackendType | str | None:
    """Tell which driver is selected, deciding nothing.

    :returns: the enum member, the name of a third-party driver, or None.
    """
    choice = _selection.choice
    if choice is None:
        return None
    try:
        return BackendType(choice.name)
    except ValueError:
        return choice.name


def selected() -> base.Driver | None:
    """Give the driver where there is one, deciding nothing."""
    return _selection.launching or _selection.driver


def in_use() -> set[base.Driver]:
    """Give the drivers that this process has run anything on.

    More than one where launchers run on another driver than the selected one,
    or where a driver was asked for one job.
    """
    found = {_selection.driver, _selection.launching, *_selection.apart.values()}
    return {driver for driver in found if driver is not None}


def register_backend_default_hook(hook: _Hook | None) -> None:
    """Set the function that decides where neither code nor option does.

    :param hook: takes nothing and returns what :func:`init_backend` takes.
        One that raises is logged and passed over. None removes it.
    """
    _selection.hook = hook


def commit(conf: cfg.ConfigOpts | None = None) -> base.Driver:
    """Decide for good: a launcher is being made.

    :param conf: the configuration that the launcher was given; None: the
        global one.
    :returns: the driver that launchers run on.
    :raises UnsupportedBackendError: the option says ``threading`` in a process
        that is monkey-patched.
    :raises BackendAlreadySelected: the option names another driver than the
        one that is in use.
    """
    with _selection.lock:
        stated = _stated_by_option(conf)
        chosen = _selection.choice
        if chosen is not None and chosen.rule is _Rule.CODE:
            if stated is not None and stated.name != chosen.name:
                _selection.warn_once(f"{chosen}, goes before {stated}")
        elif stated is not None:
            _refuse_patched(stated)
            _selection.select(stated)
        driver = _selection.select(_selection.decide(conf))
        if _selection.launching is None:
            _selection.launching = _for_launchers(driver)
        return _selection.launching


def foresee(conf: cfg.ConfigOpts) -> Foreseen:
    """Tell what a launcher would run on here, deciding nothing.

    The hook is asked, where there is one.

    :param conf: the configuration that the launcher would be given.
    """
    with _selection.lock:
        choice = _selection.decide(conf)
    refusal = None
    if choice.rule is _Rule.OPTION:
        try:
            _refuse_patched(choice)
        except exceptions.UnsupportedBackendError as exc:
            refusal = str(exc)
    return Foreseen(choice.name, choice.rule.name.lower(), choice.origin, refusal)


def _refuse_patched(stated: _Choice) -> None:
    if stated.name == BackendType.THREADING.value and _loading.is_patched():
        raise exceptions.UnsupportedBackendError(
            f"{stated}, needs native threads, and eventlet has"
            " monkey-patched them in this process. Replace the call of"
            " eventlet.monkey_patch() by"
            " oslo_service.backend.bootstrap(), which patches only"
            " where the option says eventlet"
        )


def _for_launchers(driver: base.Driver) -> base.Driver:
    if driver.name == BackendType.THREADING.value and _loading.is_patched():
        _selection.warn_once(
            f"{_selection.choice}, but eventlet has monkey-patched this"
            " process and it has no native threads: launchers run on 'eventlet'"
        )
        driver = _loading.load(BackendType.EVENTLET.value)
    warning = driver.environment_warning()
    if warning is not None:
        _selection.warn_once(f"The driver is {_selection.choice}, but {warning}")
    return driver


def bootstrap(
    project: str | None = None,
    argv: Sequence[str] | None = None,
    default_config_files: Sequence[str] | None = None,
) -> base.Driver:
    """Select the driver and prepare the process: the first line of a program.

    It stands at the very top of an entry point, before the other imports, in
    place of ``eventlet.monkey_patch()``, which it calls where the driver is
    Eventlet. The option is read from the configuration files and the
    environment; other options are not looked at.

    :param project: whose configuration files to look for, as in
        ``ConfigOpts()``.
    :param argv: the command line without the program's name; None:
        ``sys.argv[1:]``. Only ``--config-file`` and ``--config-dir`` count.
    :param default_config_files: the files to read where the command line
        names none.
    :returns: the driver.
    :raises oslo_config.cfg.Error: a configuration file cannot be read.
    :raises UnsupportedBackendError: see :func:`init_backend`.
    """
    conf = cfg.ConfigOpts()
    conf(
        args=_config_arguments(sys.argv[1:] if argv is None else argv),
        project=project,
        default_config_files=list(default_config_files)
        if default_config_files
        else None,
    )
    with _selection.lock:
        driver = _selection.select(_selection.decide(conf))
    driver.prepare_process()
    return driver


def _reset_backend() -> None:
    """Forget every decision and the hook: for tests only."""
    set_aside()


def set_aside() -> Callable[[], None]:
    """Forget every decision and the hook, for a while: for tests only.

    :returns: what brings them back.
    """
    global _selection
    before, _selection = _selection, _Selection()

    def bring_back() -> None:
        global _selection
        _selection = before

    return bring_back


def default_backend_type() -> BackendType:
    """Tell what ``auto`` would select now, deciding nothing."""
    return BackendType(_auto("").name)


def _name_of(type_: object) -> str:
    if isinstance(type_, BackendType):
        return type_.value
    if isinstance(type_, str) and type_:
        return type_
    raise TypeError(
        "a backend is given as a member of BackendType or as the name of a"
        f" driver, not as {type_!r}"
    )


def _stated_by_option(conf: cfg.ConfigOpts | None) -> _Choice | None:
    """Give what the option says where someone set it."""
    conf = cfg.CONF if conf is None else conf
    opts.register_backend_opts(conf)
    group, option = opts.BACKEND_GROUP, opts.BACKEND_OPTION
    value = conf[group][option]
    location = conf.get_location(option, group)
    if location is None or location.location is cfg.Locations.opt_default:
        variable = f"OS_{group.upper()}__{option.upper()}"
        # A configuration that has been read has looked there itself.
        called = getattr(conf, "prog", None)
        value = None if called else os.environ.get(variable)
        where = variable
    else:
        where = location.detail or location.location.name
    if not value:
        return None
    origin = f"[{group}] {option} = {value} ({where})"
    if value == _AUTO:
        return _auto(origin, _Rule.OPTION)
    return _Choice(value, _Rule.OPTION, origin)


def _auto(origin: str, rule: _Rule = _Rule.AUTO) -> _Choice:
    if _loading.is_patched():
        name, why = BackendType.EVENTLET.value, "is"
    else:
        name, why = BackendType.THREADING.value, "is not"
    return _Choice(name, rule, f"{origin}, as the process {why} monkey-patched")


def _config_arguments(argv: Sequence[str]) -> list[str]:
    """Pick ``--config-file`` and ``--config-dir`` out of a command line."""
    wanted = ("--config-file", "--config-dir")
    picked: list[str] = []
    rest = iter(argv)
    for argument in rest:
        if argument == "--":
            break
        if argument in wanted:
            value = next(rest, None)
            if value is not None:
                picked += [argument, value]
        elif argument.startswith(tuple(name + "=" for name in wanted)):
            picked.append(argument)
    return picked


def _caller() -> str:
    """Give the file and line outside the library that called it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
