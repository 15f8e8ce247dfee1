"""The real kubectl against a real server: what its users type and what they read."""

import asyncio
import re
from pathlib import Path

import pytest

from netemu.model.meta import Object
from netemu.tasks import task_group
from tests.support.api import ApiServer
from tests.support.kubectl import Kubectl

ECHO = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: echo-deploy
spec:
  replicas: 4
  selector:
    matchLabels:
      app: echo
      tier: app
  template:
    metadata:
      labels:
        app: echo
        tier: app
    spec:
      containers:
        - name: echo
          image: ghcr.io/subicura/echo:v1
"""
ECHO_V2 = ECHO.replace("echo:v1", "echo:v2").replace("replicas: 4", "replicas: 2")
COUNTER = """\
apiVersion: v1
kind: Service
metadata:
  name: counter-np
spec:
  type: NodePort
  ports:
    - port: 3000
      protocol: TCP
      nodePort: 31000
  selector:
    app: counter
    tier: app
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: notes
  labels:
    app: counter
data:
  a: b
"""
HEADLESS = """\
apiVersion: v1
kind: Service
metadata:
  name: kubia
spec:
  clusterIP: None
  selector:
    app: kubia
  ports:
    - name: http
      port: 80
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: kubia
spec:
  serviceName: kubia
  replicas: 2
  selector:
    matchLabels:
      app: kubia
  template:
    metadata:
      labels:
        app: kubia
    spec:
      containers:
        - name: kubia
          image: luksa/kubia-pet
"""
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: p
  labels: {app: x}
spec:
  containers:
    - {name: c, image: busybox}
"""


async def apply(kubectl: Kubectl, manifest: str) -> list[str]:
    return (await kubectl("apply", "-f", "-", stdin=manifest)).out.splitlines()


async def set_status(server: ApiServer, resource: str, name: str, status: Object) -> None:
    client = server.registry.client("tests")
    obj = client.get(resource, "default", name)
    assert obj is not None
    await client.update_status(resource, {**obj, "status": {**obj["status"], **status}})


async def test_it_knows_the_server(kubectl: Kubectl) -> None:
    assert "Server Version: v1.32." in (await kubectl("version")).out
    resources = (await kubectl("api-resources")).out
    assert re.search(r"^deployments +deploy +apps/v1 +true +Deployment$", resources, re.MULTILINE)
    assert "discovery.k8s.io/v1" in (await kubectl("api-versions")).out


async def test_applying_creates_then_configures_then_leaves_alone(kubectl: Kubectl) -> None:
    assert await apply(kubectl, ECHO) == ["deployment.apps/echo-deploy created"]
    assert await apply(kubectl, ECHO_V2) == ["deployment.apps/echo-deploy configured"]
    assert await apply(kubectl, ECHO_V2) == ["deployment.apps/echo-deploy unchanged"]
    said = await kubectl("get", "deploy", "echo-deploy", "-o=jsonpath={.spec.replicas}")
    assert said.out == "2"
    dry = await kubectl("apply", "--dry-run=server", "-f", "-", stdin=ECHO)
    assert dry.out == "deployment.apps/echo-deploy configured (server dry run)\n"


async def test_the_difference_is_shown_before_it_is_made(kubectl: Kubectl) -> None:
    await apply(kubectl, ECHO)
    said = await kubectl("diff", "-f", "-", stdin=ECHO_V2, fails=True)
    assert said.code == 1
    assert "-  replicas: 4\n+  replicas: 2\n" in said.out


async def test_tables_show_upstreams_columns(kubectl: Kubectl) -> None:
    await apply(kubectl, COUNTER + "---\n" + ECHO)
    head, row = (await kubectl("get", "svc", "-o", "wide")).out.splitlines()
    assert head.split() == [
        *("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR")
    ]
    name, kind, address, external, ports, _, selector = row.split()
    assert (name, kind, external) == ("counter-np", "NodePort", "<none>")
    assert address.startswith("10.96.")
    assert (ports, selector) == ("3000:31000/TCP", "app=counter,tier=app")
    everything = (await kubectl("get", "all")).out
    assert "deployment.apps/echo-deploy   0/4     0            0" in everything


async def test_lists_are_sorted_selected_and_cut_into_pages(kubectl: Kubectl) -> None:
    for name in "cab":
        manifest = COUNTER.partition("---\n")[2].replace("notes", name)
        await apply(kubectl, manifest)
    by_age = await kubectl("get", "cm", "--sort-by=.metadata.creationTimestamp", "-o", "name")
    assert sorted(by_age.out.split()) == ["configmap/a", "configmap/b", "configmap/c"]
    pages = await kubectl("get", "cm", "-l", "app in (counter)", "--chunk-size=1", "-o", "name")
    assert pages.out.split() == ["configmap/a", "configmap/b", "configmap/c"]
    one = await kubectl("get", "cm", "--field-selector=metadata.name=b", "--no-headers")
    assert one.out.split()[:2] == ["b", "1"]


async def test_a_pod_is_described_with_its_events(kubectl: Kubectl, api_server: ApiServer) -> None:
    await apply(kubectl, POD)
    pod = api_server.registry.client("tests").get("pods", "default", "p")
    assert pod is not None
    recorder = api_server.registry.recorder("default-scheduler")
    recorder.event(pod, "Warning", "FailedScheduling", "0/2 nodes are available")
    said = (await kubectl("describe", "pod", "p")).out
    assert re.search(r"^Status: +Pending$", said, re.MULTILINE)
    assert re.search(r"Warning +FailedScheduling +\S+ +default-scheduler +0/2 nodes are", said)
    assert "Pod/p" in (await kubectl("events", "--for=pod/p")).out
    row = (await kubectl("get", "events")).out.splitlines()[1]
    assert row.split()[1:4] == ["Warning", "FailedScheduling", "pod/p"]


async def test_a_pods_state_is_one_word(kubectl: Kubectl, api_server: ApiServer) -> None:
    await apply(kubectl, POD)
    crashing = {
        "name": "c",
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    }
    await set_status(api_server, "pods", "p", {"phase": "Running", "containerStatuses": [crashing]})
    row = (await kubectl("get", "pods", "--no-headers")).out
    assert row.split()[:4] == ["p", "0/1", "CrashLoopBackOff", "3"]


async def test_scaling_labelling_annotating_and_patching(kubectl: Kubectl) -> None:
    await apply(kubectl, ECHO)
    deploy = "deploy/echo-deploy"
    await kubectl("scale", deploy, "--replicas=2")
    await kubectl("scale", deploy, "--replicas=3", "--current-replicas=2")
    stale = await kubectl("scale", deploy, "--replicas=9", "--current-replicas=2", fails=True)
    assert "Expected replicas to be 2, was 3" in stale.err
    await kubectl("label", deploy, "x=y")
    await kubectl("annotate", deploy, "note=1")
    await kubectl("set", "image", deploy, "echo=other:3")
    await kubectl("set", "env", deploy, "A=b")
    await kubectl("patch", deploy, "--type=merge", "-p", '{"spec":{"minReadySeconds":7}}')
    await kubectl("patch", deploy, "-p", '{"spec":{"paused":true}}')
    await kubectl(
        "patch", deploy, "--type=json", "-p",
        '[{"op":"replace","path":"/spec/revisionHistoryLimit","value":3}]',
    )  # fmt: skip
    template = (
        "{.spec.replicas} {.metadata.labels.x} {.metadata.annotations.note} "
        "{.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}"
        " {.spec.minReadySeconds} {.spec.paused} {.spec.revisionHistoryLimit}"
    )
    said = await kubectl("get", deploy, f"-o=jsonpath={template}")
    assert said.out == "3 y 1 other:3 b 7 true 3"


async def test_an_edit_is_a_patch(kubectl: Kubectl, tmp_path: Path) -> None:
    await apply(kubectl, COUNTER)
    said = await kubectl("get", "cm", "notes", "-o", "yaml")
    edited = tmp_path / "edited.yaml"
    edited.write_text(said.out.replace("  a: b", "  a: c"))
    await kubectl("replace", "-f", str(edited))
    stale = await kubectl("replace", "-f", str(edited), fails=True)
    assert stale.err.startswith("Error from server (Conflict): error when replacing")
    assert "the object has been modified; please apply your changes to the latest" in stale.err


async def test_rollouts_are_followed(kubectl: Kubectl, api_server: ApiServer) -> None:
    await apply(kubectl, ECHO_V2)
    async with task_group() as tasks:
        following = tasks.start(kubectl("rollout", "status", "deploy/echo-deploy"), name="rollout")
        counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
        await set_status(
            api_server, "deployments.apps", "echo-deploy", {"observedGeneration": 1, **counts}
        )
        said = await following
    assert 'deployment "echo-deploy" successfully rolled out' in said.out
    await kubectl("rollout", "restart", "deploy/echo-deploy")
    path = r"{.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}"
    assert (await kubectl("get", "deploy", "echo-deploy", f"-o=jsonpath={path}")).out


async def test_waiting_ends_when_what_was_waited_for_is_there(
    kubectl: Kubectl, api_server: ApiServer
) -> None:
    await apply(kubectl, POD)
    async with task_group() as tasks:
        waiting = tasks.start(kubectl("wait", "--for=condition=Ready", "pod/p"), name="wait")
        ready = [{"type": "Ready", "status": "True"}]
        await set_status(api_server, "pods", "p", {"conditions": ready})
        assert (await waiting).out == "pod/p condition met\n"


async def test_a_watch_prints_each_change(kubectl: Kubectl, api_server: ApiServer) -> None:
    await apply(kubectl, COUNTER)
    client, store = api_server.registry.client("tests"), api_server.registry.store
    watchers = store._watches  # type: ignore[attr-defined] # the only sign that it watches
    before = len(watchers)
    async with task_group() as tasks:
        command = ("get", "cm", "-w", "--output-watch-events", "--request-timeout=2s")
        watch = tasks.start(kubectl(*command), name="watch")
        while len(watchers) == before:
            await asyncio.sleep(0.005)
        obj = client.get("configmaps", "default", "notes")
        assert obj is not None
        await client.update("configmaps", {**obj, "data": {}})
        await client.delete("configmaps", "default", "notes")
        said = await watch
    assert [line.split()[:3] for line in said.out.splitlines()] == [
        ["EVENT", "NAME", "DATA"],
        ["ADDED", "notes", "1"],
        ["MODIFIED", "notes", "0"],
        ["DELETED", "notes", "0"],
    ]


async def test_deleting_waits_until_the_object_is_gone(
    kubectl: Kubectl, api_server: ApiServer
) -> None:
    client = api_server.registry.client("tests")
    await apply(kubectl, POD)
    await client.bind("default", "p", "n1")
    assert (await kubectl("delete", "pod", "p", "--wait=false")).out == 'pod "p" deleted\n'
    assert (await kubectl("get", "pod", "p", "--no-headers")).out.split()[2] == "Terminating"
    async with task_group() as tasks:
        deleting = tasks.start(kubectl("delete", "pod", "p", "--grace-period=5"), name="delete")
        while (client.get("pods", "default", "p") or {})["metadata"][
            "deletionGracePeriodSeconds"
        ] != 5:  # until it was asked, and so waits
            await asyncio.sleep(0.01)
        await kubectl("delete", "pod", "p", "--force", "--grace-period=0")
        assert (await deleting).out == 'pod "p" deleted\n'


@pytest.mark.parametrize(
    ("cascade", "finalizers"),
    [("orphan", '["orphan"]'), ("foreground", '["foregroundDeletion"]')],
)
async def test_cascades_are_left_to_the_garbage_collector(
    kubectl: Kubectl, cascade: str, finalizers: str
) -> None:
    await apply(kubectl, ECHO)
    await kubectl("delete", "deploy", "echo-deploy", f"--cascade={cascade}", "--wait=false")
    said = await kubectl("get", "deploy", "echo-deploy", "-o=jsonpath={.metadata.finalizers}")
    assert said.out == finalizers


async def test_a_dry_delete_deletes_nothing(kubectl: Kubectl) -> None:
    await apply(kubectl, ECHO)
    said = await kubectl("delete", "deploy", "echo-deploy", "--dry-run=server")
    assert said.out == 'deployment.apps "echo-deploy" deleted (server dry run)\n'
    await kubectl("get", "deploy", "echo-deploy")


async def test_fields_are_explained(kubectl: Kubectl) -> None:
    said = (await kubectl("explain", "deploy.spec.strategy.rollingUpdate.maxSurge")).out
    assert "FIELD: maxSurge <IntOrString>" in said
    assert "maximum number of pods that can be scheduled above the desired" in said


async def test_raw_paths(kubectl: Kubectl) -> None:
    assert (await kubectl("get", "--raw", "/readyz")).out == "ok"
    said = await kubectl("get", "--raw", "/api/v1/namespaces/default/pods/nope", fails=True)
    assert said.err == 'Error from server (NotFound): pods "nope" not found\n'


async def test_exposing_and_running(kubectl: Kubectl) -> None:
    await apply(kubectl, ECHO)
    said = await kubectl("expose", "deploy", "echo-deploy", "--port=80", "--target-port=3000")
    assert said.out == "service/echo-deploy exposed\n"
    assert (await kubectl("run", "r1", "--image=busybox")).out == "pod/r1 created\n"


async def test_logs(kubectl: Kubectl, api_server: ApiServer) -> None:
    await apply(kubectl, POD)
    await api_server.registry.client("tests").bind("default", "p", "n1")
    assert (await kubectl("logs", "p")).out == "hello\n"
    said = await kubectl("logs", "p", "-c", "other", fails=True)
    assert "container other is not valid for pod p" in said.err


async def test_a_stateful_set_with_its_service(kubectl: Kubectl) -> None:
    said = await kubectl("apply", "-f", "-", stdin=HEADLESS)
    assert said.out == "service/kubia created\nstatefulset.apps/kubia created\n"
    assert said.err == ""
    assert (await kubectl("get", "svc", "kubia", "--no-headers")).out.split()[2] == "None"


BAD_NAMES = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hoonDeployment
spec:
  replicas: 3
  template:
    metadata:
      name: hoonPod
      labels:
        app: hoonApp
    spec:
      containers:
      - image: github/hoonImage:v1
        name: hoonContainer
"""
TYPOS = ECHO.replace("  replicas: 4", "  minReadySecond: 10").replace(
    "echo:v1", "echo:v1\n          readinessProbe: {httpGrt: {port: 80}}"
)
MISPLACED = HEADLESS.partition("---\n")[2] + "volumeCliamTemplates: []\n"


async def test_all_broken_rules_are_named_at_once(kubectl: Kubectl) -> None:
    said = (await kubectl("apply", "-f", "-", stdin=BAD_NAMES, fails=True)).err
    assert said.startswith('The Deployment "hoonDeployment" is invalid: \n')
    for words in (
        '* metadata.name: Invalid value: "hoonDeployment": a lowercase RFC 1123 subdomain must',
        "* spec.selector: Required value",
        "* spec.template.metadata.labels: Invalid value: ",
        "`selector` does not match template `labels`",
        'containers[0].name: Invalid value: "hoonContainer": a lowercase RFC 1123 label must',
    ):
        assert words in said


async def test_unknown_fields_are_named_at_once(kubectl: Kubectl) -> None:
    said = (await kubectl("apply", "-f", "-", stdin=TYPOS, fails=True)).err
    assert "Error from server (BadRequest)" in said
    assert (
        'strict decoding error: unknown field "spec.minReadySecond", '
        'unknown field "spec.template.spec.containers[0].readinessProbe.httpGrt"'
    ) in said


async def test_validation_is_as_strict_as_the_user_wants(kubectl: Kubectl) -> None:
    said = (await kubectl("apply", "-f", "-", stdin=MISPLACED, fails=True)).err
    assert 'strict decoding error: unknown field "volumeCliamTemplates"' in said
    warned = await kubectl("apply", "--validate=warn", "-f", "-", stdin=MISPLACED)
    assert 'Warning: unknown field "volumeCliamTemplates"' in warned.err
    await kubectl("delete", "sts", "kubia")
    ignored = await kubectl("apply", "--validate=ignore", "-f", "-", stdin=MISPLACED)
    assert "volumeCliamTemplates" not in ignored.err


async def test_a_kind_that_is_gone_is_said_to_be(kubectl: Kubectl) -> None:
    old = BAD_NAMES.replace("apps/v1", "apps/v1beta1")
    said = (await kubectl("apply", "-f", "-", stdin=old, fails=True)).err
    assert 'no matches for kind "Deployment" in version "apps/v1beta1"' in said
    assert "ensure CRDs are installed first" in said


REFUSED = {
    ("get", "pods", "--field-selector=foo=bar"): (
        'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label '
        'selector "", field selector "foo=bar": field label not supported: foo'
    ),
    ("get", "deploy", "x"): 'Error from server (NotFound): deployments.apps "x" not found',
    ("delete", "ns", "default"): (
        'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not '
        "be deleted"
    ),
    ("-n", "nowhere", "run", "p", "--image=x"): (
        'Error from server (NotFound): namespaces "nowhere" not found'
    ),
}


@pytest.mark.parametrize(("command", "words"), REFUSED.items())
async def test_refusals_read_as_on_a_cluster(
    kubectl: Kubectl, command: tuple[str, ...], words: str
) -> None:
    assert (await kubectl(*command, fails=True)).err.strip() == words
