import pytest

from netemu.node.pod import RestartPolicy, Role, pod_from
from tests.support.node import container, pod


def test_a_pod_is_shrunk_once() -> None:
    found = pod_from(pod(name="web", restartPolicy="OnFailure", hostNetwork=True))
    assert (found.namespace, found.name, found.uid, found.node) == (
        "default",
        "web",
        "uid-of-web",
        "node-1",
    )
    assert found.policy is RestartPolicy.ON_FAILURE
    assert found.host_network
    assert found.full_name == "web_default(uid-of-web)"


def test_init_containers_come_first_and_sidecars_are_told_apart() -> None:
    inits = [container("setup"), container("proxy", restartPolicy="Always")]
    roles = [(spec.name, spec.role) for spec in pod_from(pod(initContainers=inits)).containers]
    assert roles == [("setup", Role.INIT), ("proxy", Role.SIDECAR), ("main", Role.MAIN)]


def test_the_grace_of_a_deletion_counts_before_the_specs() -> None:
    obj = pod(terminationGracePeriodSeconds=7)
    assert pod_from(obj).grace == 7.0
    obj["metadata"] |= {"deletionTimestamp": "now", "deletionGracePeriodSeconds": 2}
    assert pod_from(obj).grace == 2.0
    assert pod_from(obj).deleting


def test_a_container_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        pod_from(pod()).spec("other")
