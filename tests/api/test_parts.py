import pytest

from netemu.api.parts import JUDGED, MERGES, Part
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

NAMESPACE = BY_KEY["namespaces"]
SIGNING_REQUEST = BY_KEY["certificatesigningrequests.certificates.k8s.io"]
OLD: Object = {
    "metadata": {"name": "n"},
    "spec": {"finalizers": ["kubernetes"]},
    "status": {"phase": "Active"},
}
GIVEN: Object = {
    "metadata": {"name": "n", "labels": {"a": "b"}},
    "spec": {"finalizers": []},
    "status": {"phase": "Terminating"},
}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Part.STATUS, {**OLD, "metadata": GIVEN["metadata"], "status": GIVEN["status"]}),
        (Part.FINALIZE, {**OLD, "spec": {}}),
        (Part.APPROVAL, OLD),
        (Part.SCALE, GIVEN),
        (Part.BINDING, GIVEN),
    ],
)
def test_a_part_leaves_the_others_as_they_are(part: Part, expected: Object) -> None:
    assert MERGES[part](NAMESPACE, GIVEN, OLD) == expected


def test_a_deployments_status_takes_annotations_along_but_no_labels() -> None:
    metadata = {"name": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    given = {"metadata": metadata, "status": {"replicas": 1}}
    found = MERGES[Part.STATUS](BY_KEY["deployments.apps"], given, {"metadata": {"name": "n"}})
    assert found["metadata"] == {"name": "n", "annotations": {"c": "d"}}


def test_an_approval_is_about_conditions_alone() -> None:
    old = {"metadata": {"name": "c"}, "spec": {}, "status": {"certificate": "Yw=="}}
    conditions = [{"type": "Approved", "status": "True"}]
    given = {"metadata": {"name": "c"}, "spec": {"x": "y"}, "status": {"conditions": conditions}}
    found = MERGES[Part.APPROVAL](SIGNING_REQUEST, given, old)
    assert found == {**old, "status": {"certificate": "Yw==", "conditions": conditions}}


def test_an_address_in_a_services_status_is_its_own_unless_it_says_otherwise() -> None:
    service = {"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer"}}
    ingress = [{"ip": "203.0.113.1"}, {"ip": "203.0.113.2", "ipMode": "Proxy"}]
    given = {**service, "status": {"loadBalancer": {"ingress": ingress}}}
    found = MERGES[Part.STATUS](BY_KEY["services"], given, service)
    modes = [each["ipMode"] for each in found["status"]["loadBalancer"]["ingress"]]
    assert modes == ["VIP", "Proxy"]
    assert MERGES[Part.STATUS](BY_KEY["services"], service, service) == service


def test_the_main_part_leaves_the_status() -> None:
    found = MERGES[Part.MAIN](NAMESPACE, GIVEN, OLD)
    assert found["status"] == OLD["status"]
    assert found["metadata"]["labels"]["a"] == "b"


def test_every_part_can_be_written() -> None:
    assert set(MERGES) == set(Part)
    assert set(Part) >= JUDGED
