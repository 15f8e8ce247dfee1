"""The tokens in a pod's projected volumes: asked for once, and anew when they begin to age.

As the kubelet's token manager: a token is renewed when four fifths of its time are over, or a day
(pkg/kubelet/token).
"""

from typing import Final

from netemu.clock import Clock
from netemu.model.meta import Object
from netemu.node.volume_files import Tokens, VolumeError, no_tokens

RENEWED_AT: Final = 0.8
"""The part of its time after which a token is renewed."""
OLDEST_SECONDS: Final = 24 * 3600.0
USUAL_SECONDS: Final = 3600
"""How long tokens last that say nothing else (the API's default)."""


class PodTokens:
    """One pod's tokens, by what they are for."""

    def __init__(self, make: Tokens, clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._kept: dict[tuple[str, int], tuple[bytes, float]] = {}

    @property
    def due(self) -> float | None:
        """When the next one is to be renewed, by the monotonic clock."""
        return min((when for _, when in self._kept.values()), default=None)

    def __call__(self, pod: Object, source: Object) -> bytes | None:
        """The token for a serviceAccountToken source. Raises VolumeError."""
        seconds = int(source.get("expirationSeconds") or USUAL_SECONDS)
        key = str(source.get("audience") or ""), seconds
        now = self._clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None and now < kept[1]:
            return kept[0]
        token = self._make(pod, source)
        if token is not None:
            self._kept[key] = token, now + min(seconds * RENEWED_AT, OLDEST_SECONDS)
        elif self._make is not no_tokens:
            name = pod["spec"].get("serviceAccountName") or "default"
            raise VolumeError(f'failed to fetch token: serviceaccounts "{name}" not found')
        return token
