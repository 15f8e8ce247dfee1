"""Conversion webhooks: objects of a custom kind in another version than they are stored in.

What a webhook made of an object is kept with the version of its kind that it was made for, so that
whoever shows objects needn't wait: `prepare` asks, `views` finds. Source: apiextensions-apiserver's
conversion/webhook_converter.go.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from netemu.api.custom.resource import CustomResource
from netemu.model.errors import CallFailed, InternalError
from netemu.model.meta import Object
from netemu.model.resources import Resource
from netemu.store.base import Record

if TYPE_CHECKING:
    from netemu.api.webhookclient import Post

SECONDS: Final = 30.0
"""How long a conversion may take (upstream's constant)."""
REMEMBERED: Final = 10_000
"""How many converted objects are kept of one version."""
_GROUP: Final = "apiextensions.k8s.io"


def wanted(resource: Resource) -> bool:
    """Whether a webhook may have to be asked for this version."""
    return isinstance(resource, CustomResource) and resource.hook is not None


class Conversions:
    """Asks conversion webhooks."""

    def __init__(self, post: "Post") -> None:
        self._post = post

    async def prepare(self, resource: Resource, records: Iterable[Record]) -> None:
        """Have these objects ready in a version. Raises InternalError."""
        if not isinstance(resource, CustomResource) or resource.hook is None:
            return
        known = resource.conversions
        missing = [
            record.obj
            for record in records
            if record.obj["apiVersion"] != resource.api_version
            and identity(record.obj) not in known
        ]
        if not missing:
            return
        found = await self.converted(resource, missing)
        for obj, made in zip(missing, found, strict=True):
            known[identity(obj)] = resource.fitted(made)
        for old in list(known)[: max(0, len(known) - REMEMBERED - len(missing))]:
            del known[old]

    async def converted(self, resource: CustomResource, objects: Sequence[Object]) -> list[Object]:
        """Objects in this version. Raises InternalError."""
        hook = resource.hook
        assert hook is not None  # asked for only then
        first = objects[0]
        what = f"conversion webhook for {first['apiVersion']}, Kind={first['kind']}"
        try:
            answer = await self._asked(hook, resource, objects)
            made = _objects(answer)
        except CallFailed as error:
            raise InternalError(f"{what} failed: {error}") from None
        if len(made) != len(objects):
            raise InternalError(f"{what} returned {len(made)} objects, expected {len(objects)}")
        pairs = enumerate(zip(objects, made, strict=True))
        return [_judged(what, at, resource, old, new) for at, (old, new) in pairs]

    async def _asked(
        self, hook: Object, resource: CustomResource, objects: Sequence[Object]
    ) -> Mapping[str, Any]:
        offered = hook.get("conversionReviewVersions") or ()
        version = next((one for one in offered if one in ("v1", "v1beta1")), "")
        if not version:
            raise CallFailed("no supported conversion review versions")
        import uuid  # late: few kinds have such a webhook

        uid = str(uuid.uuid4())
        review: Object = {
            "kind": "ConversionReview",
            "apiVersion": f"{_GROUP}/{version}",
            "request": {
                "uid": uid,
                "desiredAPIVersion": resource.api_version,
                "objects": list(objects),
            },
        }
        answer = await self._post(hook["clientConfig"], review, SECONDS)
        response = answer.get("response")
        if not isinstance(response, dict):
            raise CallFailed("no response provided")
        if version == "v1" and response.get("uid") != uid:
            given = response.get("uid") or ""
            raise CallFailed(f'expected response.uid="{uid}", got "{given}"')
        return response


def identity(obj: Object) -> tuple[str, str, str]:
    """Which object in which state."""
    metadata = obj["metadata"]
    version = metadata.get("resourceVersion", "")
    return metadata.get("namespace", ""), metadata.get("name", ""), version


def _objects(response: Mapping[str, Any]) -> list[Any]:
    result = response.get("result") or {}
    if result.get("status") != "Success":
        message = result.get("message")
        why = f"response.result.status was '{result.get('status') or ''}', not 'Success'"
        raise CallFailed(str(message) if message else why)
    return list(response.get("convertedObjects") or ())


def _judged(what: str, at: int, resource: CustomResource, old: Object, new: Any) -> Object:
    """A converted object: its metadata is the original's but for labels and annotations."""
    invalid = f"{what} returned invalid converted object at index {at}: "
    said = new if isinstance(new, dict) else {}
    for key, words, expected in (
        ("apiVersion", "groupVersion", resource.api_version),
        ("kind", "kind", old["kind"]),
    ):
        if said.get(key) != expected:
            given = f"(expected {expected}, received {said.get(key)})"
            raise InternalError(f"{invalid}invalid {words} {given}")
    meta = said.get("metadata") or {}
    for key in ("name", "namespace", "uid"):
        if meta.get(key, "") != old["metadata"].get(key, ""):
            shown = "UID" if key == "uid" else key
            given = f"{old['metadata'].get(key, '')} != {meta.get(key, '')}"
            raise InternalError(f"{invalid}must have the same {shown}: {given}")
    metadata = {k: v for k, v in old["metadata"].items() if k not in ("labels", "annotations")}
    metadata |= {key: meta[key] for key in ("labels", "annotations") if meta.get(key)}
    return {**said, "metadata": metadata}
