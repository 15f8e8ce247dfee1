"""What the rows of the acceptance catalogue are shown with: pods, Services, and clients in places.

A namespace per test, agnhost's stand-in as server, and curl, nc or agnhost as clients, run inside
pods by ``netemu exec``.
"""

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from netemu.testing import Instance
from tests.support.rest import Rest

T = TypeVar("T")

AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.53"
PAUSE = "registry.k8s.io/pause:3.10"

UDP = """
import socket, sys
host, port, source, times, word = sys.argv[1:]
with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
    if source != "0":
        sock.bind(("", int(source)))
    sock.settimeout(1)
    sock.connect((host, int(port)))
    for _ in range(int(times)):
        try:
            sock.send(word.encode())
            print(sock.recv(65535).decode())
        except (ConnectionRefusedError, PermissionError):  # who sits on the rule itself gets EPERM
            print("REFUSED")
        except TimeoutError:
            print("TIMEOUT")
        except OSError as error:
            print(error.strerror.replace(" ", "-"))
"""


def port(number: int, target: int | str = 80, name: str = "", **more: Any) -> dict[str, Any]:
    """A Service's port."""
    named = {"name": name} if name else {}
    return {"port": number, "targetPort": target, "protocol": "TCP", **named, **more}


class Jig:
    """One test's namespace."""

    def __init__(self, cluster: Instance, rest: Rest, namespace: str) -> None:
        self.cluster = cluster
        self.rest = rest
        self.namespace = namespace
        self.nodes = {node["name"]: node["address"] for node in cluster.facts["nodes"]}
        rest.create("/api/v1/namespaces", {"metadata": {"name": namespace}})

    def end(self) -> None:
        """Let all of it go."""
        self.rest.ask("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def path(self, kind: str, name: str = "", group: str = "api/v1") -> str:
        """Where objects of a kind are."""
        return f"/{group}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def until(self, true: Callable[[], T], what: str = "the condition") -> T:
        """Wait for something, as long as upstream's tests do at least."""
        return self.cluster.wait_for(true, seconds=40, what=what)

    # Services

    def service(self, name: str, *ports: dict[str, Any], **spec: Any) -> Any:
        """Make a Service; it selects pods that bear its name unless told otherwise."""
        given = {"ports": list(ports), "selector": {name: "yes"}, **spec}
        obj = {"metadata": {"name": name}, "spec": {k: v for k, v in given.items() if v}}
        return self.rest.create(self.path("services"), obj)

    def change(self, name: str, **spec: Any) -> Any:
        """Merge into the spec of a Service."""
        return self.rest.patch(self.path("services", name), {"spec": spec})

    def label(self, kind: str, name: str, /, **labels: str | None) -> None:
        """Set labels; None takes one away."""
        self.rest.patch(self.path(kind, name), {"metadata": {"labels": labels}})

    def get_service(self, name: str) -> Any:
        return self.rest.get(self.path("services", name))

    def ip(self, name: str) -> str:
        """A Service's clusterIP."""
        return str(self.get_service(name)["spec"]["clusterIP"])

    def node_port(self, name: str, number: int = 0) -> int:
        return int(self.get_service(name)["spec"]["ports"][number]["nodePort"])

    def ingress(self, name: str) -> str:
        """The address of a Service's balancer, once it has one."""

        def given() -> str:
            status = self.get_service(name)["status"]
            return str(status["loadBalancer"]["ingress"][0]["ip"])

        return self.until(given, "an ingress")

    # Pods

    def pod(
        self,
        name: str,
        *args: str,
        serves: str | Sequence[str] = (),
        node: str = "",
        ports: Iterable[dict[str, Any]] = (),
        ready: str = "",
        **spec: Any,
    ) -> None:
        """Make a pod: agnhost with arguments, else pause; `serves` names its Services, `ready` is
        the path of a readiness probe at port 80.
        """
        container: dict[str, Any] = {"name": "main", "image": AGNHOST if args else PAUSE}
        if args:
            container |= {"args": list(args), "ports": list(ports)}
        if ready:
            probe = {"httpGet": {"path": ready, "port": 80}, "periodSeconds": 1}
            container["readinessProbe"] = {**probe, "failureThreshold": 1}
        labels = dict.fromkeys([serves] if isinstance(serves, str) else serves, "yes")
        placed = {"nodeName": node} if node else {}
        obj = {
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "containers": [container],
                "terminationGracePeriodSeconds": 0,
                **placed,
                **spec,
            },
        }
        self.rest.create(self.path("pods"), obj)

    def server(self, name: str, *more: str, **spec: Any) -> None:
        """A pod that serves HTTP at port 80 and is ready when it does."""
        self.pod(name, "netexec", "--http-port=80", *more, **{"ready": "/", **spec})

    def running(self, *names: str) -> None:
        """Wait until pods are ready."""
        for name in names:
            self.until(partial(self.is_ready, name), f"{name} to be ready")

    def is_ready(self, name: str) -> bool:
        status = self.rest.get(self.path("pods", name))["status"]
        held = {each["type"]: each["status"] for each in status.get("conditions") or ()}
        return held.get("Ready") == "True"

    def delete(self, kind: str, name: str, **options: Any) -> None:
        self.rest.delete(self.path(kind, name), options or None)

    def pod_ip(self, name: str) -> str:
        return str(self.rest.get(self.path("pods", name))["status"]["podIP"])

    # Endpoints

    def endpoints(self, service: str) -> dict[str, list[int]]:
        """The ports of each pod, by its UID, as the Endpoints object has them."""
        found: dict[str, list[int]] = {}
        for part in self.rest.get(self.path("endpoints", service)).get("subsets") or ():
            for each in part.get("addresses") or ():
                ports = [one["port"] for one in part["ports"]]
                found.setdefault(each["targetRef"]["uid"], []).extend(ports)
        return found

    def slices(self, service: str) -> list[Any]:
        """The slices of a Service."""
        query = f"?labelSelector=kubernetes.io/service-name%3D{service}"
        path = self.path("endpointslices", group="apis/discovery.k8s.io/v1")
        return list(self.rest.get(path + query)["items"])

    def sliced(self, service: str) -> dict[str, list[int]]:
        """The same as `endpoints`, as its slices have them."""
        found: dict[str, list[int]] = {}
        for part in self.slices(service):
            for each in part.get("endpoints") or ():
                if each["conditions"]["ready"]:
                    ports = [one["port"] for one in part.get("ports") or ()]
                    if ports:  # a pod may be in a slice without any
                        found.setdefault(each["targetRef"]["uid"], []).extend(ports)
        return found

    def uid(self, pod: str) -> str:
        return str(self.rest.get(self.path("pods", pod))["metadata"]["uid"])

    def serving(self, service: str, **pods: list[int]) -> None:
        """Wait until a Service has exactly these pods with these ports."""

        def agrees() -> bool:
            expected = {self.uid(name.replace("_", "-")): ports for name, ports in pods.items()}
            return self.endpoints(service) == self.sliced(service) == expected

        self.until(agrees, f"{service} to have {pods}")

    # Clients

    def at(self, pod: str) -> str:
        """The place of a pod."""
        return f"pod:{self.namespace}/{pod}"

    def shell(self, place: str, script: str) -> str:
        """What a script prints in some place."""
        return self.cluster.exec("sh", "-c", script, place=place, check=False).stdout

    def curl(self, place: str, url: str, *options: str) -> str:
        """What is answered; "" if nothing."""
        words = ("curl", "-s", "-m", "3", *options, url)
        return self.cluster.exec(*words, place=place, check=False).stdout

    def code(self, place: str, url: str, seconds: float = 1) -> int:
        """How curl ends."""
        words = ("curl", "-s", "-o", "/dev/null", "-m", str(seconds), url)
        return self.cluster.exec(*words, place=place, check=False).returncode

    def names(self, place: str, host: str, times: int = 12, path: str = "hostname") -> list[str]:
        """Who answers so many requests in a row; "-" for no answer."""
        ask = f"curl -s -m 2 {shlex.quote(f'http://{host}/{path}')} || printf -- -; echo"
        return self.shell(place, f"for i in $(seq {times}); do {ask}; done").split()

    def all_answer(self, place: str, host: str, *pods: str) -> None:
        """Wait until exactly these answer there, each of them at some time."""
        self.until(
            lambda: set(self.names(place, host, 6 * len(pods))) == set(pods),
            f"{pods} to answer at {host}",
        )

    def reachable(self, place: str, host: str, port: int) -> bool:
        """As upstream sees it: anything that is answered to a line by nc."""
        script = f"echo hostName | nc -w 2 {host} {port}"
        return bool(self.shell(place, script).strip())

    def udp(
        self, place: str, host: str, port: int, word: str = "hostName", times: int = 1, **more: int
    ) -> list[str]:
        """What is answered to so many datagrams of one socket; ``source``: its port."""
        arguments = (host, str(port), str(more.get("source", 0)), str(times), word)
        words = (sys.executable, "-c", UDP, *arguments)
        return self.cluster.exec(*words, place=place, check=False).stdout.splitlines()

    def udp_answers(self, place: str, host: str, port: int, word: str) -> None:
        """Wait until that is answered, by the second datagram at least."""
        self.until(lambda: self.udp(place, host, port, times=2)[1:] == [word], f"{word} of {host}")

    def connects(self, pod: str, host: str, port: int) -> str:
        """What agnhost's own client says in a pod of its: "" for a connection, REFUSED, TIMEOUT."""
        words = ("/agnhost", "connect", "--timeout=1s", f"{host}:{port}")
        exec = ("kubectl", "exec", "-n", self.namespace, pod, "--")
        return self.cluster.run(*exec, *words, check=False).stderr.partition("\n")[0]
