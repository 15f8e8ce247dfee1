"""Ephemeral containers: added to a pod that runs, by a subresource of their own (KEP-277)."""

from netemu.api.defaults import with_defaults
from netemu.api.validation import field
from netemu.api.validation.containers import ephemeral_containers, trimmed_images
from netemu.api.validation.field import SPEC, Causes
from netemu.api.validation.volumes import volumes
from netemu.model.errors import Invalid
from netemu.model.meta import Object, name_of
from netemu.model.resources import BY_KEY, PODS

_PATH = SPEC.child("ephemeralContainers")
_RESOURCE = BY_KEY[PODS]


def with_ephemeral(pod: Object, given: Object) -> Object:
    """The stored pod with the ephemeral containers of another version of it. Raises Invalid."""
    wanted = (given.get("spec") or {}).get("ephemeralContainers") or []
    metadata = dict(pod["metadata"])
    if version := (given.get("metadata") or {}).get("resourceVersion"):
        metadata["resourceVersion"] = version  # so that an old one is a conflict
    spec = {**pod["spec"], "ephemeralContainers": wanted}
    new = with_defaults(_RESOURCE, {**pod, "metadata": metadata, "spec": spec})
    causes = [*_rules(new, pod)]
    if causes:
        raise Invalid("", "Pod", name_of(pod), causes)
    return new


def _rules(new: Object, old: Object) -> Causes:
    sound, _ = volumes(new["spec"].get("volumes") or (), SPEC.child("volumes"))
    yield from ephemeral_containers(new["spec"], sound, _PATH)
    items = new["spec"].get("ephemeralContainers") or ()
    yield from trimmed_images(items, _PATH)
    now = {item.get("name"): item for item in items}
    for before in old["spec"].get("ephemeralContainers") or ():
        name = before["name"]
        if name not in now:
            what = f'existing ephemeral containers "{name}" may not be removed\n'
            yield field.forbidden(_PATH, what)
        elif not field.same(now[name], before):
            what = f'existing ephemeral containers "{name}" may not be changed\n'
            yield field.forbidden(_PATH, what)
