"""Carrying out an eviction: the budget pays, the pod says why it goes, and is deleted."""

from dataclasses import replace

from netemu.api import eviction
from netemu.api.parts import Part
from netemu.api.registry import Registry
from netemu.api.writeoptions import WriteOptions
from netemu.model.client import DeleteOptions
from netemu.model.errors import Conflict
from netemu.model.meta import Key, name_of, uid_of
from netemu.model.resources import BY_KEY, POD_DISRUPTION_BUDGETS, PODS

ATTEMPTS = 20
"""How often an eviction starts over because its budget was written by somebody else."""


async def evict(registry: Registry, key: Key, options: DeleteOptions, write: WriteOptions) -> None:
    """Evict a pod. Raises ApiError, Conflict, NotFound, TooManyRequests."""
    pods = BY_KEY[PODS]
    for _ in range(ATTEMPTS):
        try:
            pod = registry.get(pods, key).obj
            await _pay(registry, key, write)
            break
        except Conflict:
            continue
    else:
        raise Conflict(PODS, key[1])
    if not write.dry_run:
        now = registry.clock.now()
        await registry.update(pods, key, lambda obj: eviction.marked(obj, now), write, Part.STATUS)
    uid = options.uid or uid_of(pod)
    await registry.delete(pods, key, replace(options, uid=uid, dry_run=write.dry_run), write)


async def _pay(registry: Registry, key: Key, write: WriteOptions) -> None:
    """Have the budget pay. Raises Conflict when it was written meanwhile."""
    pod = registry.get(BY_KEY[PODS], key).obj
    listed = registry.store.list(POD_DISRUPTION_BUDGETS, key[0])
    budgets = eviction.budgets_of(pod, (record.obj for record in listed))
    paid = eviction.judge(pod, budgets, registry.clock.now()).budget
    if paid is not None:
        where = key[0], name_of(paid)
        budget = BY_KEY[POD_DISRUPTION_BUDGETS]
        await registry.update(budget, where, lambda _: paid, write, Part.STATUS)
