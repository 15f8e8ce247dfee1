"""The real kubectl and server-side apply."""

from tests.support.api import ApiServer
from tests.support.kubectl import Kubectl

NOTES = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: notes
data:
  a: b
"""
OTHER = NOTES.replace("a: b", "a: c")
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: echo:v1
"""


async def test_applying_server_side(kubectl: Kubectl) -> None:
    flags = ("apply", "--server-side", "-f", "-")
    for _ in range(2):
        said = await kubectl(*flags, stdin=NOTES)
        assert said.out == "configmap/notes serverside-applied\n"
    said = await kubectl("get", "cm", "notes", "-o=jsonpath={.metadata.resourceVersion}")
    await kubectl(*flags, stdin=NOTES)
    assert await kubectl("get", "cm", "notes", "-o=jsonpath={.metadata.resourceVersion}") == said


async def test_two_managers_in_conflict(kubectl: Kubectl) -> None:
    await kubectl("apply", "--server-side", "--field-manager=one", "-f", "-", stdin=NOTES)
    flags = ("apply", "--server-side", "--field-manager=two", "-f", "-")
    said = await kubectl(*flags, stdin=OTHER, fails=True)
    assert 'Apply failed with 1 conflict: conflict with "one": .data.a' in said.err
    assert "Please review the fields above--they currently have other managers." in said.err
    await kubectl(*flags, "--force-conflicts", stdin=OTHER)
    said = await kubectl("get", "cm", "notes", "-o=jsonpath={.metadata.managedFields[*].manager}")
    assert said.out == "two"


async def test_the_difference_a_server_side_apply_would_make(kubectl: Kubectl) -> None:
    await kubectl("apply", "--server-side", "-f", "-", stdin=NOTES)
    said = await kubectl("diff", "--server-side", "-f", "-", stdin=OTHER, fails=True)
    assert said.code == 1
    assert "-  a: b\n+  a: c\n" in said.out


async def test_what_was_applied_client_side_migrates(
    kubectl: Kubectl, api_server: ApiServer
) -> None:
    await kubectl("apply", "-f", "-", stdin=WEB)
    said = await kubectl(
        "apply", "--server-side", "-f", "-", stdin=WEB.replace("echo:v1", "echo:v2")
    )
    assert said.out == "deployment.apps/web serverside-applied\n"
    found = api_server.registry.client("tests").get("deployments.apps", "default", "web")
    assert found is not None
    managers = {(e["manager"], e["operation"]) for e in found["metadata"]["managedFields"]}
    # What kubectl makes of it since 1.26: its annotation has an owner of its own.
    assert managers == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}
    less = WEB.replace("  replicas: 3\n", "")
    await kubectl("apply", "--server-side", "-f", "-", stdin=less)
    found = api_server.registry.client("tests").get("deployments.apps", "default", "web")
    assert found is not None
    assert found["spec"]["replicas"] == 1  # nobody wants three any longer
