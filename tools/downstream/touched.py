# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What real projects touch of the library, by its name, and whether it is there.

Their code is read, not run: names are followed as ``python -m oslo_service check``
follows them, also to attributes of the objects that they make.
"""

import ast
import importlib
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from oslo_config import cfg
from oslo_service import loopingcall, service, threadgroup, wsgi
from oslo_service.commands.check import files
from oslo_service.commands.check.modules import Module
from oslo_service.commands.check.projects import Project

from environments import pip
from places import ENVIRONMENTS

__all__ = ("missing", "show", "touched")

PROJECTS = (
    *("aodh", "barbican", "blazar", "cinder", "cloudkitty", "designate", "freezer"),
    *("glance", "ironic", "magnum", "manila", "masakari", "masakari-monitors"),
    *("mistral", "murano", "networking-l2gw", "neutron", "nova", "octavia"),
    *("openstack-cyborg", "openstack-heat", "openstack-venus", "python-watcher"),
    *("qinling", "sahara", "senlin", "tacker", "trove", "vitrage", "zun"),
)
#: What no version of the library has had.
NEVER = {"oslo_service.ProcessLauncher": "an annotation in cinder, as a string"}

_LIBRARY = "oslo_service."
_DOTTED = re.compile(r"oslo_service(\.\w+)+")


def show() -> bool:
    """Look through all projects; tell whether all that they touch is there."""
    good = True
    for name in PROJECTS:
        found = touched(_tree(name))
        lost = {one: why for one in sorted(found) if (why := missing(one))}
        print(f"{name}: {len(found)} names, {len(lost)} missing", flush=True)
        for one, why in lost.items():
            print(f"  {one}, at {found[one]}: {why}", flush=True)
        good = good and not lost
    return good


def _tree(name: str) -> Path:
    """Return what the newest wheel of a project has in it."""
    place = ENVIRONMENTS / "wheels" / name
    if not place.exists():
        packed = place.with_name(f"{name}.packed")
        options = ("--no-deps", "--only-binary=:all:", f"--dest={packed}")
        pip(Path(sys.executable), "download", *options, name)
        (wheel,) = packed.iterdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)
        shutil.rmtree(packed)
    return place


def touched(tree: Path) -> dict[str, str]:
    """Return the symbols that a project names, and where it first does."""
    project, texts = Project(), {}
    for path in files.find([tree]):
        text = path.read_text("utf-8", "replace")
        if project.wants(text):
            texts[path] = text
    modules = []
    for path, text in texts.items():
        tree_ = files.parse(text, path)
        modules.append(Module(path, files.dotted_name(path), tree_, project))
        modules[-1].pass_on()
    found: dict[str, str] = {}
    for module in modules:
        # Anew: the first time, not all was known of the others.
        fresh = Module(module.path, module.name, module.top.node, project)
        for symbol, line in _symbols(fresh):
            where = f"{module.path.relative_to(tree)}:{line}"
            found.setdefault(symbol, where)
    return found


def _symbols(module: Module) -> Iterator[tuple[str, int]]:
    for node in module.nodes(ast.Attribute, ast.Name):
        symbol = module.symbol(node) or ""
        if symbol.startswith(_LIBRARY) and ".assert_" not in symbol:
            yield symbol, node.lineno
    for text in module.nodes(ast.Constant):
        if isinstance(text.value, str) and _DOTTED.fullmatch(text.value):
            yield text.value, text.lineno


def missing(symbol: str) -> str | None:
    """Return what is wrong with a symbol; None where what it names is there."""
    if symbol in NEVER:
        return None
    made, _, rest = symbol.partition("()")
    try:
        thing = _thing(made)
        if rest.startswith("."):
            make = _objects().get(thing)
            if make is not None:
                _follow(make(), rest[1:])
    except (AttributeError, ImportError) as exc:
        return str(exc)
    return None


def _thing(dotted: str) -> Any:
    """Return what a dotted name stands for."""
    module, *rest = dotted.split(".")
    found = importlib.import_module(module)
    while rest:
        name = rest.pop(0)
        module = f"{module}.{name}"
        try:
            found = getattr(found, name)
        except AttributeError:
            found = importlib.import_module(module)
    return found


def _follow(thing: Any, rest: str) -> None:
    """Look up attributes, as far as nothing is called."""
    for name in rest.partition("(")[0].split("."):
        thing = getattr(thing, name)
        if callable(thing):
            return


def _objects() -> dict[Any, Callable[[], Any]]:
    """Return how objects of the classes are made of which instances are used."""
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    loops = (
        loopingcall.BackOffLoopingCall,
        loopingcall.DynamicLoopingCall,
        loopingcall.FixedIntervalLoopingCall,
        loopingcall.FixedIntervalWithTimeoutLoopingCall,
    )
    launchers = (service.Launcher, service.ServiceLauncher, service.ProcessLauncher)
    return {
        **{one: lambda one=one: one(print) for one in loops},
        **{one: lambda one=one: one(conf) for one in launchers},
        service.launch: lambda: service.ServiceLauncher(conf),
        service.Service: service.Service,
        service.Services: service.Services,
        service.SignalHandler: service.SignalHandler,
        threadgroup.ThreadGroup: threadgroup.ThreadGroup,
        wsgi.Server: lambda: wsgi.Server(conf, "it", print, host="127.0.0.1", port=0),
    }


if __name__ == "__main__":
    sys.exit(0 if show() else 1)
