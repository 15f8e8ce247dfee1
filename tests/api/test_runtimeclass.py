from typing import Any

import pytest

from netemu.api.runtimeclass import with_runtime
from netemu.model.errors import Forbidden


def pod(**spec: Any) -> Any:
    return {"metadata": {"name": "p"}, "spec": {"runtimeClassName": "fast", **spec}}


FAST: Any = {
    "overhead": {"podFixed": {"cpu": "10m"}},
    "scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "fast"}]},
}


def test_a_class_adds_its_overhead_and_scheduling() -> None:
    spec = with_runtime(pod(nodeSelector={"c": "d"}), FAST)["spec"]
    assert spec["overhead"] == {"cpu": "10m"}
    assert spec["nodeSelector"] == {"c": "d", "a": "b"}
    assert spec["tolerations"] == [{"key": "fast"}]


@pytest.mark.parametrize(
    ("given", "found", "why"),
    [
        (pod(), None, 'RuntimeClass "fast" not found'),
        (
            pod(overhead={"cpu": "1"}),
            {},
            "Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            pod(overhead={"cpu": "1"}),
            FAST,
            "Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            pod(nodeSelector={"a": "x"}),
            FAST,
            "conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = x",
        ),
    ],
)
def test_what_does_not_fit_is_refused(given: Any, found: Any, why: str) -> None:
    with pytest.raises(Forbidden) as refused:
        with_runtime(given, found)
    assert refused.value.message == f'pods "p" is forbidden: pod rejected: {why}'
