"""Every bad Service gets the words of a real cluster: refused whole, with every reason at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from netemu.model.meta import Object
from tests.support.api import Cluster
from tests.support.objects import a_service

SERVICES = "/api/v1/namespaces/default/services"
CASES: list[Any] = yaml.safe_load(Path(__file__).with_name("bad_services.yaml").read_text())
OTHER: Object = {
    "metadata": {"name": "other"},
    "spec": {
        "type": "NodePort",
        "clusterIP": "10.96.7.7",
        "ports": [{"port": 80, "nodePort": 30080}],
    },
}


@pytest.fixture
async def occupied(cluster: Cluster) -> Cluster:
    """A cluster in which a Service has an address and a node port."""
    await cluster.json("POST", SERVICES, OTHER)
    return cluster


async def told(cluster: Cluster, case: Any) -> Any:
    """The Status that a case gets."""
    if "before" not in case:
        return await cluster.refused("POST", SERVICES, a_service(**case["spec"]))
    stored = await cluster.json("POST", SERVICES, a_service(**case["before"]))
    new = {**stored, "spec": {**stored["spec"], **case["spec"]}}
    return await cluster.refused("PUT", f"{SERVICES}/web", new)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_every_bad_service_gets_upstreams_words(occupied: Cluster, case: Any) -> None:
    status = await told(occupied, case)
    assert status["code"] == case["code"]
    if status["code"] == 422:
        causes = status["details"]["causes"]
        assert [f"{c['field']}: {c['message']}" for c in causes] == case["refused"]
        said = case["refused"] if len(case["refused"]) > 1 else case["refused"][0]
        shown = said if isinstance(said, str) else "[" + ", ".join(said) + "]"
        assert status["message"] == f'Service "web" is invalid: {shown}'
    else:
        assert status["message"] == case["refused"][0]


async def test_a_refused_service_holds_nothing(occupied: Cluster) -> None:
    wanted = {"clusterIP": "10.96.0.9", "type": "NodePort"}
    both = [{"name": "a", "port": 80, "nodePort": 30081}, {"name": "b", "port": 81}]
    taken = [both[0], {**both[1], "nodePort": 30080}]
    await occupied.refused("POST", SERVICES, a_service(**wanted, ports=taken))
    made = await occupied.json("POST", SERVICES, a_service(**wanted, ports=both))
    assert made["spec"]["clusterIP"] == "10.96.0.9"
    assert made["spec"]["ports"][0]["nodePort"] == 30081
