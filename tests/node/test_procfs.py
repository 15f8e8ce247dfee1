"""What /proc tells of processes."""

import os

import pytest

from netemu.node.procfs import Stat, parse_stat, processes


@pytest.mark.parametrize(
    ("text", "stat"),
    [
        ("7 (sh) S 3 " + "0 " * 9 + "10 5 2 1 20", Stat(3, 18)),
        ("7 (a) b) (c) S 3 " + "0 " * 9 + "1 1 1 1 20", Stat(3, 4)),
        ("", None),
    ],
)
def test_one_line_of_stat(text: str, stat: Stat | None) -> None:
    assert parse_stat(text) == stat


def test_this_process_is_seen() -> None:
    assert processes()[os.getpid()].parent == os.getppid()
