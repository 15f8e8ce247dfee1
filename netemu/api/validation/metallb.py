"""Rules of MetalLB's kinds: what its CustomResourceDefinitions demand.

Ranges are read by the load balancer controller, which tells by events what is wrong with them.
"""

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object


def address_pool(obj: Object) -> Causes:
    """A new IPAddressPool."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _ranges(obj)


def address_pool_update(new: Object, old: Object) -> Causes:
    """An update of an IPAddressPool."""
    yield from object_meta_update(new, old)
    yield from _ranges(new)


def _ranges(obj: Object) -> Causes:
    spec = obj.get("spec")
    if spec is None:
        yield field.required(SPEC)
    elif spec.get("addresses") is None:
        yield field.required(SPEC.child("addresses"))
