from typing import Any

import pytest

from netemu.clock import rfc3339
from netemu.dns.programming import TRIGGER_TIME, Programming
from netemu.metrics import Metrics
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.tasks import task_group
from tests.dns.cluster import CLUSTER, endpoint, endpoint_slice
from tests.support.clock import FakeClock
from tests.support.control import control

NAME = "coredns_kubernetes_dns_programming_duration_seconds"


def stamped(of: str, text: str) -> Object:
    obj = endpoint_slice(of, endpoint("10.244.0.5"))
    obj["metadata"]["annotations"] = {TRIGGER_TIME: text}
    return obj


def measured(*changes: Change) -> list[str]:
    metrics = Metrics()
    Programming(metrics, FakeClock()).visible(changes, CLUSTER)
    return [line for line in metrics.text().splitlines() if line.startswith(f"{NAME}_")]


def change(new: Object | None, old: Object | None = None, **more: Any) -> Change:
    return Change(more.get("resource", resources.ENDPOINT_SLICES), old, new)


NOW = FakeClock().now()


def test_a_headless_service_is_measured_from_its_trigger_time() -> None:
    lines = measured(change(stamped("db", rfc3339(NOW - 2))))
    kind = 'service_kind="headless_with_selector"'
    assert lines[0] == f'{NAME}_bucket{{{kind},le="0.001"}} 0'
    assert lines[-2:] == [f"{NAME}_sum{{{kind}}} 2", f"{NAME}_count{{{kind}}} 1"]
    assert len(lines) == 20 + 3


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a virtual IP doesn't change with its endpoints", change(stamped("web", rfc3339(NOW)))),
        ("a Service that is gone", change(stamped("gone", rfc3339(NOW)))),
        ("a slice that is gone", change(None, stamped("db", rfc3339(NOW)))),
        ("no time", change(endpoint_slice("db", endpoint("10.244.0.5")))),
        ("a time that is none", change(stamped("db", "yesterday"))),
        ("the time of an earlier change", change(*[stamped("db", rfc3339(NOW))] * 2)),
        ("another resource", change(stamped("db", rfc3339(NOW)), resource=resources.ENDPOINTS)),
    ],
)
def test_other_changes_are_not_measured(name: str, changes: Change) -> None:
    assert measured(changes) == []


def test_a_clock_that_went_back_measures_nothing_negative() -> None:
    assert measured(change(stamped("db", rfc3339(NOW + 60))))[-2].endswith(" 0")


async def test_what_was_there_before_is_not_measured() -> None:
    metrics = Metrics()
    async with control(nodes=0) as plane:
        await plane.client.create(resources.ENDPOINT_SLICES, api_slice("db-1", plane.stamp()))
        latest = Latest(CLUSTER)
        async with task_group() as tasks:
            programming = Programming(metrics, plane.clock)
            tasks.start(programming.follow(plane.client, latest), name="programming")
            await plane.settled()
            assert NAME not in metrics.text()
            await plane.client.create(resources.ENDPOINT_SLICES, api_slice("db-2", plane.stamp()))
            await plane.settled()
    assert f'{NAME}_count{{service_kind="headless_with_selector"}} 1\n' in metrics.text()


def api_slice(name: str, when: str) -> Object:
    obj = endpoint_slice("db", endpoint("10.244.0.5"), name=name)
    obj["metadata"]["annotations"] = {TRIGGER_TIME: when}
    return obj
