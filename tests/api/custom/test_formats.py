"""Formats of texts."""

import pytest

from netemu.api.custom.formats import fits


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date-time", "2024-02-29T12:00:00.5Z", "2024-02-30T12:00:00Z"),
        ("date", "2024-02-29", "2024-2-29"),
        ("email", "a@b.example", "a"),
        ("hostname", "a-b.example", "-a"),
        ("ipv4", "1.2.3.4", "::1"),
        ("ipv6", "::1", "1.2.3.4"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("mac", "00:11:22:aa:bb:cc", "00:11"),
        ("uuid", "01234567-89ab-cdef-0123-456789abcdef", "1"),
        ("uuid4", "01234567-89ab-4def-8123-456789abcdef", "01234567-89ab-3def-8123-456789abcdef"),
        ("uri", "https://a.example/b", "::"),
        ("byte", "YWJj", "*"),
        ("duration", "1h30m", "x"),
        ("hexcolor", "#00ff00", "green"),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    assert fits(name, good)
    assert not fits(name, bad)


def test_what_nobody_checks_fits() -> None:
    assert fits("anything", "x")
