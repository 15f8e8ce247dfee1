"""The deployment controller: looks, plans a step (`deploymentplan`), takes it."""

from collections.abc import Iterable

from netemu.controllers import deploymentstatus, rollout
from netemu.controllers.actions import Action, Create, Tell, WriteStatus, execute, namespace_ends
from netemu.controllers.claims import touched_by
from netemu.controllers.deploymentplan import Observed, plan
from netemu.controllers.index import Index, ownership
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.errors import ApiError, Conflict
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)


class DeploymentController:
    """Brings Deployments in line."""

    resources = (resources.DEPLOYMENTS, resources.REPLICA_SETS, resources.PODS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._sets = Index(context.client, ownership)
        self._pods = Index(context.client, ownership)

    def observe(self, change: Change) -> Iterable[Key]:
        """A Deployment's own change, its ReplicaSets', and with Recreate its pods'."""
        if change.resource == resources.DEPLOYMENTS:
            return (key_of(change.object),)
        if change.resource == resources.PODS:
            self._pods.observe(change)
            return self._waiting_for(change)
        self._sets.observe(change)
        return touched_by(self._client, resources.DEPLOYMENTS, "Deployment", change)

    def _waiting_for(self, change: Change) -> Iterable[Key]:
        """With Recreate the last pod's end lets the new ones start."""
        pod = change.object
        owner = controller_of(pod)
        if owner is None or owner["kind"] != "ReplicaSet":
            return
        owning = self._client.get(resources.REPLICA_SETS, namespace_of(pod), owner["name"])
        over = controller_of(owning) if owning is not None else None
        if over is None or over["kind"] != "Deployment":
            return
        deployment = self._client.get(resources.DEPLOYMENTS, namespace_of(pod), over["name"])
        if deployment is not None and _recreates(deployment):
            yield key_of(deployment)

    async def sync(self, key: Key) -> float | None:
        """Take one step for a Deployment."""
        obj = self._client.get(resources.DEPLOYMENTS, *key)
        if obj is None:
            return None
        seen = self._look(obj)
        await self._execute(seen, plan(seen))
        return self._again(key)

    def _look(self, obj: Object) -> Observed:
        namespace = namespace_of(obj)
        sets = self._sets.objects(("owner", uid_of(obj)))
        orphans = self._sets.objects(("orphan", namespace))
        pods: list[Object] = []
        if _recreates(obj):
            for item in sets:
                pods += self._pods.objects(("owner", uid_of(item)))
        return Observed(
            deployment=obj,
            sets=[*sets, *orphans],
            pods=pods,
            taken=frozenset(map(name_of, self._client.list(resources.REPLICA_SETS, namespace))),
            now=self._clock.now(),
        )

    async def _execute(self, seen: Observed, actions: list[Action]) -> None:
        try:
            await execute(self._client, self._recorder, actions, self._wrote)
        except Conflict:
            raise
        except ApiError as error:
            create = next((item for item in actions if isinstance(item, Create)), None)
            if create is None:
                raise
            if not namespace_ends(error):
                await self._report(seen, name_of(create.obj), error)
                raise

    def _wrote(self, resource: str, obj: Object) -> None:
        """Count a new ReplicaSet in; a Deployment's own labels often match its selector."""
        if resource == resources.REPLICA_SETS:
            self._sets.put(resource, obj)

    async def _report(self, seen: Observed, name: str, error: ApiError) -> None:
        """Say that the new ReplicaSet could not be created."""
        deployment = rollout.deployment_from(seen.deployment)
        status = deploymentstatus.failed_creation(deployment, name, error.message, seen.now)
        message = f'Failed to create new replica set "{name}": {error.message}'
        told = Tell(seen.deployment, "Warning", deploymentstatus.CREATE_FAILED, message)
        written = WriteStatus(resources.DEPLOYMENTS, seen.deployment, status)
        await execute(self._client, self._recorder, [told, written])

    def _again(self, key: Key) -> float | None:
        obj = self._client.get(resources.DEPLOYMENTS, *key)
        if obj is None:
            return None
        deployment = rollout.deployment_from(obj)
        status = obj.get("status") or {}
        return deploymentstatus.seconds_to_deadline(deployment, status, self._clock.now())


def _recreates(deployment: Object) -> bool:
    strategy = deployment["spec"].get("strategy") or {}
    return bool(strategy.get("type") == rollout.Strategy.RECREATE)
