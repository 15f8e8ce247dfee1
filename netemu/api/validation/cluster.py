"""Rules of the small kinds: Namespace, Node, ServiceAccount, Lease, Event."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import METADATA, SPEC, Causes, Path, each_invalid
from netemu.api.validation.ips import cidr, is_ipv6
from netemu.api.validation.meta import object_meta, object_meta_update, standard_finalizer
from netemu.api.validation.resources import amounts
from netemu.api.validation.scheduling import taints
from netemu.model import names
from netemu.model.meta import Object

_LONGEST_EVENT_TEXT: Final = 128
_LONGEST_NOTE: Final = 1024


def namespace(obj: Object) -> Causes:
    """A new Namespace."""
    yield from object_meta(obj, False, names.dns_label)
    for name in (obj.get("spec") or {}).get("finalizers") or ():
        path = SPEC.child("finalizers")
        yield from each_invalid(path, name, names.qualified_name(name))
        yield from standard_finalizer(path, name)


def namespace_update(new: Object, old: Object) -> Causes:
    """An update of a Namespace."""
    yield from object_meta_update(new, old)
    before = (old.get("spec") or {}).get("finalizers") or ()
    for number, name in enumerate((new.get("spec") or {}).get("finalizers") or ()):
        if name not in before:
            path = SPEC.child("finalizers").index(number)
            yield from each_invalid(path, name, names.qualified_name(name))
            yield from standard_finalizer(path, name)


def service_account(obj: Object) -> Causes:
    """A new ServiceAccount."""
    return object_meta(obj, True, names.dns_subdomain)


def service_account_update(new: Object, old: Object) -> Causes:
    """An update of a ServiceAccount."""
    yield from object_meta_update(new, old)
    yield from service_account(new)


def node(obj: Object) -> Causes:
    """A new Node."""
    spec = obj.get("spec") or {}
    yield from object_meta(obj, False, names.dns_subdomain)
    # Upstream's path: taints once were annotations.
    yield from taints(spec.get("taints") or (), METADATA.child("taints"))
    yield from _sizes(obj)
    ranges, path = spec.get("podCIDRs") or [], SPEC.child("podCIDRs")
    for number, text in enumerate(ranges):
        yield from cidr(path.index(number), text)
    families = {is_ipv6(text.partition("/")[0]) for text in ranges}
    if len(ranges) > 2 or (len(ranges) == 2 and len(families) < 2):
        yield field.invalid(path, ranges, "may specify no more than one CIDR for each IP family")
    for number, text in enumerate(ranges):
        if text in ranges[:number]:
            yield field.duplicate(path.index(number), text)


def _sizes(obj: Object) -> Causes:
    status = obj.get("status") or {}
    for key in ("capacity", "allocatable"):
        yield from amounts(status.get(key), Path("status").child(key))


def node_update(new: Object, old: Object) -> Causes:
    """An update of a Node; its pod ranges and provider stay once they are set."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    yield from object_meta_update(new, old)
    yield from _sizes(new)
    for key, name in (("podCIDRs", "podCIDR"), ("providerID", "providerID")):
        if before.get(key) and spec.get(key) != before[key]:
            rule = f'node updates may not change {name} except from "" to valid'
            yield field.forbidden(SPEC.child(key), rule)
    yield from taints(spec.get("taints") or (), METADATA.child("taints"))


def lease(obj: Object) -> Causes:
    """A new Lease."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _lease_spec(obj.get("spec") or {})


def lease_update(new: Object, old: Object) -> Causes:
    """An update of a Lease."""
    yield from object_meta_update(new, old)
    yield from _lease_spec(new.get("spec") or {})


def _lease_spec(spec: Object) -> Causes:
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if duration is not None and duration <= 0:
        path = SPEC.child("leaseDurationSeconds")
        yield field.invalid(path, duration, "must be greater than 0")
    yield from field.not_negative(SPEC.child("leaseTransitions"), transitions)
    strategy, path = spec.get("strategy"), SPEC.child("strategy", "strategy")
    if strategy is not None:
        if "/" in strategy:
            yield from each_invalid(path, strategy, names.qualified_name(strategy))
        elif strategy != "OldestEmulationVersion":
            yield field.not_supported(path, strategy, ("OldestEmulationVersion",))
    elif spec.get("preferredHolder"):
        rule = "may only be specified if `strategy` is defined"
        yield field.forbidden(SPEC.child("preferredHolder"), rule)


def runtime_class(obj: Object) -> Causes:
    """A new RuntimeClass."""
    yield from object_meta(obj, False, names.dns_subdomain)
    handler = obj.get("handler", "")
    yield from each_invalid(Path("handler"), handler, names.dns_label(handler))
    yield from amounts((obj.get("overhead") or {}).get("podFixed"), Path("overhead.podFixed"))


def runtime_class_update(new: Object, old: Object) -> Causes:
    """An update of a RuntimeClass."""
    yield from object_meta_update(new, old)
    yield from field.immutable(Path("handler"), new.get("handler"), old.get("handler"))


def event(obj: Object) -> Causes:
    """A new Event: it lives where the object it is about lives."""
    meta, about = obj.get("metadata") or {}, obj.get("involvedObject") or {}
    home, its = meta.get("namespace", ""), about.get("namespace", "")
    old_style = obj.get("eventTime") is None
    homes = {its} if its else {"", "default", *(() if old_style else ("kube-system",))}
    if home not in homes and (old_style or not its):
        path = Path("involvedObject.namespace")
        yield field.invalid(path, its, "does not match event.namespace")
    if not old_style:
        yield from _new_style(obj)
    yield from object_meta(obj, True, names.path_segment)


def _new_style(obj: Object) -> Causes:
    reporter, path = obj.get("reportingComponent", ""), Path("reportingComponent")
    if not reporter:
        yield field.required(path)
    yield from each_invalid(path, reporter, names.qualified_name(reporter))
    for key in ("reportingInstance", "action", "reason"):
        text = obj.get(key, "")
        if not text:
            yield field.required(Path(key))
        yield from _short(text, _LONGEST_EVENT_TEXT, Path(key))
    yield from _short(obj.get("message", ""), _LONGEST_NOTE, Path("message"))


def _short(text: str, limit: int, path: Path) -> Causes:
    if len(text.encode()) > limit:
        yield field.invalid(path, "", f"can have at most {limit} characters")


def event_update(new: Object, old: Object) -> Causes:
    """An update of an Event."""
    yield from object_meta_update(new, old)
    yield from event(new)
