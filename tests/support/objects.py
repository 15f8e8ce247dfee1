"""Objects as a client sends them, small and valid, and ways to change them."""

from collections.abc import Iterable
from typing import Any

from netemu.api.defaults import with_defaults
from netemu.api.strategies import prepare_create
from netemu.api.validation import validate
from netemu.model.errors import Cause
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY


def a_pod(**spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}], **spec},
    }


def a_container(**fields: Any) -> Object:
    """A pod whose one container has these fields."""
    return a_pod(containers=[{"name": "web", "image": "nginx", **fields}])


def a_deployment(**spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "nginx"}]},
            },
            **spec,
        },
    }


def a_service(name: str = "web", **spec: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec},
    }


def named(name: str = "x", **fields: Any) -> Object:
    """An object of a kind without a spec."""
    return {"metadata": {"name": name, "namespace": "default"}, **fields}


def in_cluster(name: str = "x", **fields: Any) -> Object:
    """An object that has no namespace."""
    return {"metadata": {"name": name}, **fields}


def created(resource: str, obj: Object) -> Object:
    """The object with all that the server fills in before it judges."""
    return prepare_create(BY_KEY[resource], with_defaults(BY_KEY[resource], obj))


def changed(obj: Object, path: str, value: Any) -> Object:
    """A copy with another value at ``spec.ports.0.name``; None removes the field."""
    result: Object = copied(obj)
    *parents, last = path.split(".")
    target: Any = result
    for key in parents:
        target = target[int(key)] if isinstance(target, list) else target.setdefault(key, {})
    if isinstance(target, list):
        target[int(last)] = value
    elif value is None:
        target.pop(last, None)
    else:
        target[last] = value
    return result


def refusals(resource: str, new: Object, old: Object | None = None) -> list[str]:
    """What is wrong, as kubectl prints it."""
    return told(validate(BY_KEY[resource], new, old))


def told(causes: Iterable[Cause]) -> list[str]:
    """Causes as kubectl prints them."""
    return [f"{cause.field}: {cause.message}" for cause in causes]
