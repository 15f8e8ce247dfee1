"""What users of the official Python client do, run in the contract environment against KUBECONFIG.

Streams above all: exec and port-forward travel in WebSocket messages of their own kind.
"""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, utils, watch
from kubernetes.aio import client as aio_client
from kubernetes.aio import config as aio_config
from kubernetes.informer import SharedInformer
from kubernetes.stream import portforward, stream
from kubernetes.stream.ws_client import RESIZE_CHANNEL

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "main",
                "image": "registry.k8s.io/e2e-test-images/agnhost:2.53",
                "args": ["netexec", "--http-port=8080", "--udp-port=-1"],
                "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
            },
            {
                "name": "other",
                "image": "registry.k8s.io/e2e-test-images/agnhost:2.53",
                "args": ["netexec", "--http-port=8081", "--udp-port=-1"],
            },
        ],
    },
}


@pytest.fixture(scope="module")
def core() -> client.CoreV1Api:
    config.load_kube_config()
    return client.CoreV1Api()


@pytest.fixture(scope="module")
def namespace(core: client.CoreV1Api) -> Iterator[str]:
    name = f"python-{uuid.uuid4().hex[:6]}"
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_namespace(name)


@pytest.fixture(scope="module")
def pod(core: client.CoreV1Api, namespace: str) -> str:
    utils.create_from_dict(core.api_client, POD, namespace=namespace)
    for event in watch.Watch().stream(
        core.list_namespaced_pod, namespace, field_selector="metadata.name=web", timeout_seconds=30
    ):
        conditions = event["object"].status.conditions or []
        if any(item.type == "Ready" and item.status == "True" for item in conditions):
            return "web"
    raise AssertionError("the pod isn't ready")


def test_objects_are_typed_and_gone_when_deleted(core: client.CoreV1Api, namespace: str) -> None:
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="cm"), data={"a": "1"})
    assert core.create_namespaced_config_map(namespace, body).metadata.uid
    patched = core.patch_namespaced_config_map("cm", namespace, {"data": {"b": "2"}})
    assert patched.data == {"a": "1", "b": "2"}
    operations = [{"op": "remove", "path": "/data/a"}]
    assert core.patch_namespaced_config_map("cm", namespace, operations).data == {"b": "2"}
    assert core.delete_namespaced_config_map("cm", namespace)["status"] == "Success"
    with pytest.raises(client.ApiException) as gone:
        core.read_namespaced_config_map("cm", namespace)
    assert (gone.value.status, json.loads(gone.value.body)["reason"]) == (404, "NotFound")


def test_lists_come_in_pieces(core: client.CoreV1Api, namespace: str) -> None:
    for number in range(5):
        core.create_namespaced_config_map(namespace, {"metadata": {"name": f"piece-{number}"}})
    names: list[str] = []
    token = None
    while True:
        found = core.list_namespaced_config_map(namespace, limit=2, _continue=token)
        names += [item.metadata.name for item in found.items]
        token = found.metadata._continue
        if not token:
            break
    assert [name for name in names if name.startswith("piece")] == [f"piece-{n}" for n in range(5)]


def test_a_deleted_pod_is_returned(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_pod(namespace, POD | {"metadata": {"name": "short"}})
    assert core.delete_namespaced_pod("short", namespace).metadata.name == "short"


def test_an_informer_follows(core: client.CoreV1Api, namespace: str) -> None:
    added, deleted = threading.Event(), threading.Event()
    informer = SharedInformer(core.list_namespaced_secret, namespace=namespace)
    informer.add_event_handler("ADDED", lambda _: added.set())
    informer.add_event_handler("DELETED", lambda _: deleted.set())
    informer.start()
    try:
        time.sleep(0.5)
        core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}})
        assert added.wait(20)
        core.delete_namespaced_secret("s", namespace)
        assert deleted.wait(20)
    finally:
        informer.stop()


def run(core: client.CoreV1Api, namespace: str, *command: str, **more: Any) -> Any:
    options = {"stdin": False, "stdout": True, "stderr": True, "tty": False, "container": "main"}
    return stream(
        core.connect_get_namespaced_pod_exec,
        "web",
        namespace,
        command=list(command),
        **(options | more),
    )


def test_exec_gives_what_is_printed(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    assert run(core, namespace, "sh", "-c", "echo out") == "out\n"
    assert run(core, namespace, "hostname", container="other") == "web\n"
    large = run(core, namespace, "head", "-c", "3000000", "/dev/zero", binary=True)
    assert large == bytes(3_000_000)


def test_exec_to_and_fro(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    script = "read line; echo got $line; echo err >&2; cat; exit 3"
    it = run(core, namespace, "sh", "-c", script, stdin=True, _preload_content=False)
    it.write_stdin("typed\n")
    assert it.readline_stdout(timeout=20) == "got typed"
    assert it.readline_stderr(timeout=20) == "err"
    it.write_stdin("the rest")
    it.close_channel(0)
    it.run_forever(timeout=20)
    assert it.read_stdout() == "the rest"
    assert it.returncode == 3


def test_exec_at_a_terminal(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    it = run(core, namespace, "sh", stdin=True, tty=True, stderr=False, _preload_content=False)
    it.write_channel(RESIZE_CHANNEL, json.dumps({"Width": 100, "Height": 40}))
    it.write_stdin('until [ "$(stty size)" = "40 100" ]; do sleep 0.05; done; echo si""zed\n')
    seen, end = "", time.monotonic() + 20
    while "sized" not in seen and time.monotonic() < end:
        seen += it.read_stdout(timeout=1)
    assert "sized" in seen
    it.write_stdin("exit\n")
    it.run_forever(timeout=20)
    assert not it.is_open()


def test_exec_refusals(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    with pytest.raises(client.ApiException) as missing:
        stream(core.connect_get_namespaced_pod_exec, "nope", namespace, command=["true"])
    assert missing.value.status in (0, 404)
    it = run(core, namespace, "no-such-program", _preload_content=False)
    it.run_forever(timeout=20)
    assert "executable file not found in $PATH" in it.read_channel(3)


def test_attach(core: client.CoreV1Api, namespace: str) -> None:
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "m",
                "image": "busybox",
                "stdin": True,
                "command": ["sh", "-c", "sleep 1; cat"],
            }
        ],
    }
    core.create_namespaced_pod(namespace, {"metadata": {"name": "typist"}, "spec": spec})
    end = time.monotonic() + 30
    while core.read_namespaced_pod("typist", namespace).status.phase != "Running":
        assert time.monotonic() < end
        time.sleep(0.05)
    it = stream(
        core.connect_get_namespaced_pod_attach,
        "typist",
        namespace,
        stdin=True,
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    it.write_stdin("hello\n")
    assert it.readline_stdout(timeout=20) == "hello"
    it.close()


def test_forwarded_ports(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    forward = portforward(
        core.connect_get_namespaced_pod_portforward, pod, namespace, ports="8080,8081"
    )
    for port in (8080, 8081):
        connection = http.client.HTTPConnection("web")
        connection.sock = forward.socket(port)
        connection.sock.settimeout(20)
        for _ in range(2):
            connection.request("GET", "/hostname")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"web")
        connection.close()
        assert forward.error(port) is None


def test_a_port_that_nobody_serves(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    forward = portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports="9")
    sock = forward.socket(9)
    sock.settimeout(20)
    sock.sendall(b"x")
    assert sock.recv(1) == b""
    assert "connection refused" in forward.error(9)


def test_logs_are_followed(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    lines = watch.Watch().stream(
        core.read_namespaced_pod_log, pod, namespace, container="main", follow=True
    )
    assert "Started HTTP server on port 8080" in next(lines)


async def test_the_asynchronous_client(namespace: str, pod: str) -> None:
    await aio_config.load_kube_config()
    async with aio_client.ApiClient() as api:
        found = await aio_client.CoreV1Api(api).list_namespaced_pod(namespace)
        assert "web" in [item.metadata.name for item in found.items]
