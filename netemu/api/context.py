"""What the handlers of requests share."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from netemu.api.access import Access
from netemu.api.paths import Target
from netemu.api.registry import Registry
from netemu.api.request import Answer, Relay, Request, Stream, Upgrade
from netemu.api.tokens import ServiceAccountTokens
from netemu.api.watching import Frames
from netemu.model.streams import PodStreams
from netemu.model.usage import NoUsage, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts of the server that handlers use."""

    registry: Registry
    streams: PodStreams
    frames: Frames
    rng: random.Random
    ready: Callable[[], bool]
    tokens: ServiceAccountTokens
    access: Access
    usage: Usage = field(default_factory=NoUsage)
    address: str
    """host:port under which clients reach the server."""


Handler: TypeAlias = Callable[
    [Context, Target, Request], Awaitable[Answer | Stream | Upgrade | Relay]
]

Handlers: TypeAlias = Mapping[tuple[str, str], Handler]
"""By what is asked of (``collection``, ``object``, or a subresource) and the HTTP method."""

COLLECTION = "collection"
OBJECT = "object"
EVERYWHERE = "everywhere"
"""A namespaced collection across all namespaces."""
