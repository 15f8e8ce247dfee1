"""What conformance tests do with a cluster: its API over HTTPS, each test in a namespace."""

import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from netemu.testing import Instance

T = TypeVar("T")

PAUSE = "registry.k8s.io/pause:3.9"
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.47"
GROUPS: Mapping[str, str] = {
    "apps/v1": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "batch/v1": "cronjobs jobs",
    "coordination.k8s.io/v1": "leases",
    "node.k8s.io/v1": "runtimeclasses",
    "policy/v1": "poddisruptionbudgets",
    "scheduling.k8s.io/v1": "priorityclasses",
}
"""Group and version -> plurals; others are of the core."""
CLUSTER_WIDE = {"namespaces", "nodes", "persistentvolumes", "priorityclasses", "runtimeclasses"}
PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}
SECONDS = 40.0


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: Any) -> None:
        super().__init__(status.get("message"))
        self.code: int = status.get("code", 0)
        self.message: str = status.get("message") or ""
        self.status = status


def path_of(plural: str, namespace: str, name: str = "", sub: str = "") -> str:
    """Where a kind, an object or a part of it is served."""
    version = next((v for v, names in GROUPS.items() if plural in names.split()), "v1")
    place = "" if plural in CLUSTER_WIDE or not namespace else f"/namespaces/{namespace}"
    root = f"/api/{version}" if version == "v1" else f"/apis/{version}"
    rest = "".join(f"/{part}" for part in (plural, name, sub) if part)
    return f"{root}{place}{rest}"


class Api:
    """An instance's API, with one connection that is kept."""

    def __init__(self, cluster: Instance) -> None:
        self.cluster = cluster
        cluster_of, user = self._kubeconfig()
        self._server = urlsplit(cluster_of["server"])
        with NamedTemporaryFile() as ca:
            self.tls = ssl.create_default_context(cadata=_text(cluster_of, "certificate-authority"))
            ca.write(
                (_text(user, "client-certificate") + "\n" + _text(user, "client-key")).encode()
            )
            ca.flush()
            self.tls.load_cert_chain(ca.name)
        self._connection = self._connect()

    def _kubeconfig(self) -> tuple[Any, Any]:
        text = self.cluster.kubectl("config", "view", "--raw", "-o", "json")
        found = json.loads(text)
        return found["clusters"][0]["cluster"], found["users"][0]["user"]

    def _connect(self) -> http.client.HTTPSConnection:
        host, port = self._server.hostname or "", self._server.port
        return http.client.HTTPSConnection(host, port, context=self.tls, timeout=60)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def raw(self, method: str, path: str, body: Any = None, type: str = "") -> tuple[int, bytes]:
        """The answer's status and body."""
        sent = None if body is None else json.dumps(body)
        headers = {"Content-Type": type or "application/json", "Accept": "application/json"}
        for last in (False, True):
            try:
                self._connection.request(method, path, sent, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                # A connection that was idle for long may have been closed.
                self._connection.close()
                self._connection = self._connect()
                if last:
                    raise
        raise AssertionError

    def ask(self, method: str, path: str, body: Any = None, type: str = "") -> Any:
        """The answer's object. Raises RefusedError."""
        status, text = self.raw(method, path, body, type)
        found = json.loads(text)
        if status >= 300:
            raise RefusedError(found)
        return found


def _text(entry: Any, field: str) -> str:
    from base64 import b64decode

    if inline := entry.get(f"{field}-data"):
        return b64decode(inline).decode()
    return Path(entry[field]).read_text()


class Space:
    """A namespace of a test's own, and the cluster around it."""

    def __init__(self, api: Api, name: str) -> None:
        self.api = api
        self.cluster = api.cluster
        self.name = name

    @property
    def knows_users(self) -> bool:
        """Whether containers can run as any user: only where netemu is root itself."""
        return os.geteuid() == 0 and self.cluster.facts["net"] == "root"

    def path(self, plural: str, name: str = "", sub: str = "") -> str:
        return path_of(plural, self.name, name, sub)

    def create(self, plural: str, obj: Any) -> Any:
        return self.api.ask("POST", self.path(plural), obj)

    def get(self, plural: str, name: str, sub: str = "") -> Any:
        return self.api.ask("GET", self.path(plural, name, sub))

    def put(self, plural: str, obj: Any, sub: str = "") -> Any:
        return self.api.ask("PUT", self.path(plural, obj["metadata"]["name"], sub), obj)

    def patch(
        self, plural: str, name: str, body: Any, sub: str = "", *, kind: str = "merge"
    ) -> Any:
        return self.api.ask("PATCH", self.path(plural, name, sub), body, PATCHES[kind])

    def delete(self, plural: str, name: str, **options: Any) -> None:
        self.api.ask("DELETE", self.path(plural, name), options)

    def all(self, plural: str, labels: str = "", *, everywhere: bool = False) -> Any:
        path = path_of(plural, "") if everywhere else self.path(plural)
        query = urlencode({"labelSelector": labels})
        return self.api.ask("GET", f"{path}?{query}")["items"]

    def delete_all(self, plural: str, labels: str) -> None:
        self.api.ask("DELETE", f"{self.path(plural)}?{urlencode({'labelSelector': labels})}")

    def exists(self, plural: str, name: str) -> bool:
        return self.api.raw("GET", self.path(plural, name))[0] == 200

    def version(self, plural: str) -> str:
        """Where a watch of a kind begins now."""
        return str(self.api.ask("GET", self.path(plural))["metadata"]["resourceVersion"])

    def watched(self, plural: str, version: str, labels: str = "") -> Sequence[tuple[str, Any]]:
        """What a watch tells since then: (type, object)."""
        query = urlencode(
            {
                "watch": "1",
                "resourceVersion": version,
                "timeoutSeconds": "1",
                "labelSelector": labels,
            }
        )
        _, text = self.api.raw("GET", f"{self.path(plural)}?{query}")
        events = [json.loads(line) for line in text.splitlines() if line]
        return [(event["type"], event["object"]) for event in events]

    def update(self, plural: str, name: str, change: Callable[[Any], object]) -> Any:
        """Read, change, write; again when somebody else wrote meanwhile."""
        while True:
            obj = self.get(plural, name)
            change(obj)
            try:
                return self.put(plural, obj)
            except RefusedError as error:
                if error.code != 409:
                    raise

    def wait(self, probe: Callable[[], T], what: str = "", seconds: float = SECONDS) -> T:
        """As the cluster's `wait_for`; an object that isn't there counts as "not yet"."""

        def look() -> T:
            try:
                return probe()
            except RefusedError as error:
                raise AssertionError(str(error)) from None

        return self.cluster.wait_for(look, seconds=seconds, what=what or "the condition")

    def stays(self, probe: Callable[[], bool], seconds: float = 1.5) -> None:
        """The condition holds all the time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert probe()
            time.sleep(0.05)

    def kubectl(self, *words: str, input: str | None = None) -> str:
        return self.cluster.kubectl("-n", self.name, *words, input=input)

    def pass_time(self, duration: str) -> None:
        """Let the cluster's clock go on."""
        self.cluster.netemu("clock", "advance", duration)

    # Pods

    def pod(self, name: str, *containers: Any, labels: Any = None, **spec: Any) -> Any:
        return self.create("pods", pod(name, *containers, labels=labels, **spec))

    def pods(self, labels: str = "") -> Any:
        return self.all("pods", labels)

    def live(self, labels: str = "") -> Any:
        """Pods that nobody deletes."""
        return [p for p in self.pods(labels) if "deletionTimestamp" not in p["metadata"]]

    def phase(self, name: str) -> str:
        return str(self.get("pods", name)["status"].get("phase"))

    def wait_phase(self, name: str, phase: str, seconds: float = SECONDS) -> Any:
        self.wait(lambda: self.phase(name) == phase, f"{name} to be {phase}", seconds)
        return self.get("pods", name)

    def wait_ready(self, *names: str, seconds: float = SECONDS) -> None:
        self.wait(
            lambda: all(is_ready(self.get("pods", name)) for name in names),
            f"{' and '.join(names)} to be ready",
            seconds,
        )

    def container(self, name: str, number: int = 0, *, init: bool = False) -> Any:
        """The status of a pod's container."""
        field = "initContainerStatuses" if init else "containerStatuses"
        return self.get("pods", name)["status"][field][number]

    def restarts(self, name: str, *, init: bool = False) -> int:
        return int(self.container(name, init=init)["restartCount"])

    def wait_restart(self, name: str, count: int = 1, *, init: bool = False) -> None:
        self.wait(lambda: self.restarts(name, init=init) >= count, f"{name} to restart")

    def logs(self, name: str, container: str = "") -> str:
        query = f"?container={container}" if container else ""
        status, text = self.api.raw("GET", self.path("pods", name, "log") + query)
        assert status == 200, text
        return text.decode()

    def output(self, name: str, *containers: Any, **spec: Any) -> str:
        """What a pod says that runs to its end and succeeds."""
        self.pod(name, *containers, **{"restartPolicy": "Never", **spec})
        self.wait(lambda: self.phase(name) in ("Succeeded", "Failed"), f"{name} to end")
        said = self.logs(name, containers[0]["name"])
        assert self.phase(name) == "Succeeded", said
        return said

    def exec(self, name: str, script: str, container: str = "c") -> str:
        return self.kubectl("exec", name, "-c", container, "--", "sh", "-c", script)

    def events(self, name: str, reason: str = "") -> list[str]:
        """The messages of events about an object."""
        return [
            event["message"]
            for event in self.all("events")
            if event["involvedObject"]["name"] == name
            and event["reason"] == (reason or event["reason"])
        ]


def is_ready(obj: Any) -> bool:
    return status_of(obj, "Ready") == "True"


def status_of(obj: Any, condition: str) -> str:
    """What a condition's status is; "" without it."""
    found = [c for c in obj["status"].get("conditions") or () if c["type"] == condition]
    return str(found[0]["status"]) if found else ""


def condition(obj: Any, type: str) -> Any:
    return next((c for c in obj["status"].get("conditions") or () if c["type"] == type), {})


def sh(script: str, name: str = "c", **fields: Any) -> Any:
    """A container that runs a script."""
    return {"name": name, "image": "busybox:1.29", "command": ["sh", "-c", script], **fields}


def pause(name: str = "c", **fields: Any) -> Any:
    return {"name": name, "image": PAUSE, **fields}


def agnhost(*args: str, name: str = "c", **fields: Any) -> Any:
    return {"name": name, "image": AGNHOST, "args": list(args), **fields}


def pod(name: str, *containers: Any, labels: Any = None, **spec: Any) -> Any:
    return {
        "metadata": {"name": name, "labels": labels or {"name": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": list(containers) or [pause()],
            **spec,
        },
    }


def template(*containers: Any, app: str = "web", **spec: Any) -> Any:
    made = pod("", *containers, labels={"app": app}, **spec)
    del made["metadata"]["name"]
    return made


def workload(name: str, *containers: Any, app: str = "web", pod: Any = None, **spec: Any) -> Any:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet: all have this form."""
    return {
        "metadata": {"name": name, "labels": {"app": app}},
        "spec": {
            "selector": {"matchLabels": {"app": app}},
            "template": template(*containers, app=app, **(pod or {})),
            **spec,
        },
    }


def job(name: str, *containers: Any, pod: Any = None, **spec: Any) -> Any:
    made = template(*containers, app=name, **{"restartPolicy": "Never", **(pod or {})})
    return {"metadata": {"name": name}, "spec": {"template": made, **spec}}
