"""Go's regular expressions as Python takes them."""

import pytest

from netemu.cel.errors import EvaluationError
from netemu.cel.regexes import compiled


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^a\z", "a", True),
        ("^(?i)abc$", "ABC", True),
        ("a(?i)b|c", "C", True),
        ("^(x(?i)y)z$", "xYz", True),
        ("^(x(?i)y)z$", "xYZ", False),
        ("(?i)a", "A", True),
        ("(?m)^a$", "b\na\nc", True),
        ("^[[:alpha:]]+$", "abc", True),
        (r"^[$()|]+$", "$()|", True),
        (r"^\$\(a\)$", "$(a)", True),
        (r"^\d+$", "\u0663", False),
        ("^(?<n>a)$", "a", True),
        (r"^[\]a]+$", "]a", True),
        ("^(a|b)$|^c$", "c", True),
    ],
)
def test_what_matches(pattern: str, text: str, found: bool) -> None:
    assert (compiled(pattern).search(text) is not None) is found


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "(?z)"])
def test_what_is_none(pattern: str) -> None:
    with pytest.raises(EvaluationError, match="error parsing regexp"):
        compiled(pattern)
