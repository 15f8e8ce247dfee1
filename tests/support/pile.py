"""A pile of objects to which plans are applied, for "planning on its own result gives nothing"."""

from collections.abc import Iterable
from itertools import count

from netemu.controllers.actions import Action, Create, Delete, Tell, Update, WriteStatus
from netemu.model.meta import Object, annotations_of, key_of, uid_of

Place = tuple[str, str, str]


class Pile:
    """Objects by (resource, namespace, name); what a plan asks for happens at once."""

    def __init__(self) -> None:
        self._objects: dict[Place, Object] = {}
        self._numbers = count(1)
        self.told: list[str] = []

    def put(self, resource: str, obj: Object) -> Object:
        """Store an object as the API would: with a name, a uid and a generation."""
        number = next(self._numbers)
        metadata = {"uid": f"uid-{number}", "generation": 1, **obj["metadata"]}
        if "name" not in metadata:
            metadata["name"] = f"{metadata['generateName']}{number}"
        stored = {**obj, "metadata": metadata}
        self._objects[(resource, *key_of(stored))] = stored
        return stored

    def all(self, resource: str) -> list[Object]:
        return [obj for place, obj in sorted(self._objects.items()) if place[0] == resource]

    def one(self, resource: str) -> Object:
        (obj,) = self.all(resource)
        return obj

    def apply(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._apply(action)

    def _apply(self, action: Action) -> None:
        match action:
            case Create(resource, obj):
                self.put(resource, obj)
            case Update(resource, obj):
                old = self._objects[(resource, *key_of(obj))]
                grown = int(old["metadata"]["generation"]) + (old.get("spec") != obj.get("spec"))
                metadata = {**obj["metadata"], "generation": grown}
                self._objects[(resource, *key_of(obj))] = {**obj, "metadata": metadata}
            case WriteStatus(resource, obj, status, annotations):
                place = (resource, *key_of(obj))
                stored = self._objects[place]
                assert uid_of(stored) == uid_of(obj)
                metadata = {**stored["metadata"]}
                if annotations:
                    merged = {**annotations_of(stored), **annotations}
                    metadata["annotations"] = {k: v for k, v in merged.items() if v is not None}
                self._objects[place] = {**stored, "metadata": metadata, "status": status}
            case Delete(resource, obj):
                del self._objects[(resource, *key_of(obj))]
            case Tell(_, _, _, message):
                self.told.append(message)
