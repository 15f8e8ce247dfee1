"""What is served now: the kinds built in, and those that CustomResourceDefinitions add.

A catalog never changes; a new definition makes a new one. So whoever keeps what follows from a
catalog (discovery, OpenAPI) keeps it by the catalog itself.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

from netemu.model.resources import MEASURED, RESOURCES, REVIEWS, Resource


class Catalog:
    """Every kind that is served, under each of its versions."""

    def __init__(self, custom: Iterable[Resource] = ()) -> None:
        self.custom = tuple(custom)
        """Of each definition the version that is stored comes first."""
        self.kinds = (*RESOURCES, *REVIEWS, *MEASURED, *self.custom)

    @cached_property
    def custom_groups(self) -> frozenset[str]:
        """Groups of custom kinds alone."""
        return frozenset(kind.group for kind in self.custom)

    @cached_property
    def kept(self) -> tuple[Resource, ...]:
        """The kinds that have objects, each once: as it is stored."""
        return tuple(self.by_key.values())

    @cached_property
    def by_key(self) -> Mapping[str, Resource]:
        """By `Resource.key`, as it is stored."""
        found: dict[str, Resource] = {}
        for kind in (*RESOURCES, *self.custom):
            found.setdefault(kind.key, kind)
        return found

    @cached_property
    def by_kind(self) -> Mapping[tuple[str, str], Resource]:
        """By apiVersion and kind, as objects name it."""
        return {(kind.api_version, kind.kind): kind for kind in self.kinds}

    @cached_property
    def by_path(self) -> Mapping[tuple[str, str, str], Resource]:
        """By group, version and plural, as a URL names it."""
        return {(kind.group, kind.version, kind.plural): kind for kind in self.kinds}


BUILT_IN = Catalog()
"""A cluster without definitions."""
