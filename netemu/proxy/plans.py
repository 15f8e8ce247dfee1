"""The plans that are in force: a route for each Service port, and who has which listener."""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from netemu.clock import Clock
from netemu.model.meta import Key
from netemu.model.service import Protocol
from netemu.proxy.gate import OPEN
from netemu.proxy.openings import Openings
from netemu.proxy.ports import NOTHING, Plan
from netemu.proxy.route import ANY_DOOR, Path, PlaceOf, Route
from netemu.proxy.site import Backend, Listener

if TYPE_CHECKING:
    from netemu.proxy.families import Families


class Plans:
    """By Service, or pod with host ports."""

    def __init__(
        self, openings: "Openings | Families", clock: Clock, rng: Random, place_of: PlaceOf
    ) -> None:
        self.routes: dict[Backend, Route] = {}
        """Every port that is relayed."""
        self.weighed: set[Key] = set()
        """The Services with weights, which hang on the labels of pods."""
        self._listeners = openings
        self._clock = clock
        self._rng = rng
        self._place_of = place_of
        self._plans: dict[Key, Plan] = {}
        self._claims: dict[Listener, dict[Key, Backend]] = {}
        self._closed: Counter[Listener] = Counter()
        """How many Services have a listener that nobody could serve."""

    def put(self, key: Key, after: Plan) -> Plan:
        """From now on `after` is the plan of a Service, or of a pod's host ports; what it was."""
        before = self._plans.pop(key, NOTHING)
        if after is not NOTHING:
            self._plans[key] = after
        (self.weighed.discard if after.weights is None else self.weighed.add)(key)
        for backend, reach in after.reach.items():
            self._route(backend).update(reach, after.affinity_seconds, after.weights)
            if (reach, after.affinity_seconds) != (
                before.reach.get(backend),
                before.affinity_seconds,
            ):
                self._listeners.review(backend)
        # Listeners move over before the routes they led to go.
        for listener in {**before.listeners, **after.listeners}:
            if _moves(listener, before, after):
                self._claim(listener, key, after.listeners.get(listener))
        for backend in before.reach:
            if backend not in after.reach:
                del self.routes[backend]
        self._closed.update(after.closed)
        self._closed.subtract(before.closed)
        for listener in {*before.closed, *after.closed, *before.listeners, *after.listeners}:
            self._refuse(listener)
        return before

    def _refuse(self, listener: Listener) -> None:
        """Have clients of a listener refused if some Service has it, and none can serve it."""
        closed = self._closed[listener] > 0
        if not closed:
            del self._closed[listener]
        self._listeners.refuse(listener, closed and listener not in self._claims)

    def _route(self, backend: Backend) -> Route:
        if backend not in self.routes:
            self.routes[backend] = Route(backend, self._clock, self._rng)
        return self.routes[backend]

    def _claim(self, listener: Listener, key: Key, backend: Backend | None) -> None:
        """Note which Service wants a listener; of several the first gets it, as in `wanted`."""
        claims = self._claims.setdefault(listener, {})
        if backend is None:
            claims.pop(key, None)
        else:
            claims[key] = backend
        if not claims:
            del self._claims[listener]
            self._listeners.want(listener, None)
            return
        first = min(claims)
        winner = self._plans[first]
        path = Path(
            self.routes[claims[first]],
            winner.doors.get(listener, ANY_DOOR),
            self._place_of,
            outside=winner.outside,
            relayed=winner.relayed,
        )
        self._listeners.want(listener, path, winner.gates.get(listener, OPEN))


def _moves(listener: Listener, before: Plan, after: Plan) -> bool:
    """Whether anything about a listener changed; its endpoints matter to flows only, as
    connections stay where they are and new ones ask anew.
    """
    backend = after.listeners.get(listener)
    return (
        backend is None
        or before.listeners.get(listener) != backend
        or before.doors.get(listener) != after.doors.get(listener)
        or before.gates.get(listener) != after.gates.get(listener)
        or before.relayed != after.relayed
        or before.outside != after.outside
        or (before.weights is None) != (after.weights is None)  # which the kernel can't heed
        or (backend.protocol is Protocol.UDP and before.reach.get(backend) != after.reach[backend])
    )
