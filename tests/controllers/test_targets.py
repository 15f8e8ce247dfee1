"""Who stands behind a Service, with which ports."""

from typing import Any

import pytest

from netemu.controllers.targets import (
    PodsBehind,
    Port,
    families_of,
    family_of,
    is_headless,
    port_of,
    selector_of,
    target_from,
)
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.meta import Object, name_of
from tests.support.control import control
from tests.support.samples import pod, service


def ports(*items: tuple[str, int, str]) -> list[Object]:
    return [{"name": n, "containerPort": p, "protocol": proto} for n, p, proto in items]


def with_containers(**spec: Any) -> Object:
    obj = pod("a", ip="10.244.1.1")
    return {**obj, "spec": {**obj["spec"], **spec}}


TCP_PORT: Object = {"name": "web", "port": 80, "protocol": "TCP", "targetPort": "http"}
FOUND = [
    pytest.param([("http", 8080, "TCP")], [], 8080, id="in a container"),
    pytest.param([("http", 53, "UDP"), ("http", 80, "TCP")], [], 80, id="by protocol, too"),
    pytest.param([], [("http", 9000, "TCP")], 9000, id="in a sidecar"),
    pytest.param([("other", 1, "TCP")], [], None, id="nowhere"),
]


@pytest.mark.parametrize(("main", "sidecar", "expected"), FOUND)
def test_a_named_port_is_looked_up_in_the_pod(
    main: list[tuple[str, int, str]], sidecar: list[tuple[str, int, str]], expected: int | None
) -> None:
    obj = with_containers(
        containers=[{"name": "c", "ports": ports(*main)}],
        initContainers=[
            {"name": "once", "ports": ports(("http", 1, "TCP"))},
            {"name": "side", "restartPolicy": "Always", "ports": ports(*sidecar)},
        ],
    )
    found = port_of(obj, TCP_PORT)
    assert (found.number if found else None) == expected


def test_a_numbered_port_is_what_it_is() -> None:
    assert port_of(pod("a"), {"port": 80, "targetPort": 8080}) == Port("", "TCP", 8080)
    assert port_of(pod("a"), {"port": 80}) == Port("", "TCP", 80)


def test_a_hostname_counts_only_with_the_services_name_as_subdomain() -> None:
    here = target_from(service("web"), with_containers(hostname="h", subdomain="web"))
    there = target_from(service("web"), with_containers(hostname="h", subdomain="other"))
    assert here is not None
    assert there is not None
    assert (here.hostname, there.hostname) == ("h", "")


def test_pods_without_address_and_ended_pods_stand_nowhere() -> None:
    assert target_from(service(), pod("a")) is None
    assert target_from(service(), pod("a", ip="10.244.1.1", phase="Failed")) is None
    assert target_from(service(), pod("a", ip="10.244.1.1", deleting=True)) is not None


def test_services_without_a_selector_and_external_names_select_nothing() -> None:
    assert selector_of(service(selector=None)) is None
    assert selector_of(service(type="ExternalName")) is None
    assert selector_of(service()) == {"app": "web"}


def test_families_are_those_of_the_service() -> None:
    assert families_of(service(ipFamilies=["IPv6", "IPv4"])) == ("IPv6", "IPv4")
    assert families_of(service(ipFamilies=None, clusterIP="fd00::1")) == ("IPv6",)
    assert families_of(service(ipFamilies=None, clusterIP="None")) == ("IPv4",)
    assert is_headless(service(clusterIP="None"))
    assert (family_of("10.0.0.1"), family_of("::1"), family_of("10.0.0.256")) == (
        "IPv4",
        "IPv6",
        "",
    )


async def test_a_services_pods_are_found_by_label_and_shrunk_once() -> None:
    async with control(nodes=0) as plane:
        behind = PodsBehind(plane.client)
        web = await plane.client.create(resources.SERVICES, stored_service())
        for name in ("a", "b"):
            made = await plane.client.create(resources.PODS, new_pod(name, "web"))
            await plane.report(made, ip=f"10.244.1.{ord(name)}")
            obj = plane.get(resources.PODS, name)
            assert list(behind.observe(Change(resources.PODS, None, obj))) == [("default", "web")]
        other = await plane.client.create(resources.PODS, new_pod("c", "db"))
        assert list(behind.observe(Change(resources.PODS, None, other))) == []
        first = behind.of(web)
        assert [target.name for target in first] == ["a", "b"]
        await plane.report(plane.get(resources.PODS, "a"), ready=False)
        second = behind.of(web)
        assert second[1] is first[1]
        assert (first[0].serving, second[0].serving) == (True, False)


async def test_a_change_that_endpoints_cannot_show_makes_nothing_due() -> None:
    async with control(nodes=0) as plane:
        behind = PodsBehind(plane.client)
        await plane.client.create(resources.SERVICES, stored_service())
        obj = await plane.client.create(resources.PODS, new_pod("a", "web"))
        noted = {**obj, "metadata": {**obj["metadata"], "annotations": {"x": "y"}}}
        moved = {**obj, "metadata": {**obj["metadata"], "labels": {"app": "db"}}}
        assert list(behind.observe(Change(resources.PODS, obj, noted))) == []
        assert list(behind.observe(Change(resources.PODS, obj, moved))) == [("default", "web")]
        assert name_of(moved) == "a"


def new_pod(name: str, app: str) -> Object:
    return {
        "metadata": {"namespace": "default", "name": name, "labels": {"app": app}},
        "spec": {"containers": [{"name": "c", "image": "pause"}]},
    }


def stored_service() -> Object:
    return {
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
