from pathlib import Path

from netemu.model.meta import Object, uid_of
from netemu.model.resources import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
)
from netemu.node.folders import volume_folder
from tests.support.node import World, shell, world

CONF: Object = {"metadata": {"name": "conf", "namespace": "default"}, "data": {"a": "1"}}
FROM_CONF = {"name": "conf", "configMap": {"name": "conf"}}


def conf_file(cluster: World) -> Path:
    return volume_folder(cluster.home, uid_of(cluster.pod())) / "conf" / "a"


async def test_without_a_view_of_their_own_containers_are_told_where_volumes_are(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as cluster:
        await cluster.client.create(CONFIG_MAPS, CONF)
        script = shell("cat $NETEMU_VOLUME_CONF/a; echo; ls -d $NETEMU_VOLUME_TMP_DIR; sleep 60")
        await cluster.run(script, volumes=[FROM_CONF, {"name": "tmp-dir", "emptyDir": {}}])
        await cluster.says("F 1")
        await cluster.says("/.volumes/tmp-dir")


async def test_a_pod_waits_for_its_config_map_and_follows_it(tmp_path: Path) -> None:
    async with world(tmp_path) as cluster:
        await cluster.run(shell("sleep 60"), volumes=[FROM_CONF])
        [words] = await cluster.told("FailedMount")
        assert words == ('MountVolume.SetUp failed for volume "conf" : configmap "conf" not found')
        await cluster.state("waiting", "ContainerCreating")
        made = await cluster.client.create(CONFIG_MAPS, CONF)
        await cluster.state("running")
        assert conf_file(cluster).read_text() == "1"
        await cluster.client.update(CONFIG_MAPS, {**made, "data": {"a": "2"}})
        await cluster.until(lambda: conf_file(cluster).read_text() == "2")


async def test_labels_of_the_downward_api_follow_the_pod(tmp_path: Path) -> None:
    item = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    async with world(tmp_path) as cluster:
        volume = {"name": "me", "downwardAPI": {"items": [item]}}
        await cluster.run(shell("sleep 60"), volumes=[volume])
        await cluster.state("running")
        pod = cluster.pod()
        file = volume_folder(cluster.home, uid_of(pod)) / "me" / "labels"
        labelled = {**pod, "metadata": {**pod["metadata"], "labels": {"tier": "x"}}}
        await cluster.client.update(PODS, labelled)
        await cluster.until(lambda: file.read_text() == 'tier="x"')


async def test_a_claim_is_where_its_volume_says_once_it_is_bound(tmp_path: Path) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    metadata = {"name": "data", "namespace": "default"}
    folder = tmp_path / "disk"
    async with world(tmp_path / "home") as cluster:
        source = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        await cluster.run(shell("echo kept > $NETEMU_VOLUME_DATA/file; sleep 60"), volumes=[source])
        [words] = await cluster.told("FailedMount")
        assert words.endswith('persistentvolumeclaim "data" not found')
        claim = await cluster.client.create(
            PERSISTENT_VOLUME_CLAIMS, {"metadata": metadata, "spec": {**spec, "volumeName": "v"}}
        )
        volume_spec = {
            "capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": str(folder)},
            "claimRef": {"namespace": "default", "name": "data", "uid": uid_of(claim)},
        }
        await cluster.client.create(
            PERSISTENT_VOLUMES, {"metadata": {"name": "v"}, "spec": volume_spec}
        )
        await cluster.client.update_status(
            PERSISTENT_VOLUME_CLAIMS, {**claim, "status": {"phase": "Bound"}}
        )
        await cluster.state("running")
        await cluster.until(lambda: (folder / "file").exists())
    assert (folder / "file").read_text() == "kept\n"


async def test_what_belongs_to_the_pod_goes_with_it_and_nothing_else(tmp_path: Path) -> None:
    host = tmp_path / "host"
    async with world(tmp_path / "home") as cluster:
        volumes = [
            {"name": "mine", "emptyDir": {}},
            {"name": "theirs", "hostPath": {"path": str(host), "type": "DirectoryOrCreate"}},
        ]
        await cluster.run(
            shell("echo x > $NETEMU_VOLUME_THEIRS/kept; exec sleep 60"), volumes=volumes
        )
        await cluster.until(lambda: (host / "kept").exists())
        folder = volume_folder(cluster.home, uid_of(cluster.pod()))
        assert (folder / "mine").is_dir()
        await cluster.clear()
        await cluster.until(lambda: not folder.exists())
    assert (host / "kept").exists()


async def test_kinds_nobody_mounts_are_told(tmp_path: Path) -> None:
    async with world(tmp_path) as cluster:
        volume = {"name": "far", "nfs": {"server": "s", "path": "/"}}
        await cluster.run(shell("sleep 60"), volumes=[volume])
        [words] = await cluster.told("FailedMount")
        assert words.endswith("netemu has no volumes of type nfs")
