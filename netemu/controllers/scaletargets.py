"""What an autoscaler scales: any kind that has a Scale, custom ones too."""

from typing import Any

from msgspec import Struct

from netemu.model.client import Client
from netemu.model.meta import Object, namespace_of
from netemu.model.resources import Resource
from netemu.model.scalepaths import USUAL, ScalePaths, at, with_value
from netemu.model.selector import Selector, from_object
from netemu.model.selectorparser import parse


class NoTarget(Exception):
    """There is nothing to scale; the text says why."""


class Target(Struct, frozen=True):
    """An object that can be scaled."""

    resource: str
    obj: Object
    paths: ScalePaths

    @property
    def replicas(self) -> int:
        """How many it should have; where nothing says so, one, or none of a custom kind."""
        said = at(self.obj, self.paths.replicas)
        return int(said) if said is not None else int(self.paths is USUAL)

    @property
    def selector(self) -> Selector:
        """Its pods: an object, or as custom kinds keep it, a text."""
        said: Any = at(self.obj, self.paths.selector) if self.paths.selector else None
        if isinstance(said, str):
            return parse(said)
        return from_object(said) or ()

    def scaled(self, replicas: int) -> Object:
        """The object with another number."""
        return with_value(self.obj, self.paths.replicas, replicas)


def target_of(client: Client, scaler: Object) -> Target:
    """What an autoscaler refers to. Raises NoTarget."""
    reference = scaler["spec"]["scaleTargetRef"]
    group = str(reference.get("apiVersion") or "").rpartition("/")[0]
    kind = _kind(client, group, reference["kind"])
    if kind is None:
        what = f'no matches for kind "{reference["kind"]}" in group "{group}"'
        raise NoTarget(f"unable to determine resource for scale target reference: {what}")
    if "scale" not in kind.subresources:
        raise NoTarget("the server could not find the requested resource")
    found = client.get(kind.key, namespace_of(scaler), reference["name"])
    if found is None:
        raise NoTarget(f'{kind.key} "{reference["name"]}" not found')
    return Target(kind.key, found, kind.scale_paths)


def _kind(client: Client, group: str, kind: str) -> Resource | None:
    return next((one for one in client.kinds() if (one.group, one.kind) == (group, kind)), None)
