"""How long to wait before trying again what failed: the kubelet's doubling delays, as a value."""

from msgspec import Struct
from msgspec.structs import replace


class BackOff(Struct, frozen=True, kw_only=True):
    """The delay after the latest attempt; `first` doubles up to `longest`, in seconds.

    The rules are client-go's flowcontrol.Backoff: an attempt long enough after the one before
    (twice the longest delay: ten minutes of running for containers) starts again from nothing.
    """

    first: float = 10.0
    longest: float = 300.0
    delay: float = 0.0
    """The delay now in force; 0 before the first attempt."""
    tried: float = 0.0
    """When the latest attempt was made (monotonic)."""

    def _forgotten(self, event: float) -> bool:
        return self.delay == 0 or event - self.tried > 2 * self.longest

    def due(self, event: float) -> float:
        """When the next attempt may be made after something that happened at `event`."""
        return event if self._forgotten(event) else event + self.delay

    def after(self, event: float, now: float) -> "BackOff":
        """The state once an attempt is made at `now` because of `event`."""
        if self._forgotten(event):
            return replace(self, delay=self.first, tried=now)
        return replace(self, delay=min(2 * self.delay, self.longest), tried=now)


def go_duration(seconds: float) -> str:
    """Whole seconds as Go prints a time.Duration: ``10s``, ``1m20s``, ``1h0m0s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
