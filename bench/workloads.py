"""500 pods over 10 nodes, and a rolling update of 100 replicas: time, memory, idle CPU.

Run: ``python -m bench.workloads [--pods 500] [--nodes 10] [--replicas 100] [--net rootless]``.
Wall time is what a user waits; the daemon's and the spawner's CPU time tell what it costs, whatever
else the machine does.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from netemu.testing import Instance, instance

TICKS = os.sysconf("SC_CLK_TCK")
IDLE_SECONDS = 10.0
"""How long the idle daemon is looked at."""
DEADLINE = "--timeout=120s"
FILL = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: fill}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: fill}}}}
  template:
    metadata: {{labels: {{app: fill}}}}
    spec:
      containers: [{{name: main, image: registry.k8s.io/pause:3.10}}]
"""


def parts(cluster: Instance) -> dict[str, int]:
    """The daemon, and the spawner (its child that isn't a pod): the processes that cost."""
    daemon = int(cluster.facts["pid"])
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    found = {"daemon": daemon}
    for number, child in enumerate(children):
        found[f"child {number}"] = int(child)
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def spent(cluster: Instance) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in parts(cluster).items()}


def told(cluster: Instance, what: str, took: float, before: dict[str, float]) -> None:
    after = spent(cluster)
    cost = ", ".join(f"{name} {after[name] - before.get(name, 0):.2f} s" for name in after)
    print(f"{what}: {took:.1f} s; CPU: {cost}", flush=True)


def ready_pods(cluster: Instance, replicas: int) -> None:
    """Wait in one watch, as a client that doesn't load the API would."""
    cluster.run("kubectl", "wait", "deploy/fill", DEADLINE,
                f"--for=jsonpath={{.status.readyReplicas}}={replicas}")  # fmt: skip


def fill(cluster: Instance, replicas: int) -> None:
    before, began = spent(cluster), time.monotonic()
    cluster.apply(FILL.format(replicas=replicas))
    ready_pods(cluster, replicas)
    told(cluster, f"{replicas} pods ready", time.monotonic() - began, before)
    for name, pid in parts(cluster).items():
        print(f"  {name}: {resident_megabytes(pid):.0f} MB resident")


def idle(cluster: Instance) -> None:
    time.sleep(2.0)
    before = spent(cluster)
    time.sleep(IDLE_SECONDS)
    after = spent(cluster)
    for name in after:
        share = (after[name] - before.get(name, 0)) / IDLE_SECONDS
        print(f"  idle {name}: {share:.1%} of a core")


def roll(cluster: Instance, replicas: int) -> None:
    cluster.kubectl("scale", "deploy/fill", f"--replicas={replicas}")
    listed = "jsonpath={.items[*].metadata.name}"
    cluster.wait_for(
        lambda: len(cluster.kubectl("get", "pods", "-o", listed).split()) == replicas,
        seconds=120,
    )
    before, began = spent(cluster), time.monotonic()
    cluster.kubectl("rollout", "restart", "deploy/fill")
    cluster.run("kubectl", "rollout", "status", "deploy/fill", DEADLINE)
    told(cluster, f"rolling update of {replicas} replicas", time.monotonic() - began, before)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=500)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--replicas", type=int, default=100)
    parser.add_argument("--net", default="auto")
    options = parser.parse_args()
    words = ["--nodes", str(options.nodes), "--net", options.net]
    with instance("bench-workloads", options=words) as cluster:
        status = json.loads(cluster.netemu("status", "-o", "json").stdout)
        print(f"{status['net']}, {options.nodes} nodes")
        fill(cluster, options.pods)
        idle(cluster)
        roll(cluster, options.replicas)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
