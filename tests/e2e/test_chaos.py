"""Random kills of processes, nodes and the daemon: at the end, what is real is what is desired.

A watcher looks at the real processes all the time: never two of one StatefulSet's name. Seeded, so
what fails can be tried again: CHAOS_SEED; CHAOS_SECONDS makes it longer (two minutes find more).
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from netemu.testing import Instance, instance

SEED = int(os.environ.get("CHAOS_SEED", "1"))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(SECONDS + 300)]
REPLICAS = {"web": 4, "db": 3}
NODES = 3
REST_SECONDS = 90.0
"""Until what is real is what is desired, on a machine that is busy."""
MARK = f"netemu-chaos-{os.getpid()}"
"""In the environment of every pod's process, by which they are found."""
SPEC = f"""
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: busybox
        command: [sleep, "100000"]
        env:
        - {{name: CHAOS, value: {MARK}}}
        - {{name: POD, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}
"""
WORKLOADS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {REPLICAS["web"]}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {SPEC}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  serviceName: db
  replicas: {REPLICAS["db"]}
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec: {SPEC}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {SPEC}
"""

Process = tuple[int, str]
"""Its pid, and when it began."""


def pods_of_processes() -> dict[Process, str]:
    """The pod's name of every process that is a pod's."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with suppress(OSError, ValueError, IndexError):
            environment = Path("/proc", entry, "environ").read_bytes().split(b"\0")
            if f"CHAOS={MARK}".encode() in environment and is_program(entry):
                [pod] = [each[4:] for each in environment if each.startswith(b"POD=")]
                found[int(entry), began(entry)] = pod.decode()
    return found


def is_program(pid: str) -> bool:
    """Whether it has become the pod's program: what forks it has that environment not yet."""
    return Path("/proc", pid, "cmdline").read_bytes().startswith(b"sleep\0")


def began(pid: str) -> str:
    fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    if fields[0] == "Z":
        raise ValueError("it has ended")
    return fields[19]


def lives(process: Process) -> bool:
    with suppress(OSError, ValueError, IndexError):
        return began(str(process[0])) == process[1]
    return False


class Watcher:
    """Looks for two processes of one StatefulSet's name, all the time."""

    def __init__(self) -> None:
        self.doubled: list[str] = []
        self.looks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.looks += 1
            names: dict[str, list[Process]] = {}
            for process, pod in pods_of_processes().items():
                names.setdefault(pod, []).append(process)
            for pod, processes in names.items():
                # Those that were seen one after the other may have lived one after the other.
                if len(processes) > 1 and sum(map(lives, processes)) > 1:
                    self.doubled.append(f"{pod}: {processes}")


class Chaos:
    """Things that go wrong."""

    def __init__(self, cluster: Instance, rng: random.Random) -> None:
        self.cluster = cluster
        self.rng = rng
        self.nodes = dict.fromkeys((f"node-{n}" for n in range(1, NODES + 1)), "runs")
        self.done: Counter[str] = Counter()
        self.acts: list[tuple[int, Callable[[], None]]] = [
            (8, self.kill_a_process),
            (4, self.delete_a_pod),
            (3, self.stop_a_node),
            (3, self.cut_a_node),
            (5, self.mend_a_node),
            (2, self.scale),
            (2, self.let_time_pass),
            (1, self.kill_the_daemon),
        ]

    def act(self) -> None:
        weights, acts = zip(*self.acts, strict=True)
        [act] = self.rng.choices(acts, weights)
        self.done[act.__name__] += 1
        act()

    def kill_a_process(self) -> None:
        there = sorted(pods_of_processes())
        if there:
            with suppress(ProcessLookupError):
                os.kill(self.rng.choice(there)[0], signal.SIGKILL)

    def delete_a_pod(self) -> None:
        names = self.cluster.kubectl("get", "pods", "-o", "name").split()
        if names:
            self.cluster.run("kubectl", "delete", self.rng.choice(sorted(names)), "--wait=false",
                             "--ignore-not-found")  # fmt: skip

    def _any(self, *states: str) -> str | None:
        fitting = [name for name, state in self.nodes.items() if state in states]
        return self.rng.choice(fitting) if fitting else None

    def _node(self, act: str, name: str | None, state: str) -> None:
        if name is not None:
            self.cluster.netemu("node", act, name)
            self.nodes[name] = state

    def stop_a_node(self) -> None:
        self._node("stop", self._any("runs", "cut"), "stopped")

    def cut_a_node(self) -> None:
        if self.cluster.facts["net"] != "loopback":
            self._node("cut", self._any("runs"), "cut")

    def mend_a_node(self) -> None:
        name = self._any("stopped", "cut")
        if name is not None:
            act = "start" if self.nodes[name] == "stopped" else "heal"
            self._node(act, name, "runs")

    def scale(self) -> None:
        what, count = self.rng.choice([("deploy/web", 6), ("sts/db", 4), ("deploy/web", 2)])
        self.cluster.kubectl("scale", what, f"--replicas={count}")

    def let_time_pass(self) -> None:
        self.cluster.netemu("clock", "advance", self.rng.choice(["10s", "1m", "6m"]))

    def kill_the_daemon(self) -> None:
        self.cluster.kill()
        self.cluster.wait_for(lambda: not pods_of_processes(), what="the end of every pod")
        self.cluster.up()
        self.nodes = dict.fromkeys(self.nodes, "runs")

    def end(self) -> None:
        """Nothing is wrong any more, and the sizes are what they were."""
        while self._any("stopped", "cut") is not None:
            self.mend_a_node()
        for what, name in (("deploy", "web"), ("sts", "db")):
            self.cluster.kubectl("scale", f"{what}/{name}", f"--replicas={REPLICAS[name]}")


def real_is_desired(cluster: Instance) -> bool:
    """Every workload is whole, and each of its pods is exactly one process, and none is more."""
    cluster.netemu("clock", "advance", "1m")  # back-offs have grown
    pods = cluster.get("pods")["items"]
    assert not any("deletionTimestamp" in each["metadata"] for each in pods), "some are leaving"
    wanted = {**REPLICAS, "agent": NODES}
    assert Counter(each["metadata"]["labels"]["app"] for each in pods) == wanted
    assert all(is_ready(each) for each in pods), "some aren't ready"
    names = Counter(pods_of_processes().values())
    assert names == Counter(each["metadata"]["name"] for each in pods)
    return True


def is_ready(pod: Any) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def test_after_whatever_happens_what_is_real_is_what_is_desired() -> None:
    with instance("chaos", options=["--nodes", str(NODES)]) as cluster:
        cluster.apply(WORKLOADS)
        cluster.wait_for(lambda: real_is_desired(cluster), seconds=REST_SECONDS, what="a beginning")
        chaos = Chaos(cluster, random.Random(SEED))
        with Watcher() as watcher:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                chaos.act()
                time.sleep(chaos.rng.uniform(0, 0.5))
            chaos.end()
            cluster.wait_for(
                lambda: real_is_desired(cluster),
                seconds=REST_SECONDS,
                what=f"peace after {dict(chaos.done)} with seed {SEED}",
            )
        assert watcher.doubled == []
        assert watcher.looks > SECONDS
        sets = cluster.get("replicasets")["items"]
        assert [each["spec"]["replicas"] for each in sets] == [REPLICAS["web"]]
    left = subprocess.run(["pgrep", "-f", MARK], capture_output=True, check=False)
    assert pods_of_processes() == {}, left.stdout
