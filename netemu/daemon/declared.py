"""What ``netemu watch`` asks for: a file's objects applied server-side, and others pruned.

Each object of a file is applied for itself, so a mistake in one doesn't keep back the others; a
file that can't be read as a whole changes nothing.
"""

from typing import Any, Final

from netemu.api import apply as serverside
from netemu.api.apply import Applier
from netemu.api.registry import Registry
from netemu.api.writeoptions import WriteOptions
from netemu.daemon import manifests
from netemu.daemon.asking import Refused
from netemu.daemon.manifests import Wanted
from netemu.model.client import DeleteOptions
from netemu.model.errors import ApiError, Conflict, NotFound
from netemu.model.meta import Object, name_of, namespace_of, uid_of

MANAGER: Final = "netemu-watch"

Declared = list[str]
"""One object: resource, namespace, name, uid, and its title."""


async def apply(registry: Registry, source: str, text: str) -> dict[str, Any]:
    """Apply one file: a line per object that changed, one per error, and what the file declares."""
    try:
        wanted = list(manifests.read(registry.catalog, source, text))
    except Refused as refused:
        return {"lines": [], "errors": [str(refused)], "objects": None}
    lines, errors, objects = [], [], list[Declared]()
    for each in wanted:
        try:
            verb, stored = await _apply(registry, each)
        except ApiError as error:
            errors.append(f"{source}: {each.title}: {error}")
            continue
        objects.append(
            [each.resource.key, namespace_of(stored), name_of(stored), uid_of(stored), each.title]
        )
        if verb:
            lines.append(f"{each.title} {verb}")
    return {"lines": lines, "errors": errors, "objects": objects}


async def _apply(registry: Registry, each: Wanted) -> tuple[str, Object]:
    """What became of the object ("" for nothing), and its state. Raises ApiError."""
    applier = Applier(manager=MANAGER, force=True)
    key = namespace_of(each.obj), name_of(each.obj)
    before = registry.lookup(each.resource.key, *key)
    now = registry.clock.now()

    def change(live: Object | None) -> Object:
        return serverside.applied(each.resource, live, each.obj, applier, now=now)

    options = WriteOptions(manager=MANAGER, tracked=True)
    record, new = await registry.apply(each.resource, key, change, options)
    if new:
        return "created", record.obj
    return ("" if before is record.obj else "configured"), record.obj


async def prune(registry: Registry, objects: list[Declared]) -> list[str]:
    """Delete what is no longer declared, unless it is another object of that name by now."""
    lines = []
    for key, namespace, name, uid, title in objects:
        resource = registry.catalog.by_key.get(key)
        if resource is None:
            continue
        try:
            await registry.delete(resource, (namespace, name), DeleteOptions(uid=uid))
        except (NotFound, Conflict):
            continue
        except ApiError as error:
            lines.append(f"{title} can't be pruned: {error}")
            continue
        lines.append(f"{title} pruned")
    return lines
