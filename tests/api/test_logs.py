import pytest

from netemu.api.logs import log_options
from netemu.api.request import Request
from netemu.model.errors import BadRequest, Invalid
from netemu.model.meta import Object
from netemu.model.streams import LogOptions

NOW = 1_000_000.0


def pod(*containers: str, init: tuple[str, ...] = ()) -> Object:
    return {
        "metadata": {"name": "p"},
        "spec": {
            "containers": [{"name": name} for name in containers],
            "initContainers": [{"name": name} for name in init],
        },
    }


def options(obj: Object, **query: str) -> LogOptions:
    return log_options(obj, Request(method="GET", path="/", query=query), NOW)


def test_the_only_container_needs_no_name() -> None:
    assert options(pod("a")) == LogOptions(container="a")


def test_everything_can_be_asked_for() -> None:
    found = options(
        pod("a", "b"),
        container="b",
        follow="true",
        previous="true",
        sinceSeconds="60",
        tailLines="5",
        limitBytes="10",
        timestamps="true",
    )
    assert found == LogOptions(
        container="b",
        follow=True,
        previous=True,
        since=NOW - 60,
        tail_lines=5,
        limit_bytes=10,
        timestamps=True,
    )


def test_a_time_can_be_given_instead_of_seconds() -> None:
    assert options(pod("a"), sinceTime="1970-01-01T00:01:00Z").since == 60


def test_one_of_several_containers_must_be_named() -> None:
    with pytest.raises(BadRequest) as refused:
        options(pod("a", "b", init=("i",)))
    assert str(refused.value) == (
        "a container name must be specified for pod p, choose one of: [a b] "
        "or one of the init containers: [i]"
    )


def test_an_unknown_container_is_refused() -> None:
    with pytest.raises(BadRequest, match="container x is not valid for pod p"):
        options(pod("a"), container="x")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"tailLines": "-1"}, "tailLines"),
        ({"limitBytes": "0"}, "limitBytes"),
        ({"sinceSeconds": "0"}, "sinceSeconds"),
        ({"sinceSeconds": "1", "sinceTime": "1970-01-01T00:01:00Z"}, ""),
    ],
)
def test_numbers_out_of_range_are_invalid(query: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid, match=r'PodLogOptions "p" is invalid') as refused:
        options(pod("a"), **query)
    assert [cause.field for cause in refused.value.causes] == [field]


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(BadRequest):
        options(pod("a"), sinceTime="yesterday")
