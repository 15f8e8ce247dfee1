"""sig-node: pods, their containers and what belongs to them, row by row of the catalogue."""

import json
from ipaddress import ip_address
from typing import Any

import pytest

from tests.support.rows import (
    RefusedError,
    Space,
    condition,
    pause,
    sh,
    status_of,
    template,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

STAYS = "exec sleep 1000"


def test_15_8_host_ip(space: Space) -> None:
    space.pod("p")
    space.wait_ready("p")
    status = space.get("pods", "p")["status"]
    assert ip_address(status["hostIP"]).version == 4
    assert status["hostIPs"] == [{"ip": status["hostIP"]}]


def test_15_9_submitted_and_removed(space: Space) -> None:
    start = space.version("pods")
    space.pod("p", labels={"time": "now"})
    space.wait_ready("p")
    space.delete("pods", "p", gracePeriodSeconds=30)
    space.wait(lambda: not space.exists("pods", "p"), "its end")
    events = space.watched("pods", start, "time=now")
    assert (events[0][0], events[-1][0]) == ("ADDED", "DELETED")
    assert any(obj["status"].get("phase") == "Running" for _, obj in events)
    assert any(
        kind == "MODIFIED" and "deletionTimestamp" in obj["metadata"] for kind, obj in events
    )


def test_15_10_updated(space: Space) -> None:
    space.pod("p", labels={"time": "1"})
    space.wait_ready("p")
    space.update("pods", "p", lambda p: p["metadata"]["labels"].update(time="2"))
    assert [p["metadata"]["name"] for p in space.pods("time=2")] == ["p"]


def test_15_11_active_deadline_seconds_updated(space: Space) -> None:
    space.pod("p")
    space.wait_ready("p")
    space.update("pods", "p", lambda p: p["spec"].update(activeDeadlineSeconds=5))
    space.pass_time("6s")
    failed = space.wait_phase("p", "Failed")
    assert failed["status"]["reason"] == "DeadlineExceeded"
    assert failed["status"]["message"] == (
        "Pod was active on the node longer than the specified deadline"
    )


def test_15_12_environment_of_services(space: Space) -> None:
    ports = [{"port": 8765, "targetPort": 8080}]
    spec = {"selector": {"name": "x"}, "ports": ports}
    service = {"metadata": {"name": "fooservice"}, "spec": spec}
    address = space.create("services", service)["spec"]["clusterIP"]
    said = space.output("p", sh("env"))
    for line in (
        f"FOOSERVICE_SERVICE_HOST={address}",
        "FOOSERVICE_SERVICE_PORT=8765",
        f"FOOSERVICE_PORT=tcp://{address}:8765",
        f"FOOSERVICE_PORT_8765_TCP=tcp://{address}:8765",
        "FOOSERVICE_PORT_8765_TCP_PORT=8765",
        "FOOSERVICE_PORT_8765_TCP_PROTO=tcp",
        f"FOOSERVICE_PORT_8765_TCP_ADDR={address}",
    ):
        assert line in said.splitlines()


def websocket(space: Space, path: str, protocol: str) -> bytes:
    """Everything that a websocket says until it closes: the frames' payloads."""
    import base64
    import os
    import socket
    from urllib.parse import urlsplit

    server = urlsplit(
        json.loads(space.cluster.kubectl("config", "view", "-o", "json"))["clusters"][0]["cluster"][
            "server"
        ]
    )
    raw = socket.create_connection((server.hostname or "", server.port or 0), 20)
    with space.api.tls.wrap_socket(raw, server_hostname=server.hostname) as sock:
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode()
        )
        stream = sock.makefile("rb")
        assert b" 101 " in stream.readline()
        while stream.readline().strip():
            pass
        found = b""
        while head := stream.read(2):
            size = head[1] & 127
            if size >= 126:
                size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
            payload = stream.read(size)
            if head[0] & 15 == 8:
                break
            found += payload if head[0] & 15 in (1, 2) else b""
        return found


def test_15_13_remote_commands_over_websockets(space: Space) -> None:
    space.pod("p", sh(STAYS))
    space.wait_ready("p")
    query = "?stderr=1&stdout=1&container=c&command=echo&command=remote+execution+test"
    said = websocket(space, space.path("pods", "p", "exec") + query, "v4.channel.k8s.io")
    assert b"\x01remote execution test\n" in said
    assert b'"status":"Success"' in said


def test_15_14_logs_over_websockets(space: Space) -> None:
    space.pod("p", sh("echo container is alive; sleep 1000"))
    space.wait_ready("p")
    space.wait(lambda: space.logs("p"), "a line")
    path = space.path("pods", "p", "log") + "?container=c"
    assert websocket(space, path, "binary.k8s.io") == b"container is alive\n"


def test_15_18_delete_a_collection(space: Space) -> None:
    for number in range(3):
        space.pod(f"p{number}", labels={"type": "Testing"})
    space.delete_all("pods", "type=Testing")
    space.wait(lambda: space.pods() == [], "no pod")


def test_15_19_the_life_of_a_pod_and_its_status(space: Space) -> None:
    start = space.version("pods")
    space.pod("p", labels={"static": "true"})
    space.wait_ready("p")
    image = [{"name": "c", "image": "registry.k8s.io/pause:3.8"}]
    patch = {"metadata": {"labels": {"patched": "yes"}}, "spec": {"containers": image}}
    space.patch("pods", "p", patch, kind="strategic")
    space.wait_restart("p")
    obj = space.get("pods", "p", "status")
    ready = [c for c in obj["status"]["conditions"] if c["type"] == "Ready"]
    assert ready
    space.delete_all("pods", "static=true")
    space.wait(lambda: not space.exists("pods", "p"), "its end")
    kinds = [kind for kind, _ in space.watched("pods", start, "static=true")]
    assert (kinds[0], kinds[-1]) == ("ADDED", "DELETED")


def test_15_20_patch_a_status(space: Space) -> None:
    space.pod("p")
    space.wait_ready("p")
    patch = {"status": {"message": "Patched by e2e test", "reason": "E2E"}}
    space.patch("pods", "p", patch, "status", kind="strategic")
    status = space.get("pods", "p")["status"]
    assert (status["message"], status["reason"]) == ("Patched by e2e test", "E2E")


def test_15_21_qos_class(space: Space) -> None:
    amounts = {"cpu": "100m", "memory": "100Mi"}
    space.pod("p", pause(resources={"requests": amounts, "limits": amounts}))
    assert space.get("pods", "p")["status"]["qosClass"] == "Guaranteed"


def test_15_22_graceful_deletion(space: Space) -> None:
    space.pod("p", sh("trap 'sleep 1; exit 0' TERM; while true; do sleep 0.1; done"))
    space.wait_ready("p")
    start = space.version("pods")
    space.delete("pods", "p", gracePeriodSeconds=30)
    metadata = space.get("pods", "p")["metadata"]
    assert metadata["deletionGracePeriodSeconds"] == 30
    space.wait(lambda: not space.exists("pods", "p"), "its end")
    events = space.watched("pods", start)
    assert events[-1][0] == "DELETED"
    assert events[-1][1]["status"]["phase"] == "Succeeded"


@pytest.mark.parametrize(("script", "phase"), [("exit 0", "Succeeded"), ("exit 1", "Failed")])
def test_15_22_the_status_never_flaps(space: Space, script: str, phase: str) -> None:
    start = space.version("pods")
    space.pod("p", sh(script), restartPolicy="Never")
    space.wait_phase("p", phase)
    space.delete("pods", "p")
    space.wait(lambda: not space.exists("pods", "p"), "its end")
    phases = [obj["status"]["phase"] for _, obj in space.watched("pods", start)]
    order = ["Pending", "Running", phase]
    assert phases == sorted(phases, key=order.index)


def test_15_22_a_pod_deleted_while_pending(space: Space) -> None:
    space.pod("p", nodeSelector={"no": "such"})
    space.delete("pods", "p", gracePeriodSeconds=30)
    space.wait(lambda: not space.exists("pods", "p"), "its end", 5)


def test_15_22_a_pod_is_rejected_by_a_node(space: Space) -> None:
    space.pod("p", nodeName="node-1", nodeSelector={"no": "such"})
    failed = space.wait_phase("p", "Failed")
    assert failed["status"]["reason"] == "NodeAffinity"
    assert failed["status"]["message"].startswith("Pod was rejected: ")


def test_15_22_forced_deletion(space: Space) -> None:
    space.pod("p", sh("trap '' TERM; while true; do sleep 0.1; done"))
    space.wait_ready("p")
    space.delete("pods", "p", gracePeriodSeconds=0)
    assert not space.exists("pods", "p")


def added(space: Space, name: str, script: str) -> None:
    container = {"name": name, "image": "busybox", "command": ["sh", "-c", script], "tty": True}
    patch = {"spec": {"ephemeralContainers": [container]}}
    space.patch("pods", "p", patch, "ephemeralcontainers", kind="strategic")


def test_15_27_ephemeral_containers_start(space: Space) -> None:
    space.pod("p")
    space.wait_ready("p")
    added(space, "debugger", "echo polo; sleep 1000")
    space.wait(lambda: "polo" in space.logs("p", "debugger"), "its words")
    [state] = space.get("pods", "p")["status"]["ephemeralContainerStatuses"]
    assert "running" in state["state"]


def test_15_27_ephemeral_containers_are_updated(space: Space) -> None:
    space.pod("p")
    space.wait_ready("p")
    added(space, "debugger", "echo polo; sleep 1000")
    pod = space.get("pods", "p")
    more = {"name": "debugger2", "image": "busybox", "command": ["sh", "-c", "echo marco; cat"]}
    pod["spec"]["ephemeralContainers"].append({**more, "stdin": True})
    pod["metadata"].pop("resourceVersion")
    space.put("pods", pod, "ephemeralcontainers")
    space.wait(lambda: "marco" in space.logs("p", "debugger2"), "its words")


INIT = [sh("exit 0", "init1"), sh("exit 0", "init2")]


@pytest.mark.parametrize("policy", ["Never", "Always"])
def test_15_28_init_containers_run_in_order(space: Space, policy: str) -> None:
    main = sh("exit 0" if policy == "Never" else STAYS)
    space.pod("p", main, initContainers=INIT, restartPolicy=policy)
    space.wait_phase("p", "Succeeded" if policy == "Never" else "Running")
    pod = space.get("pods", "p")
    assert status_of(pod, "Initialized") == "True"
    assert [
        s["state"]["terminated"]["exitCode"] for s in pod["status"]["initContainerStatuses"]
    ] == [0, 0]
    assert all(s["ready"] for s in pod["status"]["initContainerStatuses"])


def test_15_28_a_failing_init_container_is_retried(space: Space) -> None:
    broken = [sh("exit 1", "init1"), sh("exit 0", "init2")]
    space.pod("p", pause(), initContainers=broken)
    space.wait_restart("p", 1, init=True)
    pod = space.get("pods", "p")
    assert condition(pod, "Initialized")["reason"] == "ContainersNotInitialized"
    assert condition(pod, "Initialized")["message"] == (
        "containers with incomplete status: [init1 init2]"
    )
    assert pod["status"]["phase"] == "Pending"
    assert space.container("p")["state"]["waiting"]["reason"] == "PodInitializing"


def test_15_28_a_failing_init_container_ends_the_pod(space: Space) -> None:
    broken = [sh("exit 0", "init1"), sh("exit 1", "init2")]
    space.pod("p", pause(), initContainers=broken, restartPolicy="Never")
    pod = space.wait_phase("p", "Failed")
    assert status_of(pod, "Initialized") == "False"
    assert "waiting" in space.container("p")["state"]


def test_15_29_logs(space: Space) -> None:
    assert space.output("p", sh("echo 'Hello World'")) == "Hello World\n"


def test_15_29_terminated_reason(space: Space) -> None:
    space.pod("p", sh("exit 1"), restartPolicy="Never")
    space.wait(lambda: "terminated" in space.container("p")["state"], "its end")
    state = space.container("p")["state"]["terminated"]
    assert (state["reason"], state["exitCode"]) == ("Error", 1)


def test_15_29_a_failing_pod_can_be_deleted(space: Space) -> None:
    space.pod("p", sh("exit 1"))
    space.wait_restart("p")
    space.delete("pods", "p")
    space.wait(lambda: not space.exists("pods", "p"), "its end")


def test_15_29_a_read_only_root(space: Space) -> None:
    container = sh("echo test > /file", securityContext={"readOnlyRootFilesystem": True})
    space.pod("p", container, restartPolicy="Never")
    space.wait(lambda: space.phase("p") in ("Failed", "Succeeded"))
    assert "Read-only file system" in space.logs("p")


def test_15_29_host_aliases(space: Space) -> None:
    aliases = [{"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}]
    said = space.output("p", sh("cat /etc/hosts"), hostAliases=aliases)
    assert "123.45.67.89\tfoo\tbar" in said


def test_15_30_etc_hosts(space: Space) -> None:
    mount = [{"name": "hosts", "mountPath": "/etc/hosts"}]
    volume = [{"name": "hosts", "hostPath": {"path": "/etc/hostname"}}]
    space.pod("p", sh(STAYS), sh(STAYS, "own", volumeMounts=mount), volumes=volume)
    space.pod("host", sh(STAYS), hostNetwork=True)
    space.wait_ready("p", "host")
    managed = "# Kubernetes-managed hosts file."
    assert space.exec("p", "cat /etc/hosts").startswith(managed)
    assert managed not in space.exec("p", "cat /etc/hosts", "own")
    assert space.exec("host", "head -1 /etc/hosts").strip() == (
        "# Kubernetes-managed hosts file (host network)."
    )


def test_15_31_leases(space: Space) -> None:
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 30}}
    space.create("leases", lease)
    space.update("leases", "l", lambda lease: lease["spec"].update(holderIdentity="b"))
    space.patch("leases", "l", {"spec": {"leaseTransitions": 2}}, kind="strategic")
    spec = space.get("leases", "l")["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("b", 2)
    assert [lease["metadata"]["name"] for lease in space.all("leases")] == ["l"]
    space.delete("leases", "l")
    assert not space.exists("leases", "l")


def test_15_32_pod_templates(space: Space) -> None:
    made = {"metadata": {"name": "t", "labels": {"set": "yes"}}, "template": template(pause())}
    space.create("podtemplates", made)
    patch = {"metadata": {"labels": {"patched": "true"}}}
    assert space.patch("podtemplates", "t", patch)["metadata"]["labels"]["patched"] == "true"
    space.update("podtemplates", "t", lambda t: t["metadata"].update(annotations={"u": "1"}))
    found = space.all("podtemplates", "patched=true", everywhere=True)
    assert [t["metadata"]["name"] for t in found] == ["t"]
    space.delete_all("podtemplates", "set=yes")
    assert space.all("podtemplates") == []


@pytest.fixture
def runtime_class(space: Space) -> Any:
    name = f"{space.name}-runtime"
    obj = {"metadata": {"name": name}, "handler": "netemu"}
    yield {**obj, "overhead": {"podFixed": {"cpu": "10m", "memory": "1Mi"}}}
    space.api.raw("DELETE", space.path("runtimeclasses", name))


def test_15_33_an_unknown_runtime_class_is_refused(space: Space) -> None:
    with pytest.raises(RefusedError) as refused:
        space.pod("p", runtimeClassName="nonexistent")
    assert refused.value.code == 403
    assert refused.value.message == (
        'pods "p" is forbidden: pod rejected: RuntimeClass "nonexistent" not found'
    )


def test_15_33_overhead_is_applied(space: Space, runtime_class: Any) -> None:
    space.create("runtimeclasses", runtime_class)
    space.pod("p", runtimeClassName=runtime_class["metadata"]["name"])
    assert space.get("pods", "p")["spec"]["overhead"] == {"cpu": "10m", "memory": "1Mi"}
    space.wait_ready("p")


def test_15_33_another_overhead_is_refused(space: Space, runtime_class: Any) -> None:
    space.create("runtimeclasses", runtime_class)
    with pytest.raises(RefusedError) as refused:
        space.pod("p", runtimeClassName=runtime_class["metadata"]["name"], overhead={"cpu": "1"})
    assert "Pod's Overhead doesn't match RuntimeClass's defined Overhead" in refused.value.message


def test_15_33_the_life_of_a_runtime_class(space: Space, runtime_class: Any) -> None:
    name = runtime_class["metadata"]["name"]
    space.create("runtimeclasses", runtime_class)
    patch = {"metadata": {"annotations": {"patched": "true"}}}
    assert space.patch("runtimeclasses", name, patch)["metadata"]["annotations"]["patched"]
    with pytest.raises(RefusedError) as refused:
        space.patch("runtimeclasses", name, {"handler": "other"})
    assert "handler: Invalid value" in refused.value.message
    assert name in [r["metadata"]["name"] for r in space.all("runtimeclasses")]
    space.delete("runtimeclasses", name)
    assert not space.exists("runtimeclasses", name)


def context(**fields: Any) -> Any:
    return {"securityContext": fields}


def test_15_34_run_as_user(space: Space) -> None:
    said = space.output("p", sh("id -u", **context(runAsUser=65534)))
    assert (said == "65534\n") is space.knows_users


def test_15_34_run_as_user_and_group(space: Space) -> None:
    said = space.output("p", sh("id -u; id -g", **context(runAsUser=1001, runAsGroup=2002)))
    assert (said.split() == ["1001", "2002"]) is space.knows_users


def test_15_34_groups_of_the_pod(space: Space) -> None:
    pod = {"runAsUser": 1000, "supplementalGroups": [1234, 5678]}
    said = space.output("p", sh("id -G"), securityContext=pod)
    assert ({"1234", "5678"} <= set(said.split())) is space.knows_users


@pytest.mark.parametrize("allowed", [True, False])
def test_15_34_privilege_escalation(space: Space, allowed: bool) -> None:
    fields = context(runAsUser=1000, allowPrivilegeEscalation=allowed)
    said = space.output("p", sh("grep NoNewPrivs /proc/self/status", **fields))
    assert said.split() == ["NoNewPrivs:", "0" if allowed else "1"]


def test_15_34_non_root_is_asked_for(space: Space) -> None:
    space.pod("p", sh("id -u", **context(runAsUser=0, runAsNonRoot=True)), restartPolicy="Never")
    space.wait(lambda: "waiting" in space.container("p")["state"], "the refusal")
    waiting = space.wait(
        lambda: space.container("p")["state"]["waiting"].get("message"), "its words"
    )
    assert "container's runAsUser breaks non-root policy" in waiting


def test_15_35_invalid_sysctls_are_refused(space: Space) -> None:
    bad = [{"name": "foo-", "value": "bar"}, {"name": "bar..", "value": "42"}]
    with pytest.raises(RefusedError) as refused:
        space.pod("p", securityContext={"sysctls": bad})
    assert 'spec.securityContext.sysctls[0].name: Invalid value: "foo-"' in refused.value.message
    assert 'spec.securityContext.sysctls[1].name: Invalid value: "bar.."' in refused.value.message


def test_15_too_much_memory_restarts_a_container(space: Space) -> None:
    """What the notes show: more than the limit, and the container is started anew."""
    python = "import time; x = b'1' * (200 * 2**20); time.sleep(1000)"
    greedy = sh(f'exec python3 -c "{python}"', resources={"limits": {"memory": "64Mi"}})
    space.pod("p", greedy)
    space.wait_restart("p")
    ended = space.container("p")["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
