"""What LimitRanges fill in and refuse."""

from typing import Any, NamedTuple

import pytest

from netemu.api.limitranges import ANNOTATION, filled, problems
from netemu.model.meta import Object
from tests.support.objects import a_pod, named


def a_range(kind: str = "Container", **limits: Any) -> Object:
    return {"spec": {"limits": [{"type": kind, **limits}]}}


def containers(*resources: Object) -> Object:
    items = [{"name": f"c{number}", "resources": one} for number, one in enumerate(resources)]
    return a_pod(containers=items)


def test_who_says_nothing_gets_the_defaults() -> None:
    given = a_range(default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "100m"})
    pod = filled(containers({}, {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}}), [given])
    first, second = (item["resources"] for item in pod["spec"]["containers"])
    assert first == {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    assert second == {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "2"}}
    assert pod["metadata"]["annotations"][ANNOTATION] == (
        "LimitRanger plugin set: cpu, memory limit for container c0; cpu request for container c0; "
        "memory limit for container c1"
    )


def test_who_says_all_stays_as_he_is() -> None:
    pod = containers({"limits": {"cpu": "1"}})
    assert filled(pod, [a_range(default={"cpu": "2"})]) is pod
    assert filled(pod, [a_range("Pod", max={"cpu": "2"})]) is pod


class Case(NamedTuple):
    name: str
    range: Object
    obj: Object
    problems: list[str]


def of(request: str = "", limit: str = "") -> Object:
    said: Object = {}
    if request:
        said["requests"] = {"cpu": request}
    if limit:
        said["limits"] = {"cpu": limit}
    return said


MIN, MAX = a_range(min={"cpu": "200m"}), a_range(max={"cpu": "1"})
RATIO = a_range(maxLimitRequestRatio={"cpu": "2"})
LEAST, MOST = "minimum cpu usage per Container is 200m", "maximum cpu usage per Container is 1"
SHARE = "cpu max limit to request ratio per Container is 2"
CASES = [
    Case("enough", MIN, containers(of("200m")), []),
    Case("nothing said", MIN, containers({}), [f"{LEAST}.  No request is specified"]),
    Case("too little", MIN, containers(of("100m")), [f"{LEAST}, but request is 100m"]),
    Case("a limit too low", MIN, containers(of("200m", "150m")), [f"{LEAST}, but limit is 150m"]),
    Case("within", MAX, containers(of("500m", "1")), []),
    Case("no limit", MAX, containers(of("500m")), [f"{MOST}.  No limit is specified"]),
    Case("too much", MAX, containers(of("500m", "2")), [f"{MOST}, but limit is 2"]),
    Case("too much asked", MAX, containers(of("3", "1")), [f"{MOST}, but request is 3"]),
    Case(
        "each container by itself",
        MAX,
        containers(of("", "2"), of("", "3")),
        [f"{MOST}, but limit is 2", f"{MOST}, but limit is 3"],
    ),
    Case("twice as much", RATIO, containers(of("1", "2")), []),
    Case(
        "three times", RATIO, containers(of("1", "3")), [f"{SHARE}, but provided ratio is 3.000000"]
    ),
    Case(
        "no request",
        RATIO,
        containers(of("", "3")),
        [f"{SHARE}, but no request is specified or request is 0"],
    ),
    Case(
        "no end",
        RATIO,
        containers(of("1")),
        [f"{SHARE}, but no limit is specified or limit is 0"],
    ),
    Case(
        "all containers together",
        a_range("Pod", max={"cpu": "1"}),
        containers(of("1", "1"), of("500m", "500m")),
        ["maximum cpu usage per Pod is 1, but limit is 1500m"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pods(case: Case) -> None:
    assert problems("pods", case.obj, [case.range]) == case.problems


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ("1Gi", []),
        ("512Mi", ["minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi"]),
        ("3Gi", ["maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"]),
    ],
)
def test_claims(size: str, found: list[str]) -> None:
    claim = named(spec={"resources": {"requests": {"storage": size}}})
    given = a_range("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"})
    assert problems("persistentvolumeclaims", claim, [given]) == found


def test_other_kinds_have_no_limits() -> None:
    assert problems("secrets", named(), [MIN]) == []
