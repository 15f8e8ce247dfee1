"""Clusters of two address families, or of IPv6 alone, and what tests ask of them."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from netemu.testing import Instance, instance
from tests.support.reach import NAMESPACED, balancer_ips

WORLD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule,
         labelSelector: {matchLabels: {app: web}}}
      containers:
      - name: web
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec, --http-port=8080, --udp-port=8081]
        readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: node-1
  hostname: me
  subdomain: peers
  containers:
  - name: main
    image: registry.k8s.io/pause:3.10
    env:
    - {name: IPS, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}
    - {name: HOST_IPS, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}
---
apiVersion: v1
kind: Pod
metadata: {name: redis, labels: {app: redis}}
spec: {containers: [{name: redis, image: "redis:7"}]}
---
apiVersion: v1
kind: Service
metadata: {name: redis}
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {app: redis}
  ports: [{port: 6379}]
---
apiVersion: v1
kind: Service
metadata: {name: both}
spec:
  type: LoadBalancer
  ipFamilyPolicy: PreferDualStack
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: udp, port: 81, targetPort: 8081, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata: {name: six}
spec:
  type: NodePort
  ipFamilies: [IPv6]
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: sticky}
spec:
  ipFamilies: [IPv6]
  sessionAffinity: ClientIP
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: local}
spec:
  ipFamilies: [IPv6]
  internalTrafficPolicy: Local
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {ipFamilies: [IPv6], selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: peers}
spec:
  clusterIP: None
  ipFamilyPolicy: PreferDualStack
  selector: {app: web}
  ports: [{name: http, port: 8080}]
"""

POD = "pod:default/client"


@dataclass(frozen=True)
class Kind:
    """A cluster there should be."""

    net: str
    families: tuple[str, ...]

    def __str__(self) -> str:
        return "-".join((self.net, *self.families)).lower()


ROOTLESS = [Kind("rootless", ("IPv6", "IPv4")), Kind("rootless", ("IPv6",))]
KINDS = [Kind("root", ("IPv4", "IPv6")), *ROOTLESS] if "root" in NAMESPACED else ROOTLESS


@dataclass
class Cluster:
    """A cluster and what it was made as."""

    kind: Kind
    made: Instance

    def spec(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = self.made.get("service", service)["spec"]
        return found

    def six(self, service: str) -> str:
        """The IPv6 address of a Service."""
        return next(str(ip) for ip in self.spec(service)["clusterIPs"] if ":" in ip)

    def balanced(self, service: str) -> str:
        """The IPv6 address of a Service's balancer."""
        return next(ip for ip in balancer_ips(self.made, service) if ":" in ip)

    def node_port(self, service: str) -> int:
        return int(self.spec(service)["ports"][0]["nodePort"])

    def curl(self, url: str, place: str = POD) -> str:
        return self.made.exec("curl", "-6sgf", "-m", "5", url, place=place).stdout

    def curls(self, url: str, times: int, place: str = POD) -> set[str]:
        """The answers to so many requests, each on a connection of its own."""
        again = ["-H", "Connection: close", "-w", "\\n", *[url] * times]
        return {*self.made.exec("curl", "-6sgf", "-m", "9", *again, place=place).stdout.split()}

    def fails(self, url: str, place: str = POD) -> int:
        done = self.made.exec("curl", "-6sgf", "-m", "1", url, place=place, check=False)
        return done.returncode

    def dig(self, *words: str, place: str = POD) -> list[str]:
        return self.made.exec("dig", "+short", *words, place=place).stdout.split("\n")[:-1]

    def pods(self) -> dict[str, list[str]]:
        """The addresses of the servers, by name."""
        items = self.made.get("pods", "-l", "app=web")["items"]
        return {
            pod["metadata"]["name"]: [each["ip"] for each in pod["status"]["podIPs"]]
            for pod in items
        }


@contextmanager
def dual_stack(kind: Kind) -> Iterator[Cluster]:
    """Such a cluster, with servers, a client and Services."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        settings = {"dns": {"forward": ""}, "network": {"ipFamilies": kind.families}}
        json.dump(settings, config)
        config.flush()
        options = ["--net", kind.net, "--config", config.name]
        with instance(f"dual-{kind}", options=options) as made:
            made.apply(WORLD)
            made.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
            made.kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=60s")
            yield Cluster(kind, made)


def families_of(addresses: list[str]) -> list[str]:
    return ["IPv6" if ":" in each else "IPv4" for each in addresses]
