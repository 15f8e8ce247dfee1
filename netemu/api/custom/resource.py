"""A definition as the kinds it makes: one for each version that is served."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from netemu.api import schema as builtin
from netemu.api.custom.structural import PRESERVE, RULES, Schema, defaulted, parts, pruned, type_of
from netemu.api.schema import TEXT, Struct
from netemu.model.catalog import Catalog
from netemu.model.conditions import condition
from netemu.model.meta import Object, is_deleting
from netemu.model.resources import Resource
from netemu.model.scalepaths import ScalePaths
from netemu.model.versions import version_order

if TYPE_CHECKING:
    from netemu.api.custom.rules import Node

META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_HEAD: Final = frozenset({"apiVersion", "kind", "metadata"})
_ANYTHING: Final[Schema] = {"type": "object", PRESERVE: True}


@dataclass(frozen=True, eq=False)
class CustomResource(Resource):
    """One version of a kind that a definition makes; as its own object, so equal to no other."""

    singular_name: str = ""
    list_name: str = ""
    kept: "CustomResource | None" = None
    """The version in which objects are stored, if that is another one."""
    since: int = 0
    """The revision of its definition: objects stored before may have been made by another one."""
    hook: Object | None = None
    """How the webhook that converts its objects is called; None if their apiVersion is all there
    is to it."""
    ending: bool = False
    """Whether its definition is being deleted."""
    schema: Schema = field(default_factory=dict)
    """Its structural schema."""
    columns: Sequence[Object] = ()
    """additionalPrinterColumns."""
    scale: ScalePaths = ScalePaths()
    selectable: tuple[str, ...] = ()
    """Paths that field selectors know besides name and namespace, without their first dot."""

    # A dataclass without an equality of its own has its parent's, which knows no schema.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def singular(self) -> str:
        """The name for one."""
        return self.singular_name

    @property
    def list_kind(self) -> str:
        """The kind of a list."""
        return self.list_name

    @property
    def scale_paths(self) -> ScalePaths:
        """Where its objects keep what a Scale shows."""
        return self.scale

    @property
    def stored_version(self) -> "CustomResource":
        """The version in which objects are stored."""
        return self.kept or self

    def fitted(self, obj: Object) -> Object:
        """An object as this version has it: with its defaults, without what it doesn't know."""
        body = {name: value for name, value in obj.items() if name not in _HEAD}
        found = defaulted(self.schema, pruned(self.schema, body, []))
        return {
            "kind": obj["kind"],
            "apiVersion": self.api_version,
            "metadata": obj["metadata"],
            **found,
        }

    @cached_property
    def conversions(self) -> dict[tuple[str, str, str], Object]:
        """What the webhook made of objects of other versions, by namespace, name and state."""
        return {}

    @cached_property
    def type(self) -> Struct:
        """How its fields are owned."""
        fields = {
            name: type_of(part)
            for name, part in (self.schema.get("properties") or {}).items()
            if name not in ("apiVersion", "kind", "metadata")
        }
        fields |= {"apiVersion": TEXT, "kind": TEXT, "metadata": builtin.named(META)}
        return Struct("object", fields, {}, frozenset({"metadata"}))

    @cached_property
    def judged(self) -> "Node | None":
        """The expressions of its schema, compiled at their first use; None if it has none."""
        if not any(RULES in part for _, part in parts(self.schema)):
            return None
        from netemu.api.custom import rules  # late: few kinds have expressions

        return rules.compile_schema(self.schema)


def catalog_of(definitions: Sequence[Object], before: Catalog) -> Catalog:
    """What is served with these definitions; `before`, if that is still it."""
    custom = [kind for definition in definitions for kind in resources_of(definition)]
    return Catalog(custom) if custom or before.custom else before


def resources_of(definition: Object) -> Iterator[CustomResource]:
    """The kinds a definition makes, that of the stored version first; none until established."""
    established = condition(definition, "Established")
    if established is None or established["status"] != "True":
        return
    spec = definition["spec"]
    versions: Sequence[Object] = spec["versions"]
    stored = next(version for version in versions if version.get("storage"))
    kept = _resource(definition, stored, None)
    if stored.get("served"):
        yield kept
    for version in versions:
        if version is not stored and version.get("served"):
            yield _resource(definition, version, kept)


def _resource(definition: Object, version: Object, kept: CustomResource | None) -> CustomResource:
    spec, parts = definition["spec"], version.get("subresources") or {}
    names = {**spec["names"], **((definition.get("status") or {}).get("acceptedNames") or {})}
    scale = parts.get("scale")
    return CustomResource(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=spec["names"]["plural"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(name for name in ("status", "scale") if parts.get(name) is not None),
        custom=True,
        singular_name=names.get("singular") or names["kind"].lower(),
        list_name=names.get("listKind") or f"{names['kind']}List",
        kept=kept,
        since=int(definition["metadata"].get("resourceVersion") or 0),
        hook=_hook(spec.get("conversion") or {}),
        ending=is_deleting(definition),
        warning=_deprecation(spec, version, names["kind"]),
        schema=(version.get("schema") or {}).get("openAPIV3Schema") or _ANYTHING,
        columns=tuple(version.get("additionalPrinterColumns") or _AGE),
        scale=ScalePaths() if scale is None else _scale(scale),
        selectable=tuple(
            item["jsonPath"].removeprefix(".") for item in version.get("selectableFields") or ()
        ),
    )


def _hook(conversion: Object) -> Object | None:
    found: Object | None = conversion.get("webhook")
    return found if conversion.get("strategy") == "Webhook" else None


def _deprecation(spec: Object, version: Object, kind: str) -> str:
    """What clients of a deprecated version are told (defaultDeprecationWarning)."""
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning") is not None:
        return str(version["deprecationWarning"])
    said = f"{spec['group']}/{version['name']} {kind} is deprecated"
    newer = [
        other["name"]
        for other in spec["versions"]
        if other.get("served")
        and not other.get("deprecated")
        and version_order(other["name"]) < version_order(version["name"])
    ]
    if not newer:
        return said
    best = min(newer, key=version_order)
    return f"{said}; use {spec['group']}/{best} {kind}"


_AGE: Final = ({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},)


def _scale(said: Mapping[str, Any]) -> ScalePaths:
    return ScalePaths(
        said.get("specReplicasPath", ""),
        said.get("statusReplicasPath", ""),
        said.get("labelSelectorPath", ""),
    )
