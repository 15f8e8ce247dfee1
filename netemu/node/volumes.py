"""A pod's volumes: made before its sandbox, kept up to date, mounted into its containers.

Each is a folder (or a file) of the host: below the pod's own folder, where it goes with the pod, or
wherever a hostPath or a claim's volume says. Containers see them by mounts in their private view.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from netemu.model.meta import Object, name_of, namespace_of, uid_of
from netemu.model.quantity import parse_quantity
from netemu.model.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from netemu.node import atomic_folder, host_path
from netemu.node.context import Node
from netemu.node.environment import ConfigError
from netemu.node.expansion import expand
from netemu.node.field_values import Place
from netemu.node.pod import Pod
from netemu.node.pod_tokens import PodTokens
from netemu.node.runtime import MemorySpec, MountSpec
from netemu.node.volume_files import Files, FileSources, VolumeError, files_of

HINT = "NETEMU_VOLUME_"
"""Begins the variables that tell where volumes are when nothing can be mounted."""


class Volume(Struct, frozen=True):
    """Where a volume is."""

    path: Path
    read_only: bool = False
    memory: int | None = None
    """Bytes of memory that cover the folder; 0: no bound of its own; None: it is on disk."""


class Volumes:
    """The volumes of one pod."""

    def __init__(self, node: Node, folder: Path) -> None:
        """`folder`: where those that go with the pod are made."""
        self._node = node
        self._folder = folder
        self._ready: dict[str, Volume] = {}
        self._files: dict[str, Files] = {}
        self._tokens = PodTokens(node.cluster.tokens, node.cluster.clock)

    async def prepare(self, pod: Pod) -> None:
        """Make every volume. Raises VolumeError, which says what the kubelet's event would."""
        for item in pod.obj["spec"].get("volumes") or ():
            try:
                self._ready[item["name"]] = await self._prepared(pod.obj, item)
            except (VolumeError, OSError) as error:
                why = error.strerror if isinstance(error, OSError) else None
                words = f'MountVolume.SetUp failed for volume "{item["name"]}" : {why or error}'
                raise VolumeError(words) from error

    @property
    def due(self) -> float | None:
        """When a token wants to be renewed, by the monotonic clock; None: never."""
        return self._tokens.due

    async def refresh(self, pod: Pod) -> None:
        """Bring files up to date; what is missing now stays as it was."""
        for item in pod.obj["spec"].get("volumes") or ():
            if item["name"] in self._files:
                try:
                    await self._write(pod.obj, item)
                except (VolumeError, OSError):
                    continue

    async def _prepared(self, pod: Object, item: Object) -> Volume:
        if await self._write(pod, item):
            return Volume(self._place(item), read_only=True)
        if item.get("emptyDir") is not None:
            return await self._empty(pod, item)
        if item.get("hostPath") is not None:
            return await self._host(item["hostPath"])
        if item.get("persistentVolumeClaim") is not None:
            return await self._claimed(pod, item["persistentVolumeClaim"])
        kinds = [key for key in item if key != "name"]
        raise VolumeError(f"netemu has no volumes of type {', '.join(kinds)}")

    def _place(self, item: Object) -> Path:
        return self._folder / str(item["name"])

    async def _write(self, pod: Object, item: Object) -> bool:
        """Write a volume's files if they aren't so yet; whether it is made of files."""
        files = files_of(pod, item, self._sources(pod))
        if files is None:
            return False
        name = item["name"]
        if self._files.get(name) != files:
            await asyncio.to_thread(atomic_folder.write, self._place(item), files, _group(pod))
            self._files[name] = files
        return True

    def _sources(self, pod: Object) -> FileSources:
        cluster, namespace = self._node.cluster, namespace_of(pod)
        place = Place(pod_ips=("",), host_ips=self._node.own, allocatable=cluster.allocatable)
        return FileSources(
            lookup=lambda resource, name: cluster.client.get(resource, namespace, name),
            place=place,
            tokens=self._tokens,
        )

    async def _empty(self, pod: Object, item: Object) -> Volume:
        path = self._place(item)
        await asyncio.to_thread(_make_open, path, _group(pod))
        if item["emptyDir"].get("medium") != "Memory" or not self._node.cluster.runtime.isolated:
            return Volume(path)
        limit = item["emptyDir"].get("sizeLimit")
        return Volume(path, memory=int(parse_quantity(str(limit))) if limit else 0)

    async def _host(self, source: Object) -> Volume:
        path = Path(source["path"])
        await asyncio.to_thread(host_path.prepare, path, source.get("type") or "")
        return Volume(path)

    async def _claimed(self, pod: Object, source: Object) -> Volume:
        client, name = self._node.cluster.client, source["claimName"]
        claim = client.get(PERSISTENT_VOLUME_CLAIMS, namespace_of(pod), name)
        if claim is None:
            raise VolumeError(f'persistentvolumeclaim "{name}" not found')
        if (claim.get("status") or {}).get("phase") != "Bound":
            raise VolumeError("PVC is not bound")
        found = client.get(PERSISTENT_VOLUMES, "", claim["spec"]["volumeName"])
        if found is None or (found["spec"].get("claimRef") or {}).get("uid") != uid_of(claim):
            raise VolumeError(f"volume {claim['spec']['volumeName']} is not bound to the claim")
        spec = found["spec"]
        path = (spec.get("hostPath") or spec.get("local") or {}).get("path")
        if path is None:
            raise VolumeError(f"netemu has no volumes like {name_of(found)}")
        kind = (spec.get("hostPath") or {}).get("type") or ""
        await asyncio.to_thread(host_path.prepare, Path(path), kind)
        if uid_of(claim) in path:  # one of our own making: any program may write to it
            await asyncio.to_thread(_make_open, Path(path), _group(pod))
        return Volume(Path(path), read_only=bool(source.get("readOnly")))

    @property
    def memory(self) -> list[MemorySpec]:
        """The volumes that live in memory."""
        return [
            MemorySpec(str(volume.path), volume.memory)
            for volume in self._ready.values()
            if volume.memory is not None
        ]

    def mounts(self, container: Object, env: Mapping[str, str]) -> list[MountSpec]:
        """What a container mounts; `env` fills in subPathExpr. Raises ConfigError."""
        found = []
        for item in container.get("volumeMounts") or ():
            volume = self._ready.get(item["name"])
            if volume is None:
                continue
            inner = item.get("subPath") or expand(item.get("subPathExpr") or "", env)
            if inner.startswith("/") or ".." in inner.split("/"):
                why = "must be a relative path" if inner.startswith("/") else "must not contain .."
                raise ConfigError(f'subPath "{inner}" {why}')
            found.append(
                MountSpec(
                    source=str(volume.path / inner) if inner else str(volume.path),
                    target=item["mountPath"],
                    read_only=volume.read_only or bool(item.get("readOnly")),
                )
            )
        return found

    def hints(self) -> dict[str, str]:
        """Variables that tell where the volumes are, for containers that can't mount any."""
        return {
            HINT + name.upper().replace("-", "_").replace(".", "_"): str(volume.path)
            for name, volume in self._ready.items()
        }


def _group(pod: Object) -> int | None:
    """The group that a pod's volumes belong to."""
    found: int | None = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    return found


def _make_open(path: Path, group: int | None) -> None:
    """A folder that a process of any user may write to (the kubelet makes them so, too); what is
    made in it belongs to the group.
    """
    path.mkdir(parents=True, exist_ok=True)
    mode = 0o777
    if group is not None:
        with suppress(PermissionError):  # who isn't root gives files to his own groups only
            os.chown(path, -1, group)
            mode = 0o2777
    if path.stat().st_mode & 0o7777 != mode:
        path.chmod(mode)
