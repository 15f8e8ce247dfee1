"""From a request to its answer: who asks, what about, which handler; refusals become Statuses.

This is the only place where an `ApiError` becomes an answer. Anything else that is raised is a
bug of ours: it is logged with its traceback and answered with 500.
"""

import logging
from dataclasses import replace
from typing import Final

from netemu.api import (
    negotiation,
    partwriting,
    reading,
    relaying,
    resourcemetrics,
    reviews,
    streaming,
    tokenrequests,
    writing,
)
from netemu.api.access import attributes_of, path_attributes
from netemu.api.context import COLLECTION, EVERYWHERE, OBJECT, Context, Handler, Handlers
from netemu.api.documents import OPEN, document
from netemu.api.paths import Target, target_of, watched
from netemu.api.request import (
    JSON,
    Answer,
    Relay,
    Request,
    Stream,
    Upgrade,
    User,
    error_answer,
    warning_headers,
)
from netemu.model.errors import (
    ApiError,
    InternalError,
    MethodNotAllowed,
    Unauthorized,
    UnknownPath,
)
from netemu.model.resources import MEASURED

log = logging.getLogger(__name__)

HANDLERS: Final[Handlers] = {
    **reading.HANDLERS,
    **writing.HANDLERS,
    **partwriting.HANDLERS,
    **tokenrequests.HANDLERS,
    **streaming.HANDLERS,
    **relaying.HANDLERS,
}
_ANSWERED: Final = {**reviews.HANDLERS, "bindings": partwriting.bind_any}
_REVIEWED: Final = ((COLLECTION, "POST"),)
_ASKED: Final = frozenset(asked for asked, _ in HANDLERS)


async def answer(context: Context, request: Request) -> Answer | Stream | Upgrade | Relay:
    """Answer a request; never raises but when cancelled."""
    try:
        found = await _answer(context, request)
    except ApiError as error:
        found = error_answer(error)
    except Exception as error:
        log.exception("%s %s failed", request.method, request.path)
        found = error_answer(InternalError(str(error)))
    if isinstance(found, Answer) and found.content_type == JSON:
        return as_wished(found, request.accept)
    return found


def as_wished(found: Answer, accept: str) -> Answer:
    """A JSON answer as YAML, for who prefers that."""
    if not negotiation.prefers_yaml(accept):
        return found
    from netemu.api import yamlbody  # late: yaml takes 10 ms, and few clients want it

    return replace(found, body=yamlbody.dump(found.body), content_type=negotiation.YAML)


async def _answer(context: Context, request: Request) -> Answer | Stream | Upgrade | Relay:
    path = request.path.rstrip("/")
    if probe := OPEN.get(path):
        return probe(context, request)
    user = _acting(context, request)
    if user is not request.user:
        request = replace(request, user=user)
    target = target_of(path, context.registry.catalog)
    if target is None and (old := watched(path, context.registry.catalog)):
        if request.method != "GET":
            raise MethodNotAllowed
        target, request = replace(old, name=None), _watching(old, request)
    if target is None:
        context.access.check(user, path_attributes(path, request))
        return _document(context, path, request)
    context.access.check(user, attributes_of(target, request))
    if target.resource in MEASURED:
        return await resourcemetrics.answer(context, request)
    found = await _handler(target, request)(context, target, request)
    warning = target.resource.warning
    if warning and isinstance(found, Answer):
        return replace(found, headers=(*found.headers, *warning_headers([warning])))
    return found


def _watching(old: Target, request: Request) -> Request:
    """The request for a watch in its old form, in today's."""
    query = {**request.query, "watch": "true"}
    if old.name:
        given = query.get("fieldSelector", "")
        query["fieldSelector"] = f"metadata.name={old.name}" + (f",{given}" if given else "")
    return replace(request, query=query)


def _acting(context: Context, request: Request) -> User:
    """For whom the request counts. Raises Forbidden, InternalError, Unauthorized."""
    if request.user is None:
        raise Unauthorized
    if not any(name[:12].lower() == "impersonate-" for name, _ in request.headers):
        return request.user
    from netemu.api import impersonation  # late: few clients act as others

    return impersonation.acting(request.user, request.headers, context.access.check)


def _handler(target: Target, request: Request) -> Handler:
    """Who answers. Raises MethodNotAllowed, UnknownPath."""
    asked = _asked(target)
    verbs = target.resource.verbs
    if verbs and attributes_of(target, request).verb not in verbs:
        raise MethodNotAllowed
    if not target.resource.is_kept:
        if (asked, request.method) not in _REVIEWED:
            raise MethodNotAllowed
        return _ANSWERED[target.resource.key]
    handler = HANDLERS.get((asked, request.method))
    if handler is None:
        raise MethodNotAllowed if asked in _ASKED else UnknownPath
    return handler


def _document(context: Context, path: str, request: Request) -> Answer:
    if request.method not in ("GET", "HEAD"):
        raise UnknownPath
    found = document(context, path, request)
    if found is None:
        raise UnknownPath
    return found


def _asked(target: Target) -> str:
    if target.subresource is not None:
        return target.subresource
    if target.name is not None:
        return OBJECT
    return EVERYWHERE if target.namespace is None else COLLECTION
