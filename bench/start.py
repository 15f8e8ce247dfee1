"""How long a cluster takes: to be ready, to answer for an application, and in memory."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.figures import told
from netemu.config.shipped import shipped

RUNS = 10
NODE_PORT = "http://127.0.0.1:31000"
NETEMU = str(Path(sys.executable).with_name("netemu"))


def netemu(folder: str, *words: str) -> str:
    command = [NETEMU, words[0], "--state-dir", folder, *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    ready, command, answer, daemon, spawner = [], [], [], [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="netemu-bench-") as folder:
            began = time.perf_counter()
            netemu(folder, "up", "--detach")
            command.append(time.perf_counter() - began)
            try:
                status = json.loads(netemu(folder, "status", "-o", "json"))
                ready.append(status["startSeconds"])
                answer.append(first_answer(status["kubeconfig"]))
                daemon.append(rss(status["pid"]))
                spawner.append(sum(map(rss, children(status["pid"]))))
            finally:
                netemu(folder, "down", "--purge")
    print(told("daemon's start to ready", ready, "s", "≤ 0.5"))
    print(told("`netemu up --detach`, the whole command", command, "s", "≤ 0.5"))
    print(told("counter example: apply to first answer", answer, "s", "≤ 1.5"))
    print(told("daemon's memory (RSS) with it", daemon, "MB", "≤ 70"))
    print(told("its spawner's memory (RSS)", spawner, "MB"))


def first_answer(kubeconfig: str) -> float:
    """Seconds from `kubectl apply` to the first count."""
    files = [str(shipped(f"examples/{name}.yaml")) for name in ("counter", "counter-nodeport")]
    command = ["kubectl", "--kubeconfig", kubeconfig, "apply", "-f", files[0], "-f", files[1]]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    while True:
        try:
            with urllib.request.urlopen(NODE_PORT, timeout=1.0) as reply:
                reply.read()
            return time.perf_counter() - began
        except OSError:
            if time.perf_counter() - began > 30:
                raise
            time.sleep(0.002)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def rss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


if __name__ == "__main__":
    main()
