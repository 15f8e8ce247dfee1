"""What configMap, secret, downwardAPI and projected volumes hold: files by path. Pure.

The words of what is missing are the kubelet's (pkg/volume).
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from netemu.model.meta import Object
from netemu.model.resources import CONFIG_MAPS, SECRETS
from netemu.node.field_values import Place, field_value, resource_value

MODE = 0o644

Lookup = Callable[[str, str], Object | None]
"""A ConfigMap or Secret of the pod's namespace: (resource, name)."""

Tokens = Callable[[Object, Object], bytes | None]
"""The token that a pod's serviceAccountToken source asks for; None: nobody makes any."""


class VolumeError(Exception):
    """A volume can't be had now; the text is what the kubelet's event says."""


class File(Struct, frozen=True):
    """One file of a volume."""

    data: bytes
    mode: int = MODE


Files = Mapping[str, File]
"""By path, relative to the volume."""


def no_tokens(pod: Object, source: Object) -> bytes | None:
    """Nobody makes tokens."""
    return None


class FileSources(Struct, frozen=True, kw_only=True):
    """Where contents come from."""

    lookup: Lookup
    place: Place
    tokens: Tokens = no_tokens


def files_of(pod: Object, volume: Object, sources: FileSources) -> Files | None:
    """The files of a volume; None if it isn't made of files. Raises VolumeError."""
    if "configMap" in volume:
        return _keyed(CONFIG_MAPS, volume["configMap"], volume["configMap"], sources)
    if "secret" in volume:
        source = volume["secret"]
        named = {**source, "name": source.get("secretName") or ""}
        return _keyed(SECRETS, named, source, sources)
    if "downwardAPI" in volume:
        source = volume["downwardAPI"]
        return _downward(pod, source, source, sources.place)
    if "projected" in volume:
        return _projected(pod, volume["projected"], sources)
    return None


def _default_mode(holder: Object) -> int:
    return int(holder.get("defaultMode") or MODE)


def _keyed(resource: str, source: Object, holder: Object, sources: FileSources) -> Files:
    """The keys of a ConfigMap or Secret, all or those listed; `holder` has the default mode."""
    kind, name = resource.removesuffix("s"), source.get("name") or ""
    obj = sources.lookup(resource, name)
    optional, mode = bool(source.get("optional")), _default_mode(holder)
    if obj is None:
        if optional:
            return {}
        raise VolumeError(f'{kind} "{name}" not found')
    data = dict(_contents(resource, obj))
    items: Sequence[Object] = source.get("items") or ()
    if not items:
        return {key: File(value, mode) for key, value in data.items()}
    found = {}
    for item in items:
        if item["key"] in data:
            found[item["path"]] = File(data[item["key"]], item.get("mode") or mode)
        elif not optional:
            raise VolumeError(f"{_KEYLESS[resource]}: {item['key']}")
    return found


_KEYLESS = {
    CONFIG_MAPS: "configmap references non-existent config key",
    SECRETS: "references non-existent secret key",
}


def _contents(resource: str, obj: Object) -> Iterator[tuple[str, bytes]]:
    for key, text in (obj.get("data") or {}).items():
        yield key, base64.b64decode(text) if resource == SECRETS else text.encode()
    for key, text in (obj.get("binaryData") or {}).items():
        yield key, base64.b64decode(text)


def _downward(pod: Object, source: Object, holder: Object, place: Place) -> Files:
    mode = _default_mode(holder)
    found = {}
    for item in source.get("items") or ():
        try:
            text = _downward_value(pod, item, place)
        except ValueError as error:
            raise VolumeError(str(error)) from error
        found[item["path"]] = File(text.encode(), item.get("mode") or mode)
    return found


def _downward_value(pod: Object, item: Object, place: Place) -> str:
    if item.get("fieldRef") is not None:
        return field_value(pod, item["fieldRef"]["fieldPath"], place)
    ref = item["resourceFieldRef"]
    every = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    container = next((c for c in every if c["name"] == ref.get("containerName")), None)
    if container is None:
        raise ValueError(f"container {ref.get('containerName')} not found")
    divisor = str(ref.get("divisor") or "1")
    return resource_value(container, ref["resource"], "1" if divisor == "0" else divisor, place)


def _projected(pod: Object, volume: Object, sources: FileSources) -> Files:
    found: dict[str, File] = {}
    for source in volume.get("sources") or ():
        if source.get("configMap") is not None:
            found |= _keyed(CONFIG_MAPS, source["configMap"], volume, sources)
        elif source.get("secret") is not None:
            found |= _keyed(SECRETS, source["secret"], volume, sources)
        elif source.get("downwardAPI") is not None:
            found |= _downward(pod, source["downwardAPI"], volume, sources.place)
        elif source.get("serviceAccountToken") is not None:
            token = sources.tokens(pod, source["serviceAccountToken"])
            if token is not None:
                path = source["serviceAccountToken"]["path"]
                found[path] = File(token, _default_mode(volume))
    return found
