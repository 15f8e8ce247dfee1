from typing import Any

import pytest

from netemu.api.qos import qos_class


def a_container(limits: Any = None, requests: Any = None) -> dict[str, Any]:
    return {"resources": {"limits": limits or {}, "requests": requests or {}}}


FULL = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([{}], "BestEffort"),
        ([a_container(requests={"cpu": "0"})], "BestEffort"),
        ([a_container({"example.com/gpu": "1"})], "BestEffort"),
        ([a_container(requests={"cpu": "1"})], "Burstable"),
        ([a_container(FULL, {**FULL, "cpu": "500m"})], "Burstable"),
        ([a_container({"cpu": "1"}, {"cpu": "1"})], "Burstable"),
        ([a_container(FULL, FULL), {}], "Burstable"),
        ([a_container(FULL, FULL)], "Guaranteed"),
        ([a_container(FULL, {"cpu": "1000m", "memory": "1024Mi"})], "Guaranteed"),
    ],
)
def test_classes(containers: list[dict[str, Any]], expected: str) -> None:
    assert qos_class({"containers": containers}) == expected


def test_init_containers_count() -> None:
    assert qos_class({"containers": [a_container(FULL, FULL)], "initContainers": [{}]}) == (
        "Burstable"
    )
