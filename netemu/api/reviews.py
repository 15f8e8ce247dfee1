"""Questions about who somebody is and what they may do: asked by POST, answered, kept nowhere."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from netemu.api.context import Context, Handler
from netemu.api.decoding import body_of
from netemu.api.paths import Target
from netemu.api.rbac import MASTERS, Attributes, Rule
from netemu.api.request import Answer, Request, User, json_answer
from netemu.api.tokens import AUDIENCE, TokenRefused
from netemu.model.errors import BadRequest, Cause, Invalid
from netemu.model.meta import Object
from netemu.model.resources import Resource

NOBODY: Final = User("")


def _asked(target: Target, request: Request) -> Object:
    return body_of(target.resource, request)[0]


def _answered(resource: Resource, given: Object, status: Object) -> Answer:
    """The question with its answer; like every review, it has been "created"."""
    metadata = dict(given.get("metadata") or {})
    metadata.setdefault("creationTimestamp", None)
    review = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    if "spec" in given:
        review["spec"] = given["spec"]
    return json_answer({**review, "status": status}, 201)


def user_info(user: User) -> Object:
    """A user as reviews show one."""
    found: Object = {"username": user.name}
    if user.uid:
        found["uid"] = user.uid
    if user.groups:
        found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {name: list(values) for name, values in user.extra.items()}
    return found


async def self_subject(context: Context, target: Target, request: Request) -> Answer:
    """Who am I?"""
    given = _asked(target, request)
    return _answered(target.resource, given, {"userInfo": user_info(request.user or NOBODY)})


async def token(context: Context, target: Target, request: Request) -> Answer:
    """Whose is this token?"""
    given = _asked(target, request)
    spec = given.get("spec") or {}
    if not spec.get("token"):
        raise BadRequest("token is required for TokenReview in authentication")
    wanted = spec.get("audiences") or (AUDIENCE,)
    try:
        user, audiences = context.tokens.user(spec["token"], wanted)
    except TokenRefused as refused:
        return _answered(target.resource, given, {"user": {}, "error": str(refused)})
    status = {"authenticated": True, "user": user_info(user), "audiences": audiences}
    return _answered(target.resource, given, status)


async def self_access(context: Context, target: Target, request: Request) -> Answer:
    """May I?"""
    given = _asked(target, request)
    _require(target, list(_attributes_problems(given.get("spec") or {})))
    return _access(context, target, given, request.user or NOBODY)


async def subject_access(context: Context, target: Target, request: Request) -> Answer:
    """May somebody?"""
    given = _asked(target, request)
    spec = given.get("spec") or {}
    _require(target, [*_attributes_problems(spec), *_subject_problems(target, spec)])
    groups = tuple(spec.get("groups") or ())
    return _access(context, target, given, User(spec.get("user", ""), groups))


def _require(target: Target, causes: list[Cause]) -> None:
    if causes:
        raise Invalid(target.resource.group, target.resource.kind, "", causes)


def _attributes_problems(spec: Object) -> Iterator[Cause]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        words = "cannot be specified in combination with resourceAttributes"
        said = f"Invalid value: {_as_go(path)}: {words}"
        yield Cause("FieldValueInvalid", said, "spec.nonResourceAttributes")
    if resource is None and path is None:
        words = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        said = f'Invalid value: "null": {words}'
        yield Cause("FieldValueInvalid", said, "spec.resourceAttributes")


def _subject_problems(target: Target, spec: Object) -> Iterator[Cause]:
    if not spec.get("user") and not spec.get("groups"):
        words = "Required value: at least one of user or group must be specified"
        yield Cause("FieldValueRequired", words, "spec.user")
    if not target.resource.namespaced:
        return
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and (said := resource.get("namespace", "")) != target.namespace:
        words = f'Invalid value: "{said}": must match metadata.namespace'
        yield Cause("FieldValueInvalid", words, "spec.resourceAttributes.namespace")
    if path is not None:
        words = f"Invalid value: {_as_go(path)}: disallowed on this kind of request"
        yield Cause("FieldValueInvalid", words, "spec.nonResourceAttributes")


def _as_go(path: Object) -> str:
    """Attributes as Go prints them."""
    where, verb = (json.dumps(path.get(key, ""), ensure_ascii=False) for key in ("path", "verb"))
    return f"authorization.NonResourceAttributes{{Path:{where}, Verb:{verb}}}"


def _access(context: Context, target: Target, given: Object, user: User) -> Answer:
    spec = given.get("spec") or {}
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None:
        names = ("verb", "group", "resource", "subresource", "namespace", "name")
        wanted = Attributes(**{name: resource.get(name, "") for name in names})
    else:
        assert path is not None
        wanted = Attributes(verb=path.get("verb", ""), path=path.get("path", ""))
    reason = context.access.grants.allowed(user, wanted)
    status: Object = {"allowed": reason is not None}
    if reason:
        status["reason"] = reason
    return _answered(target.resource, given, status)


async def self_rules(context: Context, target: Target, request: Request) -> Answer:
    """What may I do in a namespace?"""
    given = _asked(target, request)
    namespace = (given.get("spec") or {}).get("namespace", "")
    if not namespace:
        raise BadRequest("no namespace on request")
    user = request.user or NOBODY
    rules = [rule for grant in context.access.grants.of(user, namespace) for rule in grant.rules]
    if MASTERS in user.groups:
        rules = [*_EVERYTHING, *rules]
    resource_rules = [_shown(rule, _RESOURCE) for rule in rules if rule.get("resources")]
    path_rules = [_shown(rule, _PATHS) for rule in rules if rule.get("nonResourceURLs")]
    status = {
        "resourceRules": _distinct(resource_rules),
        "nonResourceRules": _distinct(path_rules),
        "incomplete": False,
    }
    return _answered(target.resource, given, status)


_EVERYTHING: Final[tuple[Rule, ...]] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
_RESOURCE: Final = ("verbs", "apiGroups", "resources", "resourceNames")
_PATHS: Final = ("verbs", "nonResourceURLs")


def _shown(rule: Rule, names: Iterable[str]) -> Rule:
    return {name: rule[name] for name in names if rule.get(name)}


def _distinct(rules: list[Rule]) -> list[Rule]:
    found: list[Rule] = []
    for rule in rules:
        if rule not in found:
            found.append(rule)
    return found


HANDLERS: Final[Mapping[str, Handler]] = {
    "selfsubjectreviews.authentication.k8s.io": self_subject,
    "tokenreviews.authentication.k8s.io": token,
    "selfsubjectaccessreviews.authorization.k8s.io": self_access,
    "selfsubjectrulesreviews.authorization.k8s.io": self_rules,
    "subjectaccessreviews.authorization.k8s.io": subject_access,
    "localsubjectaccessreviews.authorization.k8s.io": subject_access,
}
"""By `Resource.key`."""
