import pytest

from netemu.node.backoff import BackOff, go_duration


def test_the_first_attempt_is_immediate() -> None:
    assert BackOff().due(100.0) == 100.0


def test_delays_double_up_to_the_longest() -> None:
    back_off, delays = BackOff(), []
    now = 0.0
    for _ in range(8):
        back_off = back_off.after(now, now)
        delays.append(back_off.delay)
        now = back_off.due(now)
    assert delays == [10, 20, 40, 80, 160, 300, 300, 300]


def test_ten_minutes_of_running_are_a_clean_slate() -> None:
    back_off = BackOff().after(0.0, 0.0).after(10.0, 10.0)
    assert back_off.delay == 20.0
    assert back_off.due(611.0) == 611.0
    assert back_off.after(611.0, 611.0).delay == 10.0


def test_less_than_that_is_not() -> None:
    back_off = BackOff().after(0.0, 0.0)
    assert back_off.due(599.0) == 609.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(10, "10s"), (60, "1m0s"), (80, "1m20s"), (300, "5m0s"), (3661, "1h1m1s")],
)
def test_durations_are_printed_as_go_does(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
