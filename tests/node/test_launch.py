import random
from pathlib import Path
from typing import Any

import pytest

from netemu.api.registry import Registry
from netemu.clock import SystemClock
from netemu.config.images import ImageMap, Program
from netemu.config.settings import NodeSettings
from netemu.model.resources import NAMESPACES, SERVICES
from netemu.node.addresses import PodAddresses
from netemu.node.context import Cluster, Node
from netemu.node.folders import own_folder
from netemu.node.launch import (
    DEFAULT_PATH,
    base_environment,
    files_of,
    pod_environment,
    program_of,
)
from netemu.node.pod import Pod, pod_from
from netemu.store.memory import MemoryStore
from netemu.tasks import task_group
from tests.support.node import LOOPBACK, container, pod
from tests.support.runtime import PlainRuntime

ADDRESS = "10.244.0.7"


class Isolated(PlainRuntime):
    isolated = True


async def add_service(registry: Registry, namespace: str, **spec: Any) -> None:
    client = registry.client("tests")
    if client.get(NAMESPACES, "", namespace) is None:
        await client.create(NAMESPACES, {"metadata": {"name": namespace}})
    metadata = {"name": "db", "namespace": namespace}
    ports = [{"port": 5432, "protocol": "TCP"}]
    await client.create(SERVICES, {"metadata": metadata, "spec": {"ports": ports, **spec}})


class Fixture:
    """One node, and what is asked of it."""

    def __init__(self, home: Path, registry: Registry, runtime: PlainRuntime, tasks: Any) -> None:
        recorder = registry.recorder("kubelet")
        cluster = Cluster(
            client=registry.client("kubelet"),
            runtime=runtime,
            clock=SystemClock(),
            tasks=tasks,
            rng=random.Random(1),
            settings=NodeSettings(),
            images=ImageMap(),
            zone="cluster.local",
            api="10.96.0.1",
            dns="10.96.0.10",
            loopback_dns="127.0.0.1:1053",
            home=home,
            environment={"PATH": "/usr/bin:/bin", "SECRET": "of the daemon"},
            allocatable={"cpu": "4"},
        )
        self.node = Node(
            cluster=cluster,
            name="node-1",
            address="172.30.0.11",
            addresses=PodAddresses([LOOPBACK.pod_range(1)]),
            recorder=recorder,
        )

    def base(self, target: Pod) -> dict[str, str]:
        return base_environment(target, target.containers[0], self.node, ADDRESS)

    def env(self, target: Pod) -> dict[str, str]:
        return pod_environment(target, target.containers[0], self.node, [ADDRESS])

    def program(self, target: Pod) -> tuple[str, ...]:
        env = self.env(target)
        found = program_of(target, target.containers[0], self.node, [ADDRESS], env)
        assert isinstance(found, Program)
        return found.argv


@pytest.fixture(params=[PlainRuntime, Isolated], ids=["loopback", "isolated"])
async def fixture(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    registry = Registry(
        MemoryStore(), clock=SystemClock(), rng=random.Random(1), addressing=LOOPBACK
    )
    async with registry, task_group() as tasks:
        await add_service(registry, "default", clusterIP="127.98.0.50")
        await add_service(registry, "other", clusterIP="127.98.0.51")
        yield Fixture(tmp_path, registry, request.param(), tasks)


async def test_every_container_has_these(fixture: Fixture, tmp_path: Path) -> None:
    target = pod_from(pod())
    env = fixture.base(target)
    assert env["PATH"] == "/usr/bin:/bin"
    assert env["HOME"] == str(own_folder(tmp_path, target.uid, "main"))
    assert env["HOSTNAME"] == "web"
    assert "SECRET" not in env


async def test_only_in_loopback_mode_a_program_is_told_its_address(fixture: Fixture) -> None:
    told = fixture.base(pod_from(pod()))
    if fixture.node.cluster.runtime.isolated:
        assert not {"HOST", "POD_IP", "NETEMU_DNS", "NETEMU_SEARCH"} & told.keys()
    else:
        assert told["HOST"] == told["POD_IP"] == ADDRESS
        assert told["NETEMU_DNS"] == "127.0.0.1:1053"
        searches = "default.svc.cluster.local svc.cluster.local cluster.local"
        assert told["NETEMU_SEARCH"] == searches


async def test_services_of_the_pods_own_namespace_and_the_api(fixture: Fixture) -> None:
    env = fixture.env(pod_from(pod()))
    assert env["DB_SERVICE_HOST"] == "127.98.0.50"
    assert env["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"


async def test_without_service_links_only_the_api(fixture: Fixture) -> None:
    env = fixture.env(pod_from(pod(enableServiceLinks=False)))
    assert "DB_SERVICE_HOST" not in env
    assert env["KUBERNETES_PORT_443_TCP_PORT"] == "443"


async def test_where_redis_listens_and_writes(fixture: Fixture, tmp_path: Path) -> None:
    argv = fixture.program(pod_from(pod(container(image="redis"))))
    if "--bind" in argv:  # the machine's own
        isolated = fixture.node.cluster.runtime.isolated
        assert argv[argv.index("--bind") + 1] == ("0.0.0.0" if isolated else ADDRESS)
        assert argv[argv.index("--dir") + 1].startswith(str(tmp_path))
    assert argv


async def test_commands_and_arguments_are_expanded(fixture: Fixture) -> None:
    target = pod_from(
        pod(container(command=["sh", "-c"], args=["echo $(DB_SERVICE_HOST) $$(PATH) $(PATH)"]))
    )
    assert fixture.program(target)[-1] == "echo 127.98.0.50 $(PATH) $(PATH)"


async def test_the_pods_files(fixture: Fixture) -> None:
    files = files_of(pod_from(pod()), fixture.node, [ADDRESS])
    assert set(files) == {"/etc/hosts", "/etc/resolv.conf", "/etc/hostname"}
    assert "nameserver 10.96.0.10\n" in files["/etc/resolv.conf"]


def test_the_path_where_the_daemon_has_none() -> None:
    assert "/usr/bin" in DEFAULT_PATH.split(":")
