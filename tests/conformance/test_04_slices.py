"""sig-network: EndpointSlice, EndpointSliceMirroring."""

from typing import Any

import pytest

from tests.support.jig import Jig, port

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GROUP = "apis/discovery.k8s.io/v1"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"


def a_slice(slice: str, service: str, port: int, *addresses: str, **more: Any) -> Any:
    return {
        "metadata": {"name": slice, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [each], "conditions": {"ready": True}} for each in addresses],
        "ports": [{"name": "http", "protocol": "TCP", "port": port, **more}],
    }


@pytest.mark.row("4.1")
def test_the_apis_endpoints_and_slice_agree(jig: Jig) -> None:
    endpoints = jig.rest.get("/api/v1/namespaces/default/endpoints/kubernetes")
    path = f"/{GROUP}/namespaces/default/endpointslices"
    query = "?labelSelector=kubernetes.io/service-name%3Dkubernetes"
    [part] = jig.rest.get(path + query)["items"]
    [subset] = endpoints["subsets"]
    assert [each["ip"] for each in subset["addresses"]] == [
        address for each in part["endpoints"] for address in each["addresses"]
    ]
    assert [(p["name"], p["port"]) for p in subset["ports"]] == [
        (p["name"], p["port"]) for p in part["ports"]
    ]


@pytest.mark.row("4.2")
@pytest.mark.rule(24, 25)
def test_a_selector_that_matches_nothing_makes_an_empty_slice(jig: Jig) -> None:
    jig.service("web", port(80))
    [part] = jig.until(lambda: jig.slices("web"), "a slice")
    assert part["metadata"]["labels"][MANAGED_BY] == "endpointslice-controller.k8s.io"
    assert not part.get("endpoints")
    assert not part.get("ports")
    assert not jig.rest.get(jig.path("endpoints", "web")).get("subsets")
    jig.delete("services", "web")
    jig.until(lambda: not jig.slices("web"), "the slice's end")
    jig.until(lambda: jig.rest.ask("GET", jig.path("endpoints", "web"))[0] == 404, "its end")


@pytest.mark.row("4.3")
@pytest.mark.rule(23, 25, 28)
def test_slices_and_endpoints_have_the_pods(jig: Jig) -> None:
    for name, number in (("pod1", 3000), ("pod2", 3001)):
        taken = [{"name": "example-name", "containerPort": number}]
        jig.pod(name, "pause", serves="web", ports=taken)
    jig.running("pod1", "pod2")
    jig.service("number", port(80, 3000), selector={"web": "yes"})
    jig.service("name", port(80, "example-name"), selector={"web": "yes"})
    jig.service("nothing", port(80))
    jig.serving("number", pod1=[3000], pod2=[3000])
    jig.serving("name", pod1=[3000], pod2=[3001])
    assert len(jig.rest.get(jig.path("endpoints", "number"))["subsets"]) == 1
    assert len(jig.rest.get(jig.path("endpoints", "name"))["subsets"]) == 2
    assert len(jig.slices("number")) == 1
    assert len(jig.slices("name")) == 2
    assert len(jig.slices("nothing")) == 1
    for part in jig.slices("name"):
        [each] = part["endpoints"]
        name = each["targetRef"]["name"]
        assert each["targetRef"]["namespace"] == jig.namespace
        assert each["targetRef"]["uid"] == jig.uid(name)
        assert each["addresses"] == [jig.pod_ip(name)]
        assert each["nodeName"] in jig.nodes
        assert each["zone"].startswith("zone-")
        [owner] = part["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Service", "name")
        jig.rest.delete(jig.path("endpointslices", part["metadata"]["name"], GROUP))
    jig.serving("name", pod1=[3000], pod2=[3001])


@pytest.mark.row("4.4")
def test_the_life_of_slices(jig: Jig) -> None:
    listed = jig.rest.get(f"/{GROUP}")["resources"]
    assert {"get", "list", "watch", "create", "update", "patch", "delete"} <= set(
        next(each["verbs"] for each in listed if each["name"] == "endpointslices")
    )
    path = jig.path("endpointslices", group=GROUP)
    obj = a_slice("", "", 80, "10.1.2.3")
    obj["metadata"] = {"generateName": "e2e-", "labels": {"special": jig.namespace}}
    made = [jig.rest.create(path, obj) for _ in range(3)]
    query = f"?labelSelector=special%3D{jig.namespace}"
    assert len(jig.rest.get(path + query)["items"]) == 3
    assert len(jig.rest.get(f"/{GROUP}/endpointslices{query}")["items"]) == 3
    own = f"{path}/{made[0]['metadata']['name']}"
    patched = jig.rest.patch(own, {"metadata": {"annotations": {"patched": "true"}}})
    patched["metadata"]["annotations"]["updated"] = "true"
    patched["endpoints"][0]["addresses"] = ["10.1.2.4"]
    updated = jig.rest.replace(own, patched)
    assert updated["metadata"]["annotations"] == {"patched": "true", "updated": "true"}
    since = made[0]["metadata"]["resourceVersion"]
    jig.rest.delete(own)
    jig.rest.delete(path + query)
    assert jig.rest.get(path + query)["items"] == []
    watch = f"{query}&watch=1&timeoutSeconds=1&resourceVersion={since}"
    told = jig.rest.get(f"/{GROUP}/endpointslices{watch}")
    kinds = [line.partition('"type":"')[2].partition('"')[0] for line in told.splitlines()]
    assert kinds == ["ADDED", "ADDED", "MODIFIED", "MODIFIED", *["DELETED"] * 3]


@pytest.mark.row("4.5", "4.6")
@pytest.mark.rule(29)
@pytest.mark.parametrize("pods", [1, 2])
def test_slices_made_by_hand_are_served(jig: Jig, pods: int) -> None:
    jig.pod("client")
    names = ["one", "two"][:pods]
    for name in names:
        both = ("netexec", "--http-port=8090"), ("netexec", "--http-port=9090")
        containers = [
            {"name": f"at-{c[1][-4:]}", "image": "registry.k8s.io/e2e-test-images/agnhost:2.53"}
            | {"args": [*c, "--udp-port=-1"]}
            for c in both
        ]
        jig.rest.create(
            jig.path("pods"),
            {"metadata": {"name": name}, "spec": {"containers": containers}},
        )
    jig.running("client", *names)
    ports = [port(80, 8090, "port80"), port(81, 9090, "port81")]
    jig.service("web", *ports, selector=None)
    path = jig.path("endpointslices", group=GROUP)
    for name, (number, at) in zip(("port80", "port81"), ((8090, 0), (9090, -1)), strict=True):
        pod = names[at]
        jig.rest.create(path, a_slice(f"web-{name}", "web", number, jig.pod_ip(pod), name=name))
    jig.all_answer(jig.at("client"), "web:80", names[0])
    jig.all_answer(jig.at("client"), "web:81", names[-1])
    assert len(jig.slices("web")) == 2


@pytest.mark.row("4.7", "4.8")
@pytest.mark.rule(30)
def test_endpoints_made_by_hand_are_mirrored(jig: Jig) -> None:
    jig.pod("client")
    jig.server("one", "--udp-port=-1")
    jig.running("client", "one")
    jig.service("web", port(80, name="a"), port(81, name="b"), selector=None)
    here = [{"ip": jig.pod_ip("one")}]
    subsets = [
        {"addresses": here, "ports": [{"name": "a", "port": 80}]},
        {"addresses": here, "ports": [{"name": "b", "port": 80}]},
    ]
    path = jig.path("endpoints", "web")
    made = jig.rest.create(
        jig.path("endpoints"), {"metadata": {"name": "web"}, "subsets": subsets[:1]}
    )
    [part] = jig.until(lambda: jig.slices("web"), "the mirror")
    assert part["metadata"]["labels"][MANAGED_BY] == "endpointslicemirroring-controller.k8s.io"
    jig.all_answer(jig.at("client"), "web:80", "one")
    made["subsets"] = subsets
    jig.rest.replace(path, made)
    jig.all_answer(jig.at("client"), "web:81", "one")
    jig.all_answer(jig.at("client"), "web:80", "one")
    other = [{"addresses": [{"ip": "10.2.3.4"}], "ports": [{"name": "a", "port": 9000}]}]
    jig.rest.patch(path, {"subsets": other})

    def mirrored() -> bool:
        found = jig.slices("web")
        return len(found) == 1 and found[0]["endpoints"][0]["addresses"] == ["10.2.3.4"]

    jig.until(mirrored, "the other address, alone")
    jig.label("endpoints", "web", **{"endpointslice.kubernetes.io/skip-mirror": "true"})
    jig.until(lambda: not jig.slices("web"), "the end of a mirror nobody wants")
    jig.label("endpoints", "web", **{"endpointslice.kubernetes.io/skip-mirror": None})
    jig.until(mirrored, "it to be back")
    jig.rest.delete(path)
    jig.until(lambda: not jig.slices("web"), "its end")
