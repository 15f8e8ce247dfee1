"""Every row of the catalogue has a test that is named after it."""

import re
from pathlib import Path

from tests.conformance.rows import NOT_HERE, rows

NAMED = re.compile(r"^def test_(\d+)_(\d+)_\w+\(", re.MULTILINE)


def named() -> set[tuple[int, int]]:
    texts = (path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    return {(int(a), int(b)) for text in texts for a, b in NAMED.findall(text)}


def test_each_row_has_a_test() -> None:
    assert sorted(set(rows()) - named()) == []


def test_nothing_else_claims_to_be_one() -> None:
    assert sorted(named() - set(rows())) == []
    assert not named() & set(NOT_HERE)
