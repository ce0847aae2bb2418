# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The values of prometheus_client's own metrics, read as fast as possible.

Its ``collect()`` makes an object for each sample, which takes several times as long. So
the values are read from its attributes; ``collect()`` is for releases without those.
"""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from oslo_service.admin.metrics.families import Family, labels_text
from oslo_service.admin.metrics.layout import Key

__all__ = ("ClientMetrics", "Found", "read_collector")

# The suffix of times of creation, which are of no use for several workers together.
_CREATED = "_created"

#: A family, its series, and their values.
Found = tuple[Family, Sequence[Key], Sequence[float]]
_Read = Callable[[], Sequence[float]]


class _Child:
    """A metric, or the metric of a set of labels: with its series."""

    __slots__ = ("keys", "metric", "read")

    def __init__(self, metric: Any, keys: list[Key], read: _Read) -> None:
        self.metric = metric
        self.keys = keys
        self.read = read


class ClientMetrics:
    """Reads metrics, and remembers their series.

    :param client: the package.
    :raises AttributeError: the package lacks what is needed here.
    """

    def __init__(self, client: ModuleType) -> None:
        self.kind = client.metrics.MetricWrapperBase
        self._readers: dict[type, Callable[[Any], _Read]] = {
            client.Counter: lambda metric: _read_one(metric._value),
            client.Gauge: lambda metric: _read_one(metric._value),
            client.Summary: lambda metric: _read_two(metric._count, metric._sum),
            client.Histogram: _read_buckets,
        }
        self._families: dict[int, tuple[Any, Family]] = {}
        # By identity; those that are not seen in a round are dropped.
        self._children: dict[int, _Child] = {}
        self._seen: dict[int, _Child] = {}

    def begin(self) -> None:
        """Begin a round; the series that were seen in the last one are remembered."""
        self._children, self._seen = self._seen, {}

    def read(self, metric: Any, *, asks: bool = True) -> Found:
        """Return the values of a metric.

        :param asks: whether to call the function that a gauge may have; else what it
            has told the last time counts, if anything.
        """
        family = self._family(metric)
        keys: list[Key] = []
        values: list[float] = []
        if metric._labelnames:
            with metric._lock:
                children = list(metric._metrics.values())
        else:
            children = [metric]
        for child in children:
            known = self._children.get(id(child))
            if known is not None and known.metric is not child:
                known = None
            if not asks and _is_asked(child):
                if known is None:
                    continue
            elif known is None or _is_asked(child):
                known = self._look(family, child)
            self._seen[id(child)] = known
            keys += known.keys
            values += known.read()
        return family, keys, values

    def _family(self, metric: Any) -> Family:
        known = self._families.get(id(metric))
        if known is None or known[0] is not metric:
            mode = getattr(metric, "_multiprocess_mode", "all")
            family = Family(
                *(metric._name, metric._type, metric._documentation, metric._unit, mode)
            )
            known = self._families[id(metric)] = metric, family
        return known[1]

    def _look(self, family: Family, child: Any) -> _Child:
        """Return the series of one, and how its values are read from now on."""
        labels = dict(zip(child._labelnames, child._labelvalues, strict=True))
        found = [
            (suffix, labels_text({**labels, **own}), value)
            for suffix, own, value, *_ in child._child_samples()
            if suffix != _CREATED
        ]
        keys = [(family.name, suffix, text) for suffix, text, _ in found]
        values = [value for *_, value in found]
        if _is_asked(child):
            return _Child(child, keys, lambda: values)
        reader = self._readers.get(type(child))
        if reader is not None:
            return _Child(child, keys, reader(child))
        # Its labels may be others the next time.
        return _Child(None, keys, lambda: values)


def _is_asked(metric: Any) -> bool:
    """Whether a function is asked for the value: ``set_function()``."""
    return "_child_samples" in vars(metric)


def _read_one(value: Any) -> _Read:
    get = value.get
    return lambda: (get(),)


def _read_two(count: Any, total: Any) -> _Read:
    return lambda: (count.get(), total.get())


def _read_buckets(metric: Any) -> _Read:
    buckets = [one.get for one in metric._buckets]
    total = metric._sum.get if metric._upper_bounds[0] >= 0 else None

    def read() -> list[float]:
        found, sum_ = [], 0.0
        for get in buckets:
            sum_ += get()
            found.append(sum_)
        found.append(sum_)
        if total is not None:
            found.append(total())
        return found

    return read


def read_collector(collector: Any) -> list[Found]:
    """Return what a collector of any kind tells."""
    return [_read_family(one) for one in collector.collect()]


def _read_family(metric: Any) -> Found:
    begin = len(metric.name)
    samples = [
        one
        for one in metric.samples
        if one.value is not None and not one.name.endswith(_CREATED)
    ]
    family = Family(metric.name, metric.type, metric.documentation, metric.unit)
    keys = [(metric.name, one.name[begin:], labels_text(one.labels)) for one in samples]
    return family, keys, [float(one.value) for one in samples]
