"""Volumes in a container's view, where namespaces make one possible."""

import os
from pathlib import Path

import pytest

from netemu.config.settings import NetMode
from netemu.node.runtime import MemorySpec, MountSpec, SandboxSpec, Security, StartError
from netemu.node.spawner.launch import Launched
from tests.support import instance


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """Two volumes that anybody may write to: a with a file in it, and b."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner() and folder.name.startswith(("pytest", "test")):
            folder.chmod(0o755)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    (tmp_path / "a" / "hello").write_text("hi\n")
    return tmp_path


def run(mode: NetMode, script: str, *mounts: MountSpec) -> str:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        return await instance.shell(launched, "web", script, mounts=mounts)

    return instance.in_instance(mode, body)


@pytest.mark.parametrize("target", ["/var/data", "/surely/not/there", "/mnt", "/etc/web/conf"])
def test_a_volume_is_mounted_where_it_is_wanted(
    isolated: NetMode, volumes: Path, target: str
) -> None:
    before = os.path.exists(target)
    mount = MountSpec(source=str(volumes / "a"), target=target)
    told = run(isolated, f"cat {target}/hello; echo new > {target}/more", mount)
    assert told == "hi\n"
    assert (volumes / "a" / "more").read_text() == "new\n"
    assert os.path.exists(target) is before


def test_the_rest_of_the_file_system_stays_in_sight(isolated: NetMode, volumes: Path) -> None:
    mount = MountSpec(source=str(volumes / "a"), target="/nowhere/at/all")
    told = run(isolated, "test -x /bin/sh; ls /usr/bin >/dev/null && cat /proc/1/comm", mount)
    assert told in ("sh\n", "cat\n")


def test_a_file_is_mounted_as_a_file(isolated: NetMode, volumes: Path) -> None:
    mount = MountSpec(source=str(volumes / "a" / "hello"), target="/etc/netemu-test/greeting")
    assert run(isolated, "cat /etc/netemu-test/greeting", mount) == "hi\n"


def test_read_only_is_read_only(isolated: NetMode, volumes: Path) -> None:
    mount = MountSpec(source=str(volumes / "a"), target="/data", read_only=True)
    told = run(isolated, "cat /data/hello; echo x > /data/new", mount)
    assert told.startswith("hi\n")
    assert "Read-only file system" in told
    assert not (volumes / "a" / "new").exists()


def test_mounts_inside_of_mounts_and_over_each_others_sources(
    isolated: NetMode, volumes: Path
) -> None:
    told = run(
        isolated,
        "cat /data/hello; echo x > /data/inner/y; ls /data/inner",
        MountSpec(source=str(volumes / "b"), target="/data/inner"),
        MountSpec(source=str(volumes / "a"), target="/data", read_only=True),
    )
    assert told == "hi\ny\n"
    assert (volumes / "b" / "y").exists()
    over = MountSpec(source=str(volumes / "a"), target=str(volumes))
    other = MountSpec(source=str(volumes / "b"), target="/data")
    assert run(isolated, f"ls {volumes}; cat /data/y", over, other) == "hello\ninner\nx\n"


def test_a_source_that_is_not_there_becomes_a_folder(isolated: NetMode, volumes: Path) -> None:
    mount = MountSpec(source=str(volumes / "b" / "sub" / "path"), target="/data")
    run(isolated, "echo x > /data/y", mount)
    assert (volumes / "b" / "sub" / "path" / "y").exists()


def test_what_cannot_be_mounted_is_told_in_the_runtimes_words(
    isolated: NetMode, volumes: Path
) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        mount = MountSpec(source=str(volumes / "a" / "hello"), target="/usr")
        try:
            await instance.start(launched, "web", "/bin/true", mounts=[mount])
        except StartError as error:
            return str(error)
        return ""

    told = instance.in_instance(isolated, body)
    assert f'error mounting "{volumes}/a/hello" to rootfs at "/usr": not a directory' in told


def test_memory_is_shared_by_a_pods_containers_and_never_seen_on_disk(
    isolated: NetMode, volumes: Path
) -> None:
    async def body(launched: Launched) -> str:
        spec = SandboxSpec(
            id="web",
            hostname="web",
            address=str(launched.addressing.pod_range(1)[9]),
            node_address=launched.addressing.node(1),
            files={},
            memory=[MemorySpec(str(volumes / "b"), 1 << 20)],
        )
        await launched.runtime.create_sandbox(spec)
        mount = MountSpec(source=str(volumes / "b"), target="/shared")
        await instance.shell(launched, "web", "echo hi > /shared/x", mounts=[mount])
        script = "cat /shared/x; head -c 2000000 /dev/zero > /shared/y || echo full"
        return await instance.shell(launched, "web", script, mounts=[mount])

    told = instance.in_instance(isolated, body)
    assert told.startswith("hi\n")
    assert told.endswith("full\n")
    assert list((volumes / "b").iterdir()) == []


def test_a_locked_root_leaves_the_volumes(isolated: NetMode, volumes: Path) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        script = f"echo x > {volumes}/no; echo x > /data/yes; echo x > /dev/shm/yes; cat /data/yes"
        mount = MountSpec(source=str(volumes / "a"), target="/data")
        locked = Security(read_only_root=True)
        return await instance.shell(launched, "web", script, mounts=[mount], security=locked)

    told = instance.in_instance(isolated, body)
    assert told.splitlines()[-1] == "x"
    assert "Read-only file system" in told
    assert not (volumes / "no").exists()
