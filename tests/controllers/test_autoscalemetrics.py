"""How many replicas a metric asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.clock import rfc3339
from netemu.controllers.autoscalemetrics import NoMetric, Pods, Proposal, proposed
from netemu.model.meta import Object
from netemu.model.usage import Amount, PodUsage
from tests.support.samples import NOW, pod

CPU = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
METRIC: Object = {"type": "Resource", "resource": CPU}


def busy(name: str, *, request: str | None = "1", phase: str = "Running", **more: bool) -> Object:
    resources = {"requests": {"cpu": request}} if request else {}
    made = pod(name, phase=phase, since=NOW - 1000, **more)  # type: ignore[arg-type]
    made["spec"]["containers"] = [{"name": "main", "image": "x", "resources": resources}]
    made["status"]["startTime"] = rfc3339(NOW - 1000)
    return made


def used(cpu: float, memory: int = 0) -> PodUsage:
    return PodUsage(containers={"main": Amount(cpu, memory)}, at=NOW, window=10)


def asked(metric: Object, *pods: tuple[Object, float | None]) -> Proposal:
    usage = {obj["metadata"]["uid"]: used(cpu) for obj, cpu in pods if cpu is not None}
    found = [obj for obj, _ in pods]
    return proposed(metric, Pods(pods=found, usage=usage, replicas=len(found), now=NOW))


@pytest.mark.parametrize(
    ("cpu", "replicas"),
    [([1.0, 1.0], 4), ([0.5, 0.5], 2), ([0.54, 0.54], 2), ([0.56, 0.56], 3), ([0.1, 0.1], 1)],
)
def test_as_many_as_bring_the_share_to_its_target(cpu: list[float], replicas: int) -> None:
    found = asked(METRIC, *((busy(f"p{n}"), value) for n, value in enumerate(cpu)))
    assert found.replicas == replicas


def test_what_it_shows() -> None:
    found = asked(METRIC, (busy("p"), 0.25))
    assert found.status == {
        "type": "Resource",
        "resource": {"name": "cpu", "current": {"averageUtilization": 25, "averageValue": "250m"}},
    }


def test_an_average_value() -> None:
    target = {"type": "AverageValue", "averageValue": "500m"}
    metric: Object = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    assert asked(metric, (busy("p"), 1.0), (busy("q"), 1.0)).replicas == 4


def test_a_pod_of_which_nothing_is_known_holds_a_change_back() -> None:
    assert asked(METRIC, (busy("p"), 1.0), (busy("q"), None)).replicas == 2
    assert asked(METRIC, (busy("p"), 0.1), (busy("q"), None)).replicas == 2
    assert asked(METRIC, (busy("p"), 2.0), (busy("q"), None)).replicas == 4


def test_a_pod_that_starts_is_not_believed() -> None:
    starting = busy("new", phase="Pending")
    assert asked(METRIC, (busy("p"), 1.0), (starting, 5.0)).replicas == 2


def test_without_requests_there_is_no_share() -> None:
    with pytest.raises(NoMetric, match="missing request for cpu in container main of Pod p"):
        asked(METRIC, (busy("p", request=None), 1.0))


def test_without_any_measurement_there_is_no_metric() -> None:
    with pytest.raises(NoMetric, match="no metrics returned from resource metrics API"):
        asked(METRIC, (busy("p"), None))


def test_other_sources_are_not_served() -> None:
    with pytest.raises(NoMetric) as refused:
        asked({"type": "Pods", "pods": {}}, (busy("p"), 1.0))
    assert refused.value.reason == "FailedGetPodsMetric"


@given(st.lists(st.floats(0, 4), min_size=1, max_size=6))
def test_at_the_target_nothing_changes(cpu: list[float]) -> None:
    """What a proposal leads to, with the load spread evenly, asks for no more change."""
    pods = [(busy(f"p{n}"), value) for n, value in enumerate(cpu)]
    count = asked(METRIC, *pods).replicas
    if not count:
        return
    even = sum(cpu) / count
    again = asked(METRIC, *((busy(f"q{n}"), even) for n in range(count))).replicas
    assert again <= count
