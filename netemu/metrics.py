"""Counters, gauges and histograms, and the text in which Prometheus reads them.

Nothing here measures time or serves anything. A series is bound once and then costs an addition;
what is only known on demand is set by a function that runs before each reading. However many label
values are seen, a family has a bounded number of series.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, Generic, TypeVar

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text (Prometheus' exposition format 0.0.4)."""
MOST_SERIES: Final = 1000
"""Per family; what comes later is counted together, with `OTHER` for every label."""
OTHER: Final = "other"


class Value:
    """One series of a counter or gauge; `value` may be changed directly."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Count."""
        self.value += amount

    def set(self, value: float) -> None:
        """Say how much there is now."""
        self.value = value


class Distribution:
    """One series of a histogram."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """By bucket, each for itself; the last is for what no bound holds."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_many(self, value: float, times: int) -> None:
        """Count one value several times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times


S = TypeVar("S", Value, Distribution)


class Family(Generic[S]):
    """The series of one name, told apart by labels."""

    def __init__(
        self, kind: str, name: str, about: str, labels: Sequence[str], make: Callable[[], S]
    ) -> None:
        self.kind = kind
        self.name = name
        self.about = about
        self.labels = tuple(labels)
        self._make: Callable[[], S] = make
        self._series: dict[tuple[str, ...], S] = {}

    def of(self, *values: str) -> S:
        """The series with these label values, in the order of the labels."""
        found = self._series.get(values)
        if found is not None:
            return found
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {len(values)} of them")
        if len(self._series) >= MOST_SERIES:
            values = (OTHER,) * len(values)
        return self._series.setdefault(values, self._make())

    def clear(self) -> None:
        """Forget all series; for gauges of things that come and go."""
        self._series.clear()

    def lines(self) -> list[str]:
        """The family in Prometheus' words; nothing while it has no series."""
        if not self._series:
            return []
        lines = [f"# HELP {self.name} {_escaped(self.about)}", f"# TYPE {self.name} {self.kind}"]
        for values in sorted(self._series):
            labels = list(map(_label, self.labels, values))
            lines += _series_lines(self.name, labels, self._series[values])
        return lines


class Metrics:
    """Everything that is measured in one place."""

    def __init__(self) -> None:
        self._families: dict[str, list[Callable[[], list[str]]]] = {}
        self._before: list[Callable[[], None]] = []

    def counter(self, name: str, about: str, labels: Sequence[str] = ()) -> Family[Value]:
        """Something that only grows."""
        return self._add(Family("counter", name, about, labels, Value))

    def gauge(self, name: str, about: str, labels: Sequence[str] = ()) -> Family[Value]:
        """Something that comes and goes."""
        return self._add(Family("gauge", name, about, labels, Value))

    def histogram(
        self, name: str, about: str, bounds: Sequence[float], labels: Sequence[str] = ()
    ) -> Family[Distribution]:
        """Values, counted by the bucket they fall in; `bounds` are the buckets' upper ends."""
        ends = tuple(sorted(bounds))
        return self._add(Family("histogram", name, about, labels, lambda: Distribution(ends)))

    def before_reading(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` each time before the text is made."""
        self._before.append(refresh)

    def text(self) -> str:
        """Everything, by name."""
        for refresh in self._before:
            refresh()
        lines = [
            line
            for name in sorted(self._families)
            for part in self._families[name]
            for line in part()
        ]
        return "".join(f"{line}\n" for line in lines)

    def _add(self, family: Family[S]) -> Family[S]:
        if family.name in self._families:
            raise ValueError(f"{family.name} is measured twice")
        self._families[family.name] = [family.lines]
        return family


def exponential(start: float, factor: float, count: int) -> tuple[float, ...]:
    """Bounds that grow by `factor`, as Prometheus' clients make them."""
    return tuple(start * factor**number for number in range(count))


def _series_lines(name: str, labels: list[str], series: Value | Distribution) -> list[str]:
    if isinstance(series, Value):
        return [f"{name}{_braced(labels)} {_number(series.value)}"]
    ends = (*map(_number, series.bounds), "+Inf")
    totals = list(accumulate(series.counts))
    within = [_braced([*labels, _label("le", end)]) for end in ends]
    buckets = [f"{name}_bucket{part} {n}" for part, n in zip(within, totals, strict=True)]
    around = _braced(labels)
    return [
        *buckets,
        f"{name}_sum{around} {_number(series.sum)}",
        f"{name}_count{around} {totals[-1]}",
    ]


def _braced(labels: list[str]) -> str:
    return f"{{{','.join(labels)}}}" if labels else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(key: str, value: str) -> str:
    quoted = _escaped(value).replace('"', '\\"')
    return f'{key}="{quoted}"'
