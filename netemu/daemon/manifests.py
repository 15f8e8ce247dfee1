"""``netemu up -f``: manifests applied by the daemon itself, for machines without kubectl.

An object that isn't there is created; one that is gets the manifest merged into it. Everything is
read and checked before anything is written, so a mistake in the last file leaves nothing half
done.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from netemu.api import patch, strict
from netemu.api.registry import Registry
from netemu.daemon.asking import Refused
from netemu.model.catalog import Catalog
from netemu.model.errors import ApiError
from netemu.model.meta import Object, name_of, namespace_of
from netemu.model.resources import Resource

MANAGER = "netemu-up"
MERGE = "application/merge-patch+json"


class Wanted(Struct, frozen=True):
    """One object of a manifest."""

    source: str
    resource: Resource
    obj: Object

    @property
    def title(self) -> str:
        """As kubectl names it."""
        group = f".{self.resource.group}" if self.resource.group else ""
        return f"{self.resource.singular}{group}/{name_of(self.obj)}"


async def apply(registry: Registry, files: list[dict[str, str]]) -> list[str]:
    """Apply the files' objects in order; a line for each, as kubectl words it. Raises Refused."""
    wanted = [
        each for file in files for each in read(registry.catalog, file["source"], file["text"])
    ]
    client = registry.client(MANAGER)
    lines = []
    for each in wanted:
        key, namespace, name = each.resource.key, namespace_of(each.obj), name_of(each.obj)
        try:
            current = client.get(key, namespace, name)
            if current is None:
                await client.create(key, each.obj)
                verb = "created"
            else:
                merged = patch.apply(each.resource, MERGE, current, msgspec.json.encode(each.obj))
                stored = await client.update(key, merged)
                same = (
                    stored["metadata"]["resourceVersion"] == current["metadata"]["resourceVersion"]
                )
                verb = "unchanged" if same else "configured"
        except ApiError as error:
            raise Refused(f"{each.source}: {error}") from None
        lines.append(f"{each.title} {verb}")
    return lines


def read(catalog: Catalog, source: str, text: str) -> Iterator[Wanted]:
    """The objects of a manifest, each as its kind's schema has it. Raises Refused."""
    import yaml  # late: only instances started with -f read manifests

    try:
        documents = list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError as error:
        raise Refused(f"{source} is not YAML: {' '.join(str(error).split())}") from None
    for document in documents:
        if document is not None:
            yield from _objects(catalog, source, document)


def _objects(catalog: Catalog, source: str, document: Any) -> Iterator[Wanted]:
    if not isinstance(document, dict) or "kind" not in document or "apiVersion" not in document:
        raise Refused(f"{source}: every object needs apiVersion and kind")
    if document["kind"] == "List":
        for item in document.get("items") or ():
            yield from _objects(catalog, source, item)
        return
    resource = catalog.by_kind.get((document["apiVersion"], document["kind"]))
    if resource is None:
        raise Refused(
            f'{source}: no matches for kind "{document["kind"]}" in version '
            f'"{document["apiVersion"]}"'
        )
    try:
        obj, problems = strict.check(resource, document)
    except ApiError as error:
        raise Refused(f"{source}: {error}") from None
    if problems:
        raise Refused(f"{source}: strict decoding error: {', '.join(problems)}")
    if not (obj.get("metadata") or {}).get("name"):
        raise Refused(f"{source}: a {resource.kind} needs metadata.name")
    if resource.namespaced and not obj["metadata"].get("namespace"):
        obj = {**obj, "metadata": {**obj["metadata"], "namespace": "default"}}
    yield Wanted(source, resource, obj)
