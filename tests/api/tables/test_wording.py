import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api.tables import wording

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400

DURATIONS = [
    (-5, "<invalid>"),
    (-1.5, "0s"),
    (0, "0s"),
    (59.9, "59s"),
    (119, "119s"),
    (2 * MINUTE, "2m"),
    (2 * MINUTE + 5, "2m5s"),
    (10 * MINUTE + 5, "10m"),
    (179 * MINUTE, "179m"),
    (3 * HOUR, "3h"),
    (3 * HOUR + 7 * MINUTE, "3h7m"),
    (8 * HOUR + 7 * MINUTE, "8h"),
    (47 * HOUR, "47h"),
    (48 * HOUR, "2d"),
    (50 * HOUR, "2d2h"),
    (8 * DAY + HOUR, "8d"),
    (729 * DAY, "729d"),
    (2 * YEAR, "2y"),
    (2 * YEAR + 3 * DAY, "2y3d"),
    (9 * YEAR + 3 * DAY, "9y"),
]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_durations_are_worded_as_kubectls_users_know_them(seconds: float, text: str) -> None:
    assert wording.human_duration(seconds) == text


@given(st.floats(min_value=0, max_value=100 * YEAR))
def test_a_duration_is_short(seconds: float) -> None:
    assert 2 <= len(wording.human_duration(seconds)) <= 6


def test_a_time_that_is_missing_or_none_is_unknown() -> None:
    assert wording.since(None, 0) == "<unknown>"
    assert wording.since("yesterday", 0) == "<unknown>"
    assert wording.since("1970-01-01T00:00:00Z", 5) == "5s"


def test_a_long_list_is_cut_after_three() -> None:
    assert wording.cut(["a", "b", "c"]) == "a,b,c"
    assert wording.cut(["a", "b", "c", "d", "e"]) == "a,b,c + 2 more..."


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        (None, "<none>"),
        ({}, "<none>"),
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        (
            {
                "matchExpressions": [
                    {"key": "t", "operator": "In", "values": ["y", "x"]},
                    {"key": "u", "operator": "NotIn", "values": ["z"]},
                    {"key": "v", "operator": "Exists"},
                    {"key": "w", "operator": "DoesNotExist"},
                ]
            },
            "t in (x,y),u notin (z),v,!w",
        ),
        ({"matchExpressions": [{"key": "t", "operator": "Odd"}]}, "<error>"),
    ],
)
def test_a_selector_is_shown_as_l_takes_it(selector: dict[str, object] | None, text: str) -> None:
    assert wording.selector_object(selector) == text
