"""Rules of webhook configurations and admission policies (pkg/apis/admissionregistration)."""

from collections.abc import Iterable
from typing import Any, Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.meta import label_selector, object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

_REVIEWS: Final = ("v1", "v1beta1")
_OPERATIONS: Final = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES: Final = ("*", "Cluster", "Namespaced")
_FAILURES: Final = ("Fail", "Ignore")
_MATCHES: Final = ("Equivalent", "Exact")
_EFFECTS: Final = ("None", "NoneOnDryRun")
_REINVOCATIONS: Final = ("IfNeeded", "Never")
_ACTIONS: Final = ("Audit", "Deny", "Warn")


def webhooks(obj: Object) -> Causes:
    """A Validating- or MutatingWebhookConfiguration, new or changed."""
    yield from object_meta(obj, False, names.dns_subdomain)
    taken: set[str] = set()
    for number, hook in enumerate(obj.get("webhooks") or ()):
        path, name = Path("webhooks").index(number), hook.get("name", "")
        yield from _hook(hook, path)
        if name in taken:
            yield field.duplicate(path.child("name"), name)
        taken.add(name)


def webhooks_update(new: Object, old: Object) -> Causes:
    """An update of a webhook configuration."""
    yield from object_meta_update(new, old)
    yield from webhooks(new)


def _hook(hook: Object, path: Path) -> Causes:
    yield from _full_name(hook.get("name", ""), path.child("name"))
    yield from _versions(hook.get("admissionReviewVersions") or [], path)
    for number, rule in enumerate(hook.get("rules") or ()):
        yield from rule_problems(rule, path.child("rules").index(number))
    yield from _known(hook, "failurePolicy", _FAILURES, path)
    yield from _known(hook, "matchPolicy", _MATCHES, path)
    if hook.get("sideEffects") is None:
        yield field.required(
            path.child("sideEffects"), f"must specify one of {', '.join(_EFFECTS)}"
        )
    yield from _known(hook, "sideEffects", _EFFECTS, path)
    yield from _known(hook, "reinvocationPolicy", _REINVOCATIONS, path)
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        rule = "the timeout value must be between 1 and 30 seconds"
        yield field.invalid(path.child("timeoutSeconds"), seconds, rule)
    for key in ("namespaceSelector", "objectSelector"):
        yield from label_selector(hook.get(key), path.child(key))
    yield from client_config(hook.get("clientConfig") or {}, path.child("clientConfig"))
    if hook.get("matchConditions"):
        from netemu.api.validation import expressions  # late: few have conditions

        yield from expressions.conditions(hook["matchConditions"], path.child("matchConditions"))


def _known(obj: Object, key: str, known: Iterable[str], path: Path) -> Causes:
    if obj.get(key) is not None and obj[key] not in known:
        yield field.not_supported(path.child(key), obj[key], known)


def _full_name(name: str, path: Path) -> Causes:
    if not name:
        yield field.required(path)
        return
    problems = names.dns_subdomain(name)
    if problems:
        yield field.invalid(path, name, ",".join(problems))
    elif name.count(".") < 2:
        rule = "should be a domain with at least three segments separated by dots"
        yield field.invalid(path, name, rule)


def _versions(versions: list[str], path: Path) -> Causes:
    below = path.child("admissionReviewVersions")
    if not versions:
        yield field.required(below, f"must specify one of {', '.join(_REVIEWS)}")
        return
    for number, version in enumerate(versions):
        if version in versions[:number]:
            yield field.invalid(below.index(number), version, "duplicate version")
        yield from each_invalid(below.index(number), version, names.dns_1035_label(version))
    if not set(versions) & set(_REVIEWS):
        rule = f"must include at least one of {', '.join(_REVIEWS)}"
        yield field.invalid(below, versions, rule)


def rule_problems(rule: Object, path: Path) -> Causes:
    """What is wrong with one RuleWithOperations."""
    operations = rule.get("operations") or []
    for key, what in (("operations", "operations"), ("apiGroups", "API groups"),
                      ("apiVersions", "API versions")):  # fmt: skip
        given, below = rule.get(key) or [], path.child(key)
        if not given:
            yield field.required(below)
        if len(given) > 1 and "*" in given:
            yield field.invalid(below, given, f"if '*' is present, must not specify other {what}")
    for number, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            yield field.not_supported(
                path.child("operations").index(number), operation, _OPERATIONS
            )
    for number, version in enumerate(rule.get("apiVersions") or ()):
        if not version:
            yield field.required(path.child("apiVersions").index(number))
    yield from _resources(rule.get("resources") or [], path.child("resources"))
    yield from _known(rule, "scope", _SCOPES, path)


def _resources(given: list[str], path: Path) -> Causes:
    if not given:
        yield field.required(path)
    for number, text in enumerate(given):
        if not text:
            yield field.required(path.index(number))
    if len(given) > 1 and "*/*" in given:
        yield field.invalid(path, given, "if '*/*' is present, must not specify other resources")
    elif "*" in given and any("/" not in text and text != "*" for text in given):
        rule = "if '*' is present, must not specify other resources without subresources"
        yield field.invalid(path, given, rule)


def client_config(config: Object, path: Path) -> Causes:
    """How a webhook is reached."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        yield field.required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from _url(url, path.child("url"))
    else:
        yield from _service(service or {}, path.child("service"))


def _url(text: str, path: Path) -> Causes:
    from urllib.parse import urlsplit  # late: webhooks are rare

    form = "; desired format: https://host[/path]"
    parts = urlsplit(text)
    if parts.scheme != "https":
        rule = "'https' is the only allowed URL scheme" + form
        yield field.invalid(path, parts.scheme, rule)
    if not parts.netloc:
        yield field.invalid(path, parts.netloc, "host must be specified" + form)
    if parts.username is not None:
        yield field.invalid(path, parts.username, "user information is not permitted in the URL")
    for given, what in ((parts.fragment, "fragments"), (parts.query, "query parameters")):
        if given:
            yield field.invalid(path, given, f"{what} are not permitted in the URL")


def _service(service: Object, path: Path) -> Causes:
    for key in ("name", "namespace"):
        if not service.get(key):
            yield field.required(path.child(key), f"service {key} is required")
    port, where = service.get("port", 443), service.get("path")
    problems = names.port_number(port)
    if problems:
        yield field.invalid(path.child("port"), port, "port is not valid: " + ",".join(problems))
    if where and not where.startswith("/"):
        yield field.invalid(path.child("path"), where, "must start with a '/'")


def policy(obj: Object) -> Causes:
    """A ValidatingAdmissionPolicy, new or changed."""
    yield from object_meta(obj, False, names.dns_subdomain)
    spec = obj.get("spec") or {}
    kind, path = spec.get("paramKind"), SPEC.child("paramKind")
    if kind is not None:
        for key in ("apiVersion", "kind"):
            if not kind.get(key):
                yield field.required(path.child(key))
    constraints = spec.get("matchConstraints")
    if constraints is None:
        yield field.required(SPEC.child("matchConstraints"))
    else:
        below = SPEC.child("matchConstraints")
        yield from _match(constraints, below)
        if not constraints.get("resourceRules"):
            yield field.required(below.child("resourceRules"))
    yield from _known(spec, "failurePolicy", _FAILURES, SPEC)
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        rule = "validations or auditAnnotations must contain at least one item"
        yield field.required(SPEC.child("validations"), rule)
        yield field.required(SPEC.child("auditAnnotations"), rule)
    yield from _expressions(spec)


def _expressions(spec: Object) -> Causes:
    from netemu.api.validation import expressions  # late: policies are rare

    yield from expressions.rules(spec)


def policy_update(new: Object, old: Object) -> Causes:
    """An update of a ValidatingAdmissionPolicy."""
    yield from object_meta_update(new, old)
    yield from policy(new)


def _match(said: Object, path: Path) -> Causes:
    for key in ("resourceRules", "excludeResourceRules"):
        for number, rule in enumerate(said.get(key) or ()):
            yield from rule_problems(rule, path.child(key).index(number))
    yield from _known(said, "matchPolicy", _MATCHES, path)
    for key in ("namespaceSelector", "objectSelector"):
        if said.get(key) is None:
            yield field.required(path.child(key))
        yield from label_selector(said.get(key), path.child(key))


def binding(obj: Object) -> Causes:
    """A ValidatingAdmissionPolicyBinding, new or changed."""
    yield from object_meta(obj, False, names.dns_subdomain)
    spec = obj.get("spec") or {}
    name: Any = spec.get("policyName", "")
    if not name:
        yield field.required(SPEC.child("policyName"))
    else:
        yield from each_invalid(SPEC.child("policyName"), name, names.dns_subdomain(name))
    if spec.get("matchResources") is not None:
        yield from _match(spec["matchResources"], SPEC.child("matchResources"))
    actions, path = spec.get("validationActions") or [], SPEC.child("validationActions")
    if not actions:
        yield field.required(path, "at least one validation action is required")
    for number, action in enumerate(actions):
        if action not in _ACTIONS:
            yield field.not_supported(path.index(number), action, _ACTIONS)
        if action in actions[:number]:
            yield field.duplicate(path.index(number), action)
    if {"Deny", "Warn"} <= set(actions):
        rule = (
            "must not contain both Deny and Warn (repeating the same validation failure "
            "information in the API response and headers serves no purpose)"
        )
        yield field.invalid(path, actions, rule)


def binding_update(new: Object, old: Object) -> Causes:
    """An update of a ValidatingAdmissionPolicyBinding."""
    yield from object_meta_update(new, old)
    yield from binding(new)
