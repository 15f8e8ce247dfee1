"""A little world for plans: it carries out their actions and lets pods live, without a clock."""

from collections.abc import Callable, Iterable
from typing import Any

from netemu.controllers.actions import Action, Create, Delete, Tell, Update, WriteStatus
from netemu.model.meta import Object, copied, is_deleting, name_of, uid_of

NOW = 1_700_000_000.0


class TinyWorld:
    """Objects by (resource, name) in one namespace."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.told: list[str] = []
        self._uids = 0

    def put(self, resource: str, obj: Object) -> Object:
        """Store a new object; two of one name must never be."""
        assert (resource, name_of(obj)) not in self.objects, f"{name_of(obj)} is there already"
        self._uids += 1
        stored: Object = copied(obj)
        stored["metadata"] |= {"uid": f"u{self._uids}", "namespace": "default"}
        self.objects[resource, name_of(obj)] = stored
        return stored

    def all(self, resource: str) -> list[Object]:
        """Every object of a kind, by name."""
        return [obj for (kind, _), obj in sorted(self.objects.items()) if kind == resource]

    def change(self, resource: str, name: str, change: Callable[[Object], object]) -> None:
        """Change one object in place of its old state."""
        obj: Object = copied(self.objects[resource, name])
        change(obj)
        self.objects[resource, name] = obj

    def run(self, actions: Iterable[Action]) -> list[Action]:
        """Do what a plan says; give what it was."""
        done = list(actions)
        for action in done:
            self._do(action)
        return done

    def _do(self, action: Action) -> None:
        match action:
            case Create(resource, obj):
                self.put(resource, obj)
            case Update(resource, obj):
                assert uid_of(self.objects[resource, name_of(obj)]) == uid_of(obj)
                self.objects[resource, name_of(obj)] = copied(obj)
            case WriteStatus(resource, obj, status):
                self.change(resource, name_of(obj), lambda o: o.update(status=status))
            case Delete(resource, obj):
                if resource == "pods":
                    stamp = {"deletionTimestamp": "2023-11-14T22:13:20Z"}
                    self.change(resource, name_of(obj), lambda o: o["metadata"].update(stamp))
                else:
                    del self.objects[resource, name_of(obj)]
            case Tell(_, _, reason, message):
                self.told.append(f"{reason}: {message}")

    def becomes(self, name: str, phase: str, *, ready: bool = False) -> None:
        """A pod's status as its node would write it."""
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": "2023-11-14T22:00:00Z",
        }
        status = {"phase": phase, "conditions": [condition]}
        self.change("pods", name, lambda o: o.update(status=status))

    def end(self, name: str) -> None:
        """A terminating pod is gone."""
        assert is_deleting(self.objects["pods", name])
        del self.objects["pods", name]

    def settle(self) -> bool:
        """Every pod's node does its work at once; whether anything changed."""
        before = copied(self.objects)
        for pod in self.all("pods"):
            if is_deleting(pod):
                self.end(name_of(pod))
            elif (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded"):
                self.becomes(name_of(pod), "Running", ready=True)
        return bool(before != self.objects)


def workload(kind: str, **spec: Any) -> Object:
    """A workload of one container, as the API would store it."""
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "default", "uid": "u0", "generation": 1},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "v1"}]},
            },
            **spec,
        },
    }
