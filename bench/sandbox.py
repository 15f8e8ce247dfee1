"""How long a pod's sandbox takes: namespaces, link, addresses, routes, files."""

import asyncio
import tempfile
import time
from pathlib import Path

from bench.figures import percentile, told
from netemu.config.settings import NetMode, Settings
from netemu.node.runtime import SandboxSpec
from netemu.node.spawner.launch import launch
from netemu.tasks import task_group

PODS = 50


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="netemu-bench-") as folder:
        settings = Settings(name="bench", state_dir=Path(folder), net=NetMode.ROOTLESS)
        launching = launch(settings)
        launched = launching.ready()
        try:
            took = asyncio.run(create(launched.runtime, launched.addressing))
        finally:
            launched.stop()
    print(told("a pod's sandbox, one after the other", [t * 1000 for t in took], "ms", "≤ 15"))
    print(f"{'':<46} {percentile(took, 0.99) * 1000:8.2f} ms   at the 99th percentile")


async def create(runtime, addressing) -> list[float]:  # type: ignore[no-untyped-def]
    """Seconds for each sandbox."""
    took = []
    async with task_group():
        for number in range(PODS):
            spec = SandboxSpec(
                id=f"pod-{number}",
                hostname=f"pod-{number}",
                address=str(addressing.pod_range(1)[number + 2]),
                node_address=addressing.node(1),
                files={"/etc/hosts": "127.0.0.1 localhost\n", "/etc/resolv.conf": "\n"},
            )
            began = time.perf_counter()
            await runtime.create_sandbox(spec)
            took.append(time.perf_counter() - began)
    return took


if __name__ == "__main__":
    main()
