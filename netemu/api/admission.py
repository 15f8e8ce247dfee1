"""May this write happen at all? What is asked of every object, whatever its kind; pure."""

from netemu.api import statusrules
from netemu.api.validation import validate
from netemu.model.errors import Cause, Forbidden, Invalid, NotFound
from netemu.model.meta import Object, is_deleting
from netemu.model.resources import NAMESPACES, Resource


def check_namespace(resource: Resource, namespace: str, stored: Object | None, obj: Object) -> None:
    """A new object's namespace must be there to stay. Raises Forbidden, NotFound."""
    if stored is None:
        raise NotFound(NAMESPACES, namespace)
    if not is_deleting(stored):
        return
    name = obj["metadata"].get("name", "")
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    raise Forbidden(
        f'{resource.key} "{name}" is forbidden: {why}',
        name=name,
        **({"group": resource.group} if resource.group else {}),
        kind=resource.plural,
        causes=[
            {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
        ],
    )


def require_valid(
    resource: Resource, new: Object, old: Object | None, *, loopback: bool = False
) -> None:
    """Every rule must hold; `loopback` as for `validate`. Raises Invalid, with all that don't."""
    causes = [*validate(resource, new, old, loopback=loopback), *statusrules.broken_rules(new)]
    name = new["metadata"].get("name", "")
    if not causes and not name:
        causes = [
            Cause(
                "FieldValueRequired",
                "Required value: name or generateName is required",
                "metadata.name",
            )
        ]
    if causes:
        raise Invalid(resource.group, resource.kind, name, causes)


def unchanged(new: Object, old: Object) -> bool:
    """Whether a write would leave the object as it is; who owns its fields counts, too."""
    fields = new["metadata"].get("managedFields")
    if fields is not None and fields != old["metadata"].get("managedFields"):
        return False
    return _without_owners(new) == _without_owners(old)


def _without_owners(obj: Object) -> Object:
    kept = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": kept}
