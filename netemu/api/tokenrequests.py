"""The token subresource of a ServiceAccount: tokens for the asking, for a while, perhaps bound."""

from collections.abc import Iterator
from typing import Final

from netemu.api.context import Context, Handlers
from netemu.api.decoding import body_of
from netemu.api.paths import Target
from netemu.api.request import Answer, Request, json_answer, warning_headers
from netemu.api.tokens import AUDIENCE, LONGEST, SHORTEST, Wish
from netemu.clock import rfc3339
from netemu.model.errors import BadRequest, Cause, Conflict, Invalid, NotFound
from netemu.model.meta import Object, name_of, uid_of
from netemu.model.resources import NODES, PODS, SECRETS, Resource

TOKEN_REQUEST: Final = Resource("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests")
_DEFAULT: Final = 3600
_BINDABLE: Final = {"Pod": PODS, "Secret": SECRETS, "Node": NODES}


async def issue(context: Context, target: Target, request: Request) -> Answer:
    """POST of a TokenRequest."""
    account = context.registry.get(target.resource, target.key).obj
    checked, warnings = body_of(TOKEN_REQUEST, request)
    _check_account(checked.get("metadata") or {}, account)
    spec = checked.get("spec") or {}
    causes = list(_broken_rules(spec))
    if causes:
        raise Invalid(TOKEN_REQUEST.group, TOKEN_REQUEST.kind, "", causes)
    reference = spec.get("boundObjectRef") or {}
    wish = Wish(
        seconds=spec.get("expirationSeconds") or _DEFAULT,
        audiences=spec.get("audiences") or (AUDIENCE,),
        bound=_bound(context, account, reference) if reference else None,
        bound_kind=reference.get("kind", ""),
    )
    token, ends = context.tokens.issue(account, wish)
    metadata = {
        "name": name_of(account),
        "namespace": account["metadata"]["namespace"],
        "creationTimestamp": rfc3339(context.registry.clock.now()),
    }
    status = {"token": "" if request.dry_run else token, "expirationTimestamp": rfc3339(ends)}
    shown = {
        "kind": TOKEN_REQUEST.kind,
        "apiVersion": TOKEN_REQUEST.api_version,
        "metadata": metadata,
        "spec": {
            "audiences": list(wish.audiences),
            "expirationSeconds": wish.seconds,
            "boundObjectRef": reference or None,
        },
        "status": status,
    }
    return json_answer(shown, 201, warning_headers(warnings))


def _check_account(said: Object, account: Object) -> None:
    """A request that names its account must name this one. Raises Invalid."""
    for key in ("name", "namespace"):
        if said.get(key) and said[key] != account["metadata"][key]:
            words = f'"{said[key]}": must match the service account {key} if specified'
            cause = Cause("FieldValueInvalid", f"Invalid value: {words}", f"metadata.{key}")
            raise Invalid(TOKEN_REQUEST.group, TOKEN_REQUEST.kind, name_of(account), [cause])


def _broken_rules(spec: Object) -> Iterator[Cause]:
    seconds = spec.get("expirationSeconds")
    field = "spec.expirationSeconds"
    if seconds is None:
        return
    if seconds < SHORTEST:
        why = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        yield Cause("FieldValueInvalid", why, field)
    if seconds > LONGEST:
        why = f"Invalid value: {seconds}: may not specify a duration larger than 2^32 seconds"
        yield Cause("FieldValueInvalid", why, field)


def _bound(context: Context, account: Object, reference: Object) -> Object:
    """What a token is to be bound to. Raises BadRequest, Conflict, NotFound."""
    kind, name = reference.get("kind", ""), reference.get("name", "")
    resource = _BINDABLE.get(kind)
    if resource is None or reference.get("apiVersion", "v1") != "v1":
        raise BadRequest(
            f"cannot bind token for object of type {reference.get('apiVersion')}, {kind}"
        )
    namespace = "" if resource == NODES else account["metadata"]["namespace"]
    record = context.registry.store.get(resource, (namespace, name))
    if record is None:
        raise NotFound(resource, name)
    if resource == PODS and record.obj["spec"].get("serviceAccountName") != name_of(account):
        raise BadRequest(
            f'cannot bind token for serviceaccount "{name_of(account)}" to pod running with '
            "different serviceaccount name."
        )
    uid = reference.get("uid")
    if uid and uid != uid_of(record.obj):
        why = (
            f"the UID in the bound object reference ({uid}) does not match the UID in record. The "
            "object might have been deleted and then recreated"
        )
        raise Conflict(resource, name, why)
    return record.obj


HANDLERS: Final[Handlers] = {("token", "POST"): issue}
