import pytest

from netemu.api.listoptions import check_list, check_watch, read_version
from netemu.model.errors import Invalid

MATCH, INITIAL = "resourceVersionMatch", "sendInitialEvents"
LISTS = [
    ({MATCH: "Exact"}, [f"Forbidden: {MATCH} is forbidden unless resourceVersion is provided"]),
    (
        {MATCH: "Sometimes", "continue": "x"},
        [
            f"Forbidden: {MATCH} is forbidden unless resourceVersion is provided",
            f"Forbidden: {MATCH} is forbidden when continue is provided",
            'Unsupported value: "Sometimes": supported values: "Exact", "NotOlderThan", ""',
        ],
    ),
    (
        {MATCH: "Exact", "resourceVersion": "0", INITIAL: "false"},
        [
            f'Forbidden: {MATCH} "exact" is forbidden for resourceVersion "0"',
            f"Forbidden: {INITIAL} is forbidden for list",
        ],
    ),
]
WATCHES = [
    ({INITIAL: "true"}, [f"Forbidden: {INITIAL} requires setting {MATCH} to NotOlderThan"]),
    (
        {MATCH: "Exact", "continue": "x"},
        [
            f"Forbidden: {MATCH} is forbidden for watch unless {INITIAL} is provided",
            'Unsupported value: "Exact": supported values: "NotOlderThan"',
            f"Forbidden: {MATCH} is forbidden when continue is provided",
        ],
    ),
]


@pytest.mark.parametrize(("query", "said"), LISTS)
def test_a_list_hears_all_that_does_not_fit(query: dict[str, str], said: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        check_list(query)
    assert [cause.message for cause in refused.value.causes] == said


@pytest.mark.parametrize(("query", "said"), WATCHES)
def test_a_watch_hears_all_that_does_not_fit(query: dict[str, str], said: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        check_watch(query)
    assert [cause.message for cause in refused.value.causes] == said


def test_what_fits_passes() -> None:
    check_list({})
    check_list({MATCH: "Exact", "resourceVersion": "5"})
    check_watch({INITIAL: "true", MATCH: "NotOlderThan"})


@pytest.mark.parametrize("text", ["x", "-1", "٣", str(2**64)])
def test_a_version_is_a_whole_number(text: str) -> None:
    assert (read_version({}), read_version({"resourceVersion": "12"})) == (0, 12)
    with pytest.raises(Invalid, match="strconv.ParseUint: parsing"):
        read_version({"resourceVersion": text})
