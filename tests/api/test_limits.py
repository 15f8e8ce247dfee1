"""LimitRanges: defaults and bounds, in upstream's words."""

from typing import Any

import pytest

from netemu.api.limits import ANNOTATION, check_claim, limited
from netemu.model.errors import Forbidden


def pod(requests: Any = None, limits: Any = None) -> Any:
    resources = {"requests": requests or {}, "limits": limits or {}}
    spec = {"containers": [{"name": "c", "resources": resources}]}
    return {"metadata": {"name": "p"}, "spec": spec}


def range_of(type: str = "Container", **fields: Any) -> Any:
    return {"spec": {"limits": [{"type": type, **fields}]}}


def refusal(obj: Any, *ranges: Any) -> str:
    with pytest.raises(Forbidden) as refused:
        limited(obj, ranges)
    return refused.value.message.removeprefix('pods "p" is forbidden: ')


def test_defaults_fill_what_is_not_said() -> None:
    defaults = range_of(default={"cpu": "500m", "memory": "1Gi"}, defaultRequest={"cpu": "100m"})
    found = limited(pod(limits={"memory": "2Gi"}), [defaults])
    assert found["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m"},
        "limits": {"memory": "2Gi", "cpu": "500m"},
    }
    assert found["metadata"]["annotations"][ANNOTATION] == (
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    )


@pytest.mark.parametrize(
    ("bound", "obj", "why"),
    [
        pytest.param(
            {"max": {"cpu": "1"}},
            pod({"cpu": "1"}, {"cpu": "1500m"}),
            "maximum cpu usage per Container is 1, but limit is 1500m",
            id="too high a limit",
        ),
        pytest.param(
            {"max": {"cpu": "1"}},
            pod(),
            "maximum cpu usage per Container is 1. No limit is specified",
            id="no limit",
        ),
        pytest.param(
            {"min": {"memory": "64Mi"}},
            pod({"memory": "32Mi"}),
            "minimum memory usage per Container is 64Mi, but request is 32Mi",
            id="too small a request",
        ),
        pytest.param(
            {"min": {"memory": "64Mi"}},
            pod(),
            "minimum memory usage per Container is 64Mi. No request is specified",
            id="no request",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2"}},
            pod({"cpu": "1"}, {"cpu": "3"}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
            id="too large a ratio",
        ),
        pytest.param(
            {"min": {"cpu": "1"}, "max": {"memory": "1Mi"}},
            pod({"cpu": "500m"}, {"memory": "2Mi"}),
            "[minimum cpu usage per Container is 1, but request is 500m, maximum memory usage per "
            "Container is 1Mi, but limit is 2Mi]",
            id="both",
        ),
    ],
)
def test_bounds(bound: Any, obj: Any, why: str) -> None:
    assert refusal(obj, range_of(**bound)) == why


def test_a_pod_is_judged_by_its_sum() -> None:
    obj = pod(limits={"cpu": "600m"})
    obj["spec"]["containers"] *= 2
    assert refusal(obj, range_of("Pod", max={"cpu": "1"})) == (
        "maximum cpu usage per Pod is 1, but limit is 1200m"
    )


def test_claims() -> None:
    claim = {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    kind = "PersistentVolumeClaim"
    check_claim(claim, [range_of(kind, max={"storage": "2Gi"})])
    with pytest.raises(Forbidden) as refused:
        check_claim(claim, [range_of(kind, max={"storage": "1Gi"})])
    assert refused.value.message.endswith(
        "maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi"
    )
