"""The persistent volume controller: looks at claims and volumes, plans (`volumeplan`), does it."""

import asyncio
import shutil
from collections.abc import Iterable

from netemu.controllers.actions import execute
from netemu.controllers.index import Index
from netemu.controllers.reclaimplan import Erase, Step, VolumeSeen, plan_volume
from netemu.controllers.runner import Context
from netemu.controllers.volumeplan import ClaimSeen, plan_claim
from netemu.model import storage
from netemu.model.client import Change
from netemu.model.meta import Object, key_of, name_of, namespace_of
from netemu.model.resources import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
)

Entry = tuple[str, str, str]
"""(resource, namespace, name)."""


def users(pod: Object) -> Iterable[tuple[str, str]]:
    """The claims that a pod uses: (namespace, name); the groups of an index."""
    return [(namespace_of(pod), name) for name in storage.claims_of(pod)]


class VolumeController:
    """Brings claims and volumes in line."""

    resources = (PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES, PODS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._folder = context.volumes
        self._pods = Index(context.client, users)

    def observe(self, change: Change) -> Iterable[Entry]:
        """A claim's or volume's change, and whatever may let an unbound claim be bound."""
        obj = change.object
        if change.resource == PODS:
            self._pods.observe(change)
            return self._claims_of(change)
        if change.resource == STORAGE_CLASSES:
            return self._unbound()
        entries: list[Entry] = [(change.resource, *key_of(obj))]
        if change.resource == PERSISTENT_VOLUMES:
            reference = obj["spec"].get("claimRef")
            if reference:
                claim = reference.get("namespace", ""), reference["name"]
                entries.append((PERSISTENT_VOLUME_CLAIMS, *claim))
            elif storage.phase_of(obj) == "Available":
                entries += self._unbound()
        elif obj["spec"].get("volumeName"):
            entries.append((PERSISTENT_VOLUMES, "", obj["spec"]["volumeName"]))
        return entries

    def _claims_of(self, change: Change) -> Iterable[Entry]:
        """Claims learn of pods that come, get a node, or go."""
        nodes = [obj["spec"].get("nodeName") for obj in (change.old, change.new) if obj is not None]
        if len(nodes) == 2 and nodes[0] == nodes[1]:
            return ()
        return [(PERSISTENT_VOLUME_CLAIMS, *claim) for claim in users(change.object)]

    def _unbound(self) -> Iterable[Entry]:
        return [
            (PERSISTENT_VOLUME_CLAIMS, *key_of(claim))
            for claim in self._client.list(PERSISTENT_VOLUME_CLAIMS)
            if storage.phase_of(claim) == "Pending"
        ]

    async def sync(self, key: Entry) -> float | None:
        """Take one step for a claim or volume."""
        obj = self._client.get(*key)
        if obj is None:
            return None
        for step in self._planned(key[0], obj):
            if isinstance(step, Erase):
                await asyncio.to_thread(shutil.rmtree, step.path, ignore_errors=True)
            else:
                await execute(self._client, self._recorder, (step,))
        return None

    def _planned(self, resource: str, obj: Object) -> list[Step]:
        if resource == PERSISTENT_VOLUMES:
            reference = obj["spec"].get("claimRef") or {}
            where = reference.get("namespace", ""), reference.get("name", "")
            claim = self._client.get(PERSISTENT_VOLUME_CLAIMS, *where) if reference else None
            return plan_volume(VolumeSeen(volume=obj, claim=claim, folder=self._folder))
        return plan_claim(
            ClaimSeen(
                claim=obj,
                volumes=self._volumes_for(obj),
                classes=self._client.list(STORAGE_CLASSES),
                consumers=self._pods.objects(key_of(obj)),
                folder=self._folder,
            )
        )

    def _volumes_for(self, claim: Object) -> list[Object]:
        """The volume that a bound claim names, else all there are."""
        name = claim["spec"].get("volumeName")
        if not name:
            return self._client.list(PERSISTENT_VOLUMES)
        volume = self._client.get(PERSISTENT_VOLUMES, "", name)
        return [volume] if volume is not None and name_of(volume) == name else []
