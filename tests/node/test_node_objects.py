from ipaddress import IPv4Network

from netemu.model.meta import Object
from netemu.node.machine import Machine
from netemu.node.node_objects import NodeFacts, labels, lease_object, node_object, node_status

MACHINE = Machine(
    cpus=4,
    memory=8000,
    disk=9000,
    architecture="amd64",
    kernel="6.1.0",
    os_image="Some Linux 1",
    boot_id="b",
)
NOW = 1_700_000_000.0


def facts(number: int = 1) -> NodeFacts:
    pods = IPv4Network(f"10.244.{number - 1}.0/24")
    return NodeFacts(
        number=number, address=f"172.30.0.{10 + number}", pod_ranges=(pods,), machine=MACHINE
    )


def test_a_new_node() -> None:
    node = node_object(facts(), None, NOW)
    assert node["metadata"]["name"] == "node-1"
    assert node["spec"] == {
        "podCIDR": "10.244.0.0/24",
        "podCIDRs": ["10.244.0.0/24"],
        "providerID": "netemu://node-1",
    }
    status = node["status"]
    assert status["addresses"] == [
        {"type": "InternalIP", "address": "172.30.0.11"},
        {"type": "Hostname", "address": "node-1"},
    ]
    assert (
        status["capacity"]
        == status["allocatable"]
        == {
            "cpu": "4",
            "ephemeral-storage": "9000Ki",
            "memory": "8000Ki",
            "pods": "110",
        }
    )
    assert status["nodeInfo"]["kubeletVersion"].startswith("v1.32.")
    assert status["nodeInfo"]["containerRuntimeVersion"].startswith("netemu://")


def test_conditions_are_the_kubelets() -> None:
    found = {c["type"]: c for c in node_status(facts(), {}, NOW)["conditions"]}
    assert {kind: item["status"] for kind, item in found.items()} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    assert found["Ready"]["reason"] == "KubeletReady"
    assert found["Ready"]["message"] == "kubelet is posting ready status"


def test_heartbeats_leave_transitions_alone() -> None:
    first = node_status(facts(), {}, NOW)
    ready = node_status(facts(), first, NOW + 300)["conditions"][-1]
    assert ready["lastHeartbeatTime"] == "2023-11-14T22:18:20Z"
    assert ready["lastTransitionTime"] == "2023-11-14T22:13:20Z"


def test_nodes_differ_in_hostname_and_zone_and_only_the_first_has_a_role() -> None:
    one, two, three = (labels(facts(number)) for number in (1, 2, 3))
    assert two["kubernetes.io/hostname"] == "node-2"
    zones = [each["topology.kubernetes.io/zone"] for each in (one, two, three)]
    assert zones == ["zone-a", "zone-b", "zone-a"]
    role = "node-role.kubernetes.io/control-plane"
    assert [role in each for each in (one, two, three)] == [True, False, False]


def test_what_others_put_on_a_node_stays() -> None:
    taint = {"key": "a", "effect": "NoSchedule"}
    old: Object = {
        "metadata": {"name": "node-1", "labels": {"pool": "x"}, "resourceVersion": "7"},
        "spec": {"unschedulable": True, "taints": [taint]},
        "status": {"conditions": [{"type": "Cut", "status": "True"}]},
    }
    node = node_object(facts(), old, NOW)
    assert node["metadata"]["labels"]["pool"] == "x"
    assert node["metadata"]["resourceVersion"] == "7"
    assert node["spec"]["unschedulable"] is True
    assert node["spec"]["taints"] == [taint]
    assert node["status"]["conditions"][0]["type"] == "Cut"


def test_a_lease_is_owned_by_its_node_and_renewed() -> None:
    node = {"metadata": {"name": "node-1", "uid": "u1"}}
    lease = lease_object(node, None, 40, NOW)
    owner = {"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": "u1"}
    assert lease["metadata"]["ownerReferences"] == [owner]
    assert lease["spec"] == {
        "holderIdentity": "node-1",
        "leaseDurationSeconds": 40,
        "renewTime": "2023-11-14T22:13:20.000000Z",
    }
    renewed = lease_object(node, lease, 40, NOW + 10)
    assert renewed["metadata"] == lease["metadata"]
    assert renewed["spec"]["renewTime"] == "2023-11-14T22:13:30.000000Z"
