"""``kubectl get apiservices``: what is served, also by definitions."""

import json
from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SCHEMA = {"openAPIV3Schema": {"type": "object"}}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.a.io"},
    "spec": {
        "group": "a.io",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": SCHEMA}],
    },
}
BEHIND = """
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.b.io}
spec:
  group: b.io
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {namespace: default, name: nowhere}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("apiservices") as made:
        yield made


def test_what_is_served_is_listed_and_comes_and_goes_with_definitions(cluster: Instance) -> None:
    def listed() -> dict[str, list[str]]:
        rows = cluster.kubectl("get", "apiservices", "--no-headers").splitlines()
        return {row.split()[0]: row.split()[1:3] for row in rows}

    cluster.wait_for(lambda: listed().get("v1.apps") == ["Local", "True"], what="v1.apps")
    cluster.apply(json.dumps(DEFINITION))
    cluster.wait_for(lambda: listed().get("v1.a.io") == ["Local", "True"], what="v1.a.io")
    cluster.kubectl("delete", "crd", "things.a.io")
    cluster.wait_for(lambda: "v1.a.io" not in listed(), what="its end")


def test_one_behind_a_service_says_that_it_is_not_available(cluster: Instance) -> None:
    cluster.apply(BEHIND)
    cluster.wait_for(
        lambda: "False (ServiceNotFound)" in cluster.kubectl("get", "apiservice", "v1.b.io"),
        what="its condition",
    )
    assert "default/nowhere" in cluster.kubectl("get", "apiservice", "v1.b.io")
