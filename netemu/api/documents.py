"""Handlers of fixed paths: discovery, version, health, OpenAPI."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from netemu.api import discovery, negotiation, openapi
from netemu.api.context import Context
from netemu.api.registry import Registry
from netemu.api.request import JSON, TEXT, Answer, Request, json_answer
from netemu.api.tokens import ISSUER
from netemu.model.catalog import Catalog
from netemu.model.errors import UnknownPath
from netemu.model.meta import Object

_OPENAPI: Final = "/openapi/v3"
_KEYS: Final = "/openid/v1/jwks"
_FOR_AN_HOUR: Final = (("Cache-Control", "public, max-age=3600"),)
_YEAR: Final = 365 * 86400

Document: TypeAlias = Callable[[Context, Request], Answer]


def _health(context: Context, request: Request) -> Answer:
    if "verbose" not in request.query:
        return Answer(body=b"ok", content_type=TEXT)
    name = request.path.strip("/")
    said = f"[+]ping ok\n[+]log ok\n[+]netemu ok\n{name} check passed\n"
    return Answer(body=said.encode(), content_type=TEXT)


def _readiness(context: Context, request: Request) -> Answer:
    if context.ready():
        return _health(context, request)
    return Answer(
        body=b"[+]ping ok\n[+]log ok\n[-]netemu failed: not synced yet\nreadyz check failed\n",
        status=500,
        content_type=TEXT,
    )


OPEN: Final[Mapping[str, Document]] = {
    "/livez": _health,
    "/healthz": _health,
    "/readyz": _readiness,
}
"""What anybody may ask, without a certificate."""


def _passed(context: Context, request: Request) -> Answer:
    return Answer(body=b"ok", content_type=TEXT)


def _version(context: Context, request: Request) -> Answer:
    return json_answer(discovery.VERSION)


def _paths(context: Context, request: Request) -> Answer:
    return json_answer({"paths": discovery.paths(context.registry.catalog)})


def _api(context: Context, request: Request) -> Answer:
    return _discovery(context, request, core=True, plain=discovery.api_versions(context.address))


def _apis(context: Context, request: Request) -> Answer:
    plain = discovery.group_list(context.registry.catalog)
    return _discovery(context, request, core=False, plain=plain)


def _discovery(context: Context, request: Request, *, core: bool, plain: Object) -> Answer:
    version = negotiation.discovery_version(request.accept)
    vary = [("Vary", "Accept")]
    if version is None:
        negotiation.plain_only(request.accept)
        return json_answer(plain, headers=vary)
    answer = json_answer(
        discovery.aggregated(core, version, context.registry.catalog), headers=vary
    )
    content_type = f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    return Answer(body=answer.body, content_type=content_type, headers=vary)


def _openapi_index(context: Context, request: Request) -> Answer:
    return Answer(body=openapi.index(context.registry.catalog))


def _openapi_v2(context: Context, request: Request) -> Answer:
    from netemu.api import openapi2  # late: modern clients read version 3

    catalog = context.registry.catalog
    index = msgspec.json.decode(openapi.index(catalog))["paths"]
    every = (openapi.document(path, catalog) for path in index)
    parts = tuple(found[0] for found in every if found is not None)
    if "protobuf" in request.accept:
        return Answer(body=openapi2.packed(parts), content_type=openapi2.PROTOBUF)
    negotiation.plain_only(request.accept)
    return Answer(body=openapi2.document(parts))


def _issuer(context: Context, request: Request) -> Answer:
    # KEP-1393: how whoever gets an account's token finds out that it is good.
    return json_answer(
        {
            "issuer": ISSUER,
            "jwks_uri": f"https://{context.address}{_KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        },
        headers=_FOR_AN_HOUR,
    )


def _keys(context: Context, request: Request) -> Answer:
    found = json_answer(context.tokens.public_keys(), headers=_FOR_AN_HOUR)
    return Answer(body=found.body, content_type="application/jwk-set+json", headers=found.headers)


def _metrics(context: Context, request: Request) -> Answer:
    """How many objects there are, under upstream's name."""
    from netemu.metrics import CONTENT_TYPE  # late: few ask

    registry = context.registry
    name = "apiserver_storage_objects"
    lines = [
        f"# HELP {name} Number of stored objects, by kind.",
        f"# TYPE {name} gauge",
        *(
            f'{name}{{resource="{key}"}} {len(registry.store.list(key))}'
            for key in sorted(registry.catalog.by_key)
        ),
    ]
    return Answer(body="\n".join((*lines, "")).encode(), content_type=CONTENT_TYPE)


FIXED: Final[Mapping[str, Document]] = {
    "/.well-known/openid-configuration": _issuer,
    _KEYS: _keys,
    **{f"{probe}/{check}": _passed for probe in OPEN for check in ("ping", "log")},
    "": _paths,
    "/metrics": _metrics,
    "/version": _version,
    "/api": _api,
    "/apis": _apis,
    "/openapi/v2": _openapi_v2,
    _OPENAPI: _openapi_index,
}
"""By path without its trailing slash."""


def document(context: Context, path: str, request: Request) -> Answer | None:
    """The document under a path without trailing slash, None where there is none."""
    if fixed := FIXED.get(path):
        return fixed(context, request)
    if path.startswith(_OPENAPI + "/"):
        return _openapi_document(context.registry, path.removeprefix(_OPENAPI + "/"), request)
    found = _listed(path, context.registry.catalog)
    if found is None:
        return None
    negotiation.plain_only(request.accept)
    return json_answer(found)


def _listed(path: str, catalog: Catalog) -> Object | None:
    match path.split("/")[1:]:
        case ["api", version]:
            return discovery.resource_list("", version, catalog)
        case ["apis", group]:
            return discovery.group_document(group, catalog)
        case ["apis", group, version]:
            return discovery.resource_list(group, version, catalog)
        case _:
            return None


def _openapi_document(registry: Registry, name: str, request: Request) -> Answer:
    found = openapi.document(name, registry.catalog)
    if found is None:
        raise UnknownPath
    content, digest = found
    etag = f'"{digest}"'
    asked = request.query.get("hash")
    if asked and asked != digest:
        return Answer(
            body=b"", status=301, headers=[("Location", f"{_OPENAPI}/{name}?hash={digest}")]
        )
    headers = [("ETag", etag), ("Vary", "Accept")]
    if asked:
        expires = _http_date(registry.clock.now() + _YEAR)
        headers += [("Cache-Control", "public, immutable"), ("Expires", expires)]
    else:
        headers.append(("Cache-Control", "no-cache, private"))
    if request.if_none_match == etag:
        return Answer(body=b"", status=304, headers=headers)
    return Answer(body=content, headers=headers)


def _http_date(seconds: float) -> str:
    from email.utils import formatdate

    return formatdate(seconds, usegmt=True)
