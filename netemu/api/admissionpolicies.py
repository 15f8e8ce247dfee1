"""ValidatingAdmissionPolicies and their bindings: who may write what, by expressions.

Source: apiserver's plugin/policy/validating (dispatcher.go, validator.go). Pure: what a policy
needs to know is looked up by functions that are passed in.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netemu.api.admissionexpressions import (
    PARAMS,
    VARIABLES,
    Evaluation,
    Named,
    checked,
    composed,
    holds,
    lazily,
)
from netemu.api.admissionrequest import AdmissionRequest, described
from netemu.api.admissionrules import Namespace, matched
from netemu.cel.authorizer import Authorizer, Question
from netemu.cel.errors import CelError, CompileError
from netemu.cel.program import Program
from netemu.cel.types import BOOL, STRING
from netemu.model.catalog import Catalog
from netemu.model.errors import ApiError
from netemu.model.meta import Object, name_of
from netemu.model.resources import Resource

MESSAGE: Final = 5 * 1024
"""How long a message may be that an expression makes, in bytes (upstream's constant)."""
_CODES: Final = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}


class Denied(ApiError):
    """A policy doesn't let a write pass; its reason is the policy's."""

    code, reason = 422, "Invalid"

    def __init__(self, request: AdmissionRequest, reason: str, message: str) -> None:
        resource, name = request.resource, request.name or "Unknown"
        group = {"group": resource.group} if resource.group else {}
        super().__init__(
            f'{resource.key} "{name}" is forbidden: {message}',
            name=name,
            **group,
            kind=resource.plural,
            causes=[{"message": message}],
        )
        self.reason, self.code = reason, _CODES.get(reason, 422)


@dataclass(frozen=True, slots=True)
class Validation:
    """One thing that a policy asks."""

    said: Object
    program: Program
    message: Program | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, its expressions compiled."""

    obj: Object
    conditions: tuple[Program, ...]
    variables: tuple[Named, ...]
    validations: tuple[Validation, ...]
    broken: str = ""
    """Why it can't be evaluated."""

    @property
    def name(self) -> str:
        """What it is called."""
        return name_of(self.obj)

    @property
    def lenient(self) -> bool:
        """Whether what can't be evaluated passes."""
        return bool(self.obj["spec"].get("failurePolicy") == "Ignore")


def compiled(obj: Object) -> Policy:
    """A policy as it can be asked."""
    spec = obj["spec"]
    given = {**VARIABLES, **(PARAMS if spec.get("paramKind") else {})}
    try:
        conditions = [
            checked(one["expression"], given, BOOL) for one in spec.get("matchConditions") or ()
        ]
        known, named = composed(spec.get("variables") or (), given)
        validations = [
            Validation(one, checked(one["expression"], known, BOOL), _message(one, known))
            for one in spec.get("validations") or ()
        ]
    except CompileError as error:
        return Policy(obj, (), (), (), str(error))
    return Policy(obj, tuple(conditions), tuple(named), tuple(validations))


def _message(said: Object, known: Any) -> Program | None:
    source = said.get("messageExpression")
    return checked(source, known, STRING) if source else None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What policies look up."""

    catalog: Catalog
    namespace: Namespace
    find: Callable[[str, str, str], Object | None]
    """An object by its resource's key, namespace and name."""
    every: Callable[[str, str], Sequence[Object]]
    """The objects of a resource in a namespace."""
    authorizer: Callable[[AdmissionRequest], Authorizer]
    back: Callable[[Resource, Resource, Object], Object]
    """An object of one version of a kind (the second) as another has it."""


def judge(
    policies: Sequence[tuple[Policy, Sequence[Object]]],
    request: AdmissionRequest,
    around: Surroundings,
) -> None:
    """Ask each policy for each of its bindings. Raises Denied, with the first objection."""
    denied: list[tuple[str, str]] = []
    for policy, bindings in policies:
        constraints = policy.obj["spec"].get("matchConstraints") or {}
        seen = matched(constraints, "resourceRules", request, around.catalog, around.namespace)
        if seen is None:
            continue
        for binding in bindings:
            denied += _bound(policy, binding, request, seen, around)
    if denied:
        reason, message = denied[0]
        raise Denied(request, reason, message)


def _bound(
    policy: Policy, binding: Object, request: AdmissionRequest, seen: Resource, around: Surroundings
) -> Iterator[tuple[str, str]]:
    """The objections that count, each with its reason."""
    spec = binding["spec"]
    limits = spec.get("matchResources") or {}
    if matched(limits, "resourceRules", request, around.catalog, around.namespace) is None:
        return
    name = name_of(binding)
    try:
        params = [*_params(policy, spec, request, around)]
    except CelError as error:
        if not policy.lenient:
            yield "Invalid", _denial(policy, name, f"failed to configure binding: {error}")
        return
    for param in params:
        for reason, message in _objections(policy, param, request, seen, around):
            actions = spec.get("validationActions") or ()
            if "Warn" in actions:
                request.warnings.append(
                    f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' with binding "
                    f"'{name}': {message}"
                )
            if "Deny" in actions:
                yield reason, _denial(policy, name, message)


def _denial(policy: Policy, binding: str, message: str) -> str:
    return (
        f"ValidatingAdmissionPolicy '{policy.name}' with binding '{binding}' denied request: "
        f"{message}"
    )


def _params(
    policy: Policy, binding: Object, request: AdmissionRequest, around: Surroundings
) -> Iterator[Object | None]:
    """The objects that a binding hands to its policy. Raises CelError."""
    kind, ref = policy.obj["spec"].get("paramKind"), binding.get("paramRef")
    if not kind or not ref:
        yield None
        return
    resource = around.catalog.by_kind.get((kind.get("apiVersion", ""), kind.get("kind", "")))
    if resource is None:
        shown = f"{kind.get('apiVersion')}, Kind={kind.get('kind')}".replace("/", "/", 1)
        raise CelError(f"paramKind kind `{shown}` not known")
    namespace = _param_namespace(resource, ref, request)
    found = [*_referred(resource, ref, namespace, around)]
    if not found and ref.get("parameterNotFoundAction") == "Deny":
        raise CelError("no params found for policy binding with `Deny` parameterNotFoundAction")
    yield from found


def _param_namespace(resource: Resource, ref: Object, request: AdmissionRequest) -> str:
    if not resource.namespaced:
        if ref.get("namespace"):
            raise CelError(
                "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
            )
        return ""
    namespace = ref.get("namespace") or request.namespace
    if not namespace:
        raise CelError(
            "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
        )
    return str(namespace)


def _referred(
    resource: Resource, ref: Object, namespace: str, around: Surroundings
) -> Iterator[Object]:
    from netemu.model.meta import labels_of
    from netemu.model.selector import from_object, matches

    if ref.get("name"):
        found = around.find(resource.key, namespace, ref["name"])
        if found is not None:
            yield found
        return
    wanted = from_object(ref.get("selector") or {}) or ()
    for obj in around.every(resource.key, namespace):
        if matches(wanted, labels_of(obj)):
            yield obj


def _objections(
    policy: Policy,
    param: Object | None,
    request: AdmissionRequest,
    seen: Resource,
    around: Surroundings,
) -> Iterator[tuple[str, str]]:
    """What a policy has against a write: the reason, and the message."""
    if policy.broken:
        yield from _failed(policy, policy.broken)
        return
    evaluation = Evaluation(variables(request, seen, around))
    evaluation.variables["params"] = param
    try:
        if not holds(policy.conditions, evaluation):
            return
    except CelError as error:
        yield from _failed(policy, str(error))
        return
    evaluation.variables |= lazily(policy.variables)
    for validation in policy.validations:
        try:
            passed = evaluation.value(validation.program) is True
        except CelError as error:
            yield from _failed(policy, str(error))
            continue
        if not passed:
            reason = validation.said.get("reason") or "Invalid"
            yield reason, _said(validation, evaluation)


def _failed(policy: Policy, why: str) -> Iterator[tuple[str, str]]:
    if not policy.lenient:
        yield "Invalid", why


def variables(request: AdmissionRequest, seen: Resource, around: Surroundings) -> dict[str, Any]:
    """The values of what every expression may use."""
    authorizer = around.authorizer(request)
    resource = request.resource
    asked = Question(
        authorizer.ask,
        group=resource.group,
        resource=resource.plural,
        subresource=request.subresource,
        namespace=request.namespace,
        name=request.name,
    )
    home = around.namespace(request.namespace) if request.namespace else None
    return {
        "object": request.shown(request.obj, seen),
        "oldObject": request.shown(request.old, seen),
        "request": described(request, seen),
        "namespaceObject": home,
        "authorizer": authorizer,
        "authorizer.requestResource": asked,
    }


def _said(validation: Validation, evaluation: Evaluation) -> str:
    if validation.message is not None:
        try:
            text = str(evaluation.value(validation.message)).strip()
        except CelError:
            text = ""
        if text and "\n" not in text and len(text.encode()) <= MESSAGE:
            return text
    message = (validation.said.get("message") or "").strip()
    return message or f"failed expression: {validation.said['expression'].strip()}"
