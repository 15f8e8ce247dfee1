import pytest

import netemu.metrics as module
from netemu.metrics import Metrics, exponential


def test_an_unused_family_says_nothing() -> None:
    metrics = Metrics()
    metrics.counter("a_total", "About a.", ("kind",))
    assert metrics.text() == ""


def test_families_and_series_come_in_order() -> None:
    metrics = Metrics()
    metrics.gauge("b", "About b.").of().set(1.5)
    family = metrics.counter("a_total", "About a.", ("kind",))
    family.of("y").add()
    family.of("x").add(2)
    family.of("y").add()
    assert metrics.text().splitlines() == [
        "# HELP a_total About a.",
        "# TYPE a_total counter",
        'a_total{kind="x"} 2',
        'a_total{kind="y"} 2',
        "# HELP b About b.",
        "# TYPE b gauge",
        "b 1.5",
    ]


def test_a_histogram_counts_up_to_and_with_each_bound() -> None:
    metrics = Metrics()
    series = metrics.histogram("s", "Seconds.", (0.5, 0.25, 1), ("x",)).of("q")
    for value in (0.25, 0.3, 1, 7):
        series.observe(value)
    series.observe_many(0.125, 4)
    assert metrics.text().splitlines()[2:] == [
        's_bucket{x="q",le="0.25"} 5',
        's_bucket{x="q",le="0.5"} 6',
        's_bucket{x="q",le="1"} 7',
        's_bucket{x="q",le="+Inf"} 8',
        's_sum{x="q"} 9.05',
        's_count{x="q"} 8',
    ]


def test_labels_and_help_are_escaped() -> None:
    metrics = Metrics()
    metrics.counter("a", "One\\two\nthree", ("x",)).of('a"b\\c\nd').add()
    text = metrics.text()
    assert "# HELP a One\\\\two\\nthree\n" in text
    assert 'a{x="a\\"b\\\\c\\nd"} 1\n' in text


def test_the_number_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SERIES", 2)
    metrics = Metrics()
    family = metrics.counter("a", "About a.", ("x",))
    for value in "abcd":
        family.of(value).add()
    family.of("a").add()
    assert metrics.text().splitlines()[2:] == ['a{x="a"} 2', 'a{x="b"} 1', 'a{x="other"} 2']


def test_what_is_read_on_demand_is_read_each_time() -> None:
    metrics = Metrics()
    gauge = metrics.gauge("a", "About a.", ("x",))
    readings = iter(((("p", 1), ("q", 2)), (("q", 3),)))

    def refresh() -> None:
        gauge.clear()
        for key, value in next(readings):
            gauge.of(key).set(value)

    metrics.before_reading(refresh)
    assert metrics.text().splitlines()[2:] == ['a{x="p"} 1', 'a{x="q"} 2']
    assert metrics.text().splitlines()[2:] == ['a{x="q"} 3']


def test_mistakes_in_the_making_are_refused() -> None:
    metrics = Metrics()
    family = metrics.counter("a", "About a.", ("x", "y"))
    with pytest.raises(ValueError, match="has the labels"):
        family.of("only one")
    with pytest.raises(ValueError, match="measured twice"):
        metrics.gauge("a", "Another.")


def test_bounds_can_grow_by_a_factor() -> None:
    assert exponential(0.5, 2, 3) == (0.5, 1, 2)
