"""Exact weights among the endpoints of a Service port, by the annotation ``netemu.dev/weights``.

Shares take turns by smooth weighted round-robin, so with 90 to 10 every ten connections in a row
are nine and one, the one in the middle. Within a share its endpoints take turns. A client that an
endpoint failed is led to another of the same share first. Where a share has no endpoint that may
serve, the others divide what was its.

A client with affinity stays where it is, whatever the weights are by then.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from msgspec import Struct

from netemu.model.service import EndpointSlice, PodAddress, Service
from netemu.model.weights import BadWeights, Share, parse
from netemu.proxy.choose import Address

NOBODY: Final = -1


class Weights(Struct, frozen=True):
    """The shares of a Service, and who belongs to which."""

    shares: tuple[Share, ...]
    members: Mapping[str, int]
    """By the endpoint's address: the number of its share."""


def weights_of(
    service: Service, slices: Iterable[EndpointSlice], pods: Mapping[str, PodAddress]
) -> Weights | None:
    """What the annotation says of these endpoints; None if it says nothing that can be read."""
    try:
        shares = parse(service.weights)
    except BadWeights:
        return None  # the API refuses it; it was stored before there was such a rule
    addresses = {each.address for part in slices for each in part.endpoints}
    members = {}
    for address in sorted(addresses):
        pod = pods.get(address)
        number = NOBODY if pod is None else _share_of(pod, shares)
        if number != NOBODY:
            members[address] = number
    return Weights(shares, members)


def _share_of(pod: PodAddress, shares: Sequence[Share]) -> int:
    return next((n for n, share in enumerate(shares) if share.holds(pod.labels)), NOBODY)


def weighed(slices: Iterable[EndpointSlice], weights: Weights) -> tuple[EndpointSlice, ...]:
    """The slices with only those endpoints that may get a connection."""
    heavy = {each for each, number in weights.members.items() if weights.shares[number].weight}
    return tuple(
        replace(part, endpoints=tuple(each for each in part.endpoints if each.address in heavy))
        for part in slices
    )


class Weigher:
    """Whose turn it is, and whose it has been; one per Service port."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.opened: list[int] = []
        """Connections that each share has got."""
        self._credit: list[int] = []
        self._turns: list[int] = []
        self._seen: tuple[Address, ...] = ()
        self._groups: list[list[Address]] = []
        self._begin()

    def _begin(self) -> None:
        count = len(self.weights.shares)
        self.opened, self._credit, self._turns = [0] * count, [0] * count, [0] * count

    def update(self, weights: Weights) -> None:
        """Take what holds now; with other shares the counting begins anew."""
        before, self.weights = self.weights, weights
        if weights.shares != before.shares:
            self._begin()
        if weights != before:
            self._seen = ()

    def choose(
        self,
        endpoints: tuple[Address, ...],
        *,
        tried: Collection[Address] = (),
        sticky: Address | None = None,
    ) -> Address | None:
        """The endpoint for the next dial: the client's own if it has one, else by the weights.

        None when none is left that wasn't tried.
        """
        if sticky is not None and sticky in endpoints and sticky not in tried:
            return sticky
        groups = self._grouped(endpoints)
        if tried:
            groups = [[each for each in group if each not in tried] for group in groups]
            number = self._same_share(groups, tried)
            if number != NOBODY:
                return self._turn(number, groups[number])
        number = self._next_share(groups)
        return None if number == NOBODY else self._turn(number, groups[number])

    def note(self, endpoint: Address) -> None:
        """A client is joined with the endpoint."""
        number = self.weights.members.get(endpoint[0], NOBODY)
        if number != NOBODY:
            self.opened[number] += 1

    def _grouped(self, endpoints: tuple[Address, ...]) -> list[list[Address]]:
        if endpoints is not self._seen:
            groups: list[list[Address]] = [[] for _ in self.weights.shares]
            for each in endpoints:
                number = self.weights.members.get(each[0], NOBODY)
                if number != NOBODY:
                    groups[number].append(each)
            self._seen, self._groups = endpoints, groups
        return self._groups

    def _same_share(self, groups: Sequence[Collection[Address]], tried: Iterable[Address]) -> int:
        numbers = {self.weights.members.get(each[0], NOBODY) for each in tried}
        return next((n for n in sorted(numbers) if n != NOBODY and groups[n]), NOBODY)

    def _next_share(self, groups: Sequence[Collection[Address]]) -> int:
        """Smooth weighted round-robin: each gains its weight, the richest pays for all."""
        best, total = NOBODY, 0
        for number, share in enumerate(self.weights.shares):
            if not groups[number] or not share.weight:
                continue
            total += share.weight
            self._credit[number] += share.weight
            if best == NOBODY or self._credit[number] > self._credit[best]:
                best = number
        if best != NOBODY:
            self._credit[best] -= total
        return best

    def _turn(self, number: int, group: Sequence[Address]) -> Address:
        self._turns[number] += 1
        return group[self._turns[number] % len(group)]

    def rows(self, endpoints: Sequence[Address]) -> Iterator[dict[str, Any]]:
        """Each share: what was declared for it, and what it got."""
        weights = self.weights
        declared = sum(share.weight for share in weights.shares)
        every = sum(self.opened)
        for number, share in enumerate(weights.shares):
            here = (each for each in endpoints if weights.members.get(each[0]) == number)
            yield {
                "selector": str(share),
                "weight": share.weight,
                "declared": share.weight / declared,
                "endpoints": len(list(here)),
                "connections": self.opened[number],
                "achieved": self.opened[number] / every if every else None,
            }
