"""The whole agent, in the sizes and speeds that were promised."""

from pathlib import Path

from netemu.clock import SystemClock
from netemu.model.meta import Object
from netemu.model.resources import PODS
from tests.support.node import container, shell, world

NOW = SystemClock().monotonic


async def test_entering_means_registered(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.agent.registered()


async def test_an_http_readiness_probe_by_a_named_port(tmp_path: Path) -> None:
    probe = {"httpGet": {"path": "/", "port": "web"}}
    echo = container(
        image="ghcr.io/subicura/echo:v2",
        ports=[{"name": "web", "containerPort": 3000}],
        readinessProbe=probe,
    )
    async with world(tmp_path) as it:
        began = NOW()
        await it.run(echo)
        await it.ready()
        # A period is ten seconds; a program that begins to listen is not made to wait for it.
        assert NOW() - began < 5
        assert it.main()["image"] == "ghcr.io/subicura/echo:v2"


async def test_many_pods_at_once(tmp_path: Path) -> None:
    probe: Object = {"exec": {"command": ["true"]}}
    async with world(tmp_path) as it:
        for number in range(30):
            probes = {"readinessProbe": probe} if number % 10 == 0 else {}
            await it.run(shell("exec sleep 60") | probes, name=f"web-{number}")

        def ready() -> bool:
            return all(it.main(f"web-{number}").get("ready") for number in range(30))

        await it.until(ready)
        addresses = {obj["status"]["podIP"] for obj in it.client.list(PODS)}
        assert len(addresses) == 30
