"""From a request to its answer: who asks, what about, which handler; refusals become Statuses.

This is the only place where an `ApiError` becomes an answer. Anything else that is raised is a
bug of ours: it is logged with its traceback and answered with 500.
"""

import logging
from functools import partial
from typing import Final

from netemu.api import autoscalingv1, reading, relaying, resourcemetrics, streaming, writing
from netemu.api.context import COLLECTION, EVERYWHERE, OBJECT, Context, Handlers
from netemu.api.documents import OPEN, document
from netemu.api.paths import Target, target_of
from netemu.api.request import Answer, Relay, Request, Stream, Upgrade, error_answer
from netemu.model.errors import (
    ApiError,
    InternalError,
    MethodNotAllowed,
    Unauthorized,
    UnknownPath,
)
from netemu.model.resources import CONVERTED

log = logging.getLogger(__name__)

HANDLERS: Final[Handlers] = {
    **reading.HANDLERS,
    **writing.HANDLERS,
    **streaming.HANDLERS,
    **relaying.HANDLERS,
}
_ASKED: Final = frozenset(asked for asked, _ in HANDLERS)


async def answer(context: Context, request: Request) -> Answer | Stream | Upgrade | Relay:
    """Answer a request; never raises but when cancelled."""
    try:
        return await _answer(context, request)
    except ApiError as error:
        return error_answer(error)
    except Exception as error:
        log.exception("%s %s failed", request.method, request.path)
        return error_answer(InternalError(str(error)))


async def _answer(context: Context, request: Request) -> Answer | Stream | Upgrade | Relay:
    path = request.path.rstrip("/")
    if probe := OPEN.get(path):
        return probe(context, request)
    if request.user is None:
        raise Unauthorized
    if path.startswith(resourcemetrics.PREFIX):
        return await resourcemetrics.answer(context, request)
    target = target_of(path)
    if target is None:
        return _document(context, path, request)
    if target.resource in CONVERTED:
        return await autoscalingv1.answer(target, request, partial(_dispatched, context))
    return await _dispatched(context, target, request)


async def _dispatched(
    context: Context, target: Target, request: Request
) -> Answer | Stream | Upgrade | Relay:
    asked = _asked(target)
    handler = HANDLERS.get((asked, request.method))
    if handler is None:
        raise MethodNotAllowed if asked in _ASKED else UnknownPath
    return await handler(context, target, request)


def _document(context: Context, path: str, request: Request) -> Answer:
    if request.method != "GET":
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
