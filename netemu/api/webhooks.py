"""Validating and mutating webhooks: who is asked about a write, and what comes of it.

Source: apiserver's plugin/webhook (mutating and validating dispatchers, errors/statuserror.go).
"""

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import jsonpatch
import msgspec

from netemu.api.admissionexpressions import VARIABLES, Evaluation, checked, holds
from netemu.api.admissionpolicies import Surroundings, variables
from netemu.api.admissionrequest import AdmissionRequest, described
from netemu.api.admissionrules import matched
from netemu.api.webhookclient import Post
from netemu.cel.errors import CelError, CompileError
from netemu.cel.program import Program
from netemu.cel.types import BOOL
from netemu.model.errors import ApiError, BadRequest, CallFailed, InternalError
from netemu.model.meta import Object
from netemu.model.resources import Resource
from netemu.tasks import task_group

_GROUP: Final = "admission.k8s.io"
_KNOWN: Final = ("v1", "v1beta1")
_HARMLESS: Final = ("None", "NoneOnDryRun")


class Rejected(ApiError):
    """A webhook doesn't let a write pass; the Status is its own but for the message."""

    def __init__(self, hook: str, result: Mapping[str, Any]) -> None:
        denied = f'admission webhook "{hook}" denied the request'
        why = result.get("message") or result.get("reason")
        super().__init__(f"{denied}: {why}" if why else f"{denied} without explanation")
        self.details = dict(result.get("details") or {})
        self.reason = str(result.get("reason") or "")
        code = result.get("code") or 0
        self.code = code if code >= 400 else 400


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook of a configuration, its conditions compiled."""

    said: Object
    conditions: tuple[Program, ...]
    broken: str = ""
    """Why its conditions can't be evaluated."""

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.said["name"])

    @property
    def lenient(self) -> bool:
        """Whether a write passes when it can't be called."""
        return self.said.get("failurePolicy") == "Ignore"

    @property
    def again(self) -> bool:
        """Whether it is asked again when another one changed the object after it."""
        return self.said.get("reinvocationPolicy") == "IfNeeded"


def hooks_of(configurations: Sequence[Object]) -> list[Hook]:
    """Every webhook, in the order in which they are called."""
    ordered = sorted(configurations, key=lambda one: one["metadata"]["name"])
    return [_hook(said) for one in ordered for said in one.get("webhooks") or ()]


def _hook(said: Object) -> Hook:
    try:
        found = [
            checked(one["expression"], VARIABLES, BOOL) for one in said.get("matchConditions") or ()
        ]
    except CompileError as error:
        return Hook(said, (), str(error))
    return Hook(said, tuple(found))


def _wanted(hook: Hook, request: AdmissionRequest, around: Surroundings) -> Resource | None:
    """The version in which a webhook wants to see the object; None: it isn't asked.

    Raises Forbidden-like errors where its conditions can't be evaluated and it insists.
    """
    seen = matched(hook.said, "rules", request, around.catalog, around.namespace)
    if seen is None or not hook.said.get("rules"):
        return None
    try:
        if hook.broken:
            raise CelError(hook.broken)
        if hook.conditions:
            evaluation = Evaluation(variables(request, seen, around))
            return seen if holds(hook.conditions, evaluation) else None
    except CelError as error:
        if hook.lenient:
            return None
        raise _Forbidden(request, str(error)) from None
    return seen


class _Forbidden(ApiError):
    """A webhook's conditions can't be evaluated."""

    code, reason = 403, "Forbidden"

    def __init__(self, request: AdmissionRequest, why: str) -> None:
        resource = request.resource
        super().__init__(
            f'{resource.key} "{request.name}" is forbidden: {why}',
            name=request.name,
            **({"group": resource.group} if resource.group else {}),
            kind=resource.plural,
        )


async def validate(
    hooks: Sequence[Hook], request: AdmissionRequest, around: Surroundings, post: Post
) -> None:
    """Ask all who want to be asked, side by side. Raises ApiError, the first objection."""
    wanted = [(hook, seen) for hook in hooks if (seen := _wanted(hook, request, around))]
    if not wanted:
        return
    objections: list[ApiError] = []

    async def ask(hook: Hook, seen: Resource) -> None:
        try:
            await _asked(hook, seen, request, post, mutating=False)
        except ApiError as error:
            objections.append(error)

    async with task_group() as tasks:
        asked = [tasks.start(ask(hook, seen), name=hook.name) for hook, seen in wanted]
        for one in asked:
            await one
    if objections:
        raise objections[0]


async def mutate(
    hooks: Sequence[Hook], request: AdmissionRequest, around: Surroundings, post: Post
) -> Object | None:
    """The object as the webhooks make it, one after the other. Raises ApiError."""
    earlier: list[Hook] = []
    again: list[Hook] = []
    for hook in hooks:
        request, changed = await _mutated(hook, request, around, post)
        if changed:
            again = [one for one in earlier if one.again]
        if changed is not None:
            earlier.append(hook)
    for hook in again:
        request, _ = await _mutated(hook, request, around, post)
    return request.obj


async def _mutated(
    hook: Hook, request: AdmissionRequest, around: Surroundings, post: Post
) -> tuple[AdmissionRequest, bool | None]:
    """The request afterwards, and whether its object changed; None: the webhook wasn't asked."""
    seen = _wanted(hook, request, around)
    if seen is None:
        return request, None
    patch = await _asked(hook, seen, request, post, mutating=True)
    if not patch:
        return request, False
    if request.obj is None:
        raise InternalError(
            f'admission webhook "{hook.name}" attempted to modify the object, which is not '
            "supported for this operation"
        )
    shown = request.shown(request.obj, seen)
    try:
        patched: Object = jsonpatch.apply_patch(shown, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise InternalError(str(error)) from None
    patched = around.back(request.resource, seen, patched)
    return replace(request, obj=patched), patched != request.obj


async def _asked(
    hook: Hook, seen: Resource, request: AdmissionRequest, post: Post, *, mutating: bool
) -> list[Any]:
    """The patch that a webhook answers with; [] where it has none. Raises ApiError."""
    if request.dry_run and hook.said.get("sideEffects") not in _HARMLESS:
        raise BadRequest(f'admission webhook "{hook.name}" does not support dry run')
    try:
        response = await _answered(hook, seen, request, post)
        patch = _patch(response, mutating=mutating)
    except CallFailed as error:
        if hook.lenient:
            return []
        raise InternalError(f'failed calling webhook "{hook.name}": {error}') from None
    request.warnings.extend(str(text) for text in response.get("warnings") or ())
    if not response.get("allowed"):
        raise Rejected(hook.name, response.get("status") or {})
    return patch


async def _answered(
    hook: Hook, seen: Resource, request: AdmissionRequest, post: Post
) -> Mapping[str, Any]:
    """The response to a review. Raises CallFailed."""
    offered = hook.said.get("admissionReviewVersions") or ()
    version = next((one for one in offered if one in _KNOWN), "v1")
    kind = f"{_GROUP}/{version}"
    review = {
        "kind": "AdmissionReview",
        "apiVersion": kind,
        "request": {
            "uid": str(uuid.uuid4()),
            **_told(described(request, seen)),
            "object": request.shown(request.obj, seen),
            "oldObject": request.shown(request.old, seen),
        },
    }
    seconds = hook.said.get("timeoutSeconds") or 10
    try:
        answer = await post(hook.said["clientConfig"], review, seconds)
    except CallFailed as error:
        raise CallFailed(f"failed to call webhook: {error}") from None
    return _response(answer, review["request"]["uid"], kind)  # type: ignore[index]  # made above


def _told(said: dict[str, Any]) -> dict[str, Any]:
    """What a review leaves out when it is empty."""
    optional = ("subResource", "requestSubResource", "name", "namespace")
    return {key: value for key, value in said.items() if value or key not in optional}


def _response(answer: Object, uid: str, kind: str) -> Mapping[str, Any]:
    response = answer.get("response")
    invalid = "received invalid webhook response: "
    if not isinstance(response, dict):
        raise CallFailed(f"{invalid}webhook response was absent")
    if kind.endswith("/v1"):
        if response.get("uid") != uid:
            given = response.get("uid") or ""
            raise CallFailed(f'{invalid}expected response.uid="{uid}", got "{given}"')
        said = f"{answer.get('apiVersion') or ''}, Kind={answer.get('kind') or ''}"
        if said != f"{kind}, Kind=AdmissionReview":
            wanted = f"{kind}, Kind=AdmissionReview"
            raise CallFailed(f"{invalid}expected webhook response of {wanted}, got {said}")
    return response


def _patch(response: Mapping[str, Any], *, mutating: bool) -> list[Any]:
    """The operations of a patch. Raises CallFailed."""
    given, kind = response.get("patch"), response.get("patchType")
    invalid = "received invalid webhook response: "
    if not mutating:
        if given or kind:
            what = "patch" if given else "patchType"
            raise CallFailed(f"{invalid}validating webhook may not return response.{what}")
        return []
    if given and not kind:
        raise CallFailed(f"{invalid}webhook returned response.patch but not response.patchType")
    if kind and not given:
        raise CallFailed(f"{invalid}webhook returned response.patchType but not response.patch")
    if not given:
        return []
    if kind != "JSONPatch":
        raise CallFailed(f'unsupported patch type "{kind}"')
    try:
        found: list[Any] = msgspec.json.decode(base64.b64decode(given), type=list)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        why = f"received undecodable patch in webhook response: {error}"
        raise CallFailed(why) from None
    return found
