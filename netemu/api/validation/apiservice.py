"""Rules of APIServices (kube-aggregator's pkg/apis/apiregistration/validation)."""

import base64

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, each_invalid
from netemu.api.validation.goformat import quoted
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object


def api_service(obj: Object) -> Causes:
    """A new APIService."""
    spec = obj.get("spec") or {}
    group, version = spec.get("group") or "", spec.get("version") or ""
    needed = f"{version}.{group}"

    def rule(name: str) -> list[str]:
        said = f'must be `spec.version+"."+spec.group`: {quoted(needed)}'
        return names.path_segment(name) or ([] if name == needed else [said])

    yield from object_meta(obj, False, rule)
    if not group and version != "v1":
        words = "only v1 may have an empty group and it better be legacy kube"
        yield field.required(SPEC.child("group"), words)
    if group:
        yield from each_invalid(SPEC.child("group"), group, names.dns_subdomain(group))
    yield from each_invalid(SPEC.child("version"), version, names.dns_1035_label(version))
    for key, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        value = spec.get(key) or 0
        if not 0 < value <= most:
            rule_text = f"must be positive and less than {most}"
            yield field.invalid(SPEC.child(key), value, rule_text)
    yield from _backend(spec)


def _backend(spec: Object) -> Causes:
    service, bundle = spec.get("service"), base64.b64decode(spec.get("caBundle") or "")
    insecure = bool(spec.get("insecureSkipTLSVerify"))
    path = SPEC.child("insecureSkipTLSVerify")
    if service is None:
        if bundle:
            rule = "local APIServices may not have a caBundle"
            yield field.invalid(SPEC.child("caBundle"), f"{len(bundle)} bytes", rule)
        if insecure:
            rule = "local APIServices may not have insecureSkipTLSVerify"
            yield field.invalid(path, insecure, rule)
        return
    below = SPEC.child("service")
    for key in ("namespace", "name"):
        if not service.get(key):
            yield field.required(below.child(key))
    port = service.get("port", 443)
    if problems := names.port_number(port):
        said = f"port is not valid: {', '.join(problems)}"
        yield field.invalid(below.child("port"), port, said)
    if insecure and bundle:
        yield field.invalid(path, insecure, "may not be true if caBundle is present")


def api_service_update(new: Object, old: Object) -> Causes:
    """An update of an APIService."""
    yield from object_meta_update(new, old)
    yield from api_service(new)
