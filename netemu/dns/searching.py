"""Search lists: the names that a client's resolver tries for one, and back from those to the one.

Forwards these are glibc's rules (resolv.conf(5)); backwards a guess from what the same client asked
just before, which is all that a server can see.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from netemu.dns.presentation import shown
from netemu.dns.records import Name, name_from, within

NDOTS: Final = 5
"""What the kubelet writes into a pod's resolv.conf."""
CHAIN_SECONDS: Final = 10.0
"""Between two steps of one walk at most: glibc waits for two tries of five seconds."""


class SearchList(Struct, frozen=True, kw_only=True):
    """What a resolv.conf says about incomplete names."""

    domains: tuple[Name, ...] = ()
    ndots: int = 1
    """Dots in a name with which it is tried as it is before the domains (glibc's default is 1)."""


def pod_list(namespace: str, zone: Name) -> SearchList:
    """A pod's own, by the policy ClusterFirst."""
    svc = (b"svc", *zone)
    return SearchList(domains=((namespace.encode(), *svc), svc, zone), ndots=NDOTS)


def list_from(domains: Sequence[str], options: Sequence[str]) -> SearchList:
    """The list that a resolv.conf's ``search`` and ``options`` mean. Raises ValueError."""
    ndots = 1
    for option in options:
        key, _, value = option.partition(":")
        if key == "ndots" and value.isdigit():
            ndots = min(int(value), 15)  # glibc's highest
    return SearchList(domains=tuple(map(name_from, domains)), ndots=ndots)


class Candidate(Struct, frozen=True):
    """One name to try."""

    name: Name
    domain: Name | None
    """The search domain behind it; None: the name as it is."""


def candidates(text: str, search: SearchList) -> list[Candidate]:
    """What is tried for the name written as `text`, in order. Raises ValueError."""
    name = name_from(text)
    as_it_is = Candidate(name, None)
    if text.endswith("."):
        return [as_it_is]
    searched = [Candidate((*name, *domain), domain) for domain in search.domains]
    if len(name) - 1 >= search.ndots:
        return [as_it_is, *searched]
    return [*searched, as_it_is]


class SearchStep(Struct, frozen=True, kw_only=True):
    """Which step of a walk through a search list a question was."""

    name: str
    """What the walk is about."""
    step: int
    of: int
    domain: str
    """The search domain of this step, "" for the name as it is."""


class Searching:
    """Recognises the steps of walks in questions that are told in the order they came."""

    def __init__(self) -> None:
        self._expected: dict[tuple[str, int, Name], tuple[int, float]] = {}
        """(client, type, name) -> the step that was seen last, and when."""

    def step(
        self, time: float, client: str, kind: int, name: Name, search: SearchList
    ) -> SearchStep | None:
        """The step that this question was; None if it belongs to no walk. `name` is lowered."""
        of = len(search.domains) + 1
        for number in range(of, 0, -1):
            domain = search.domains[number - 1] if number < of else ()
            if not within(name, domain) or name == domain:
                continue
            base = name[: len(name) - len(domain)]
            key = client, kind, base
            if number > 1 and not self._follows(key, number, time):
                continue
            self._expected[key] = number, time
            return SearchStep(
                name=shown(base).removesuffix("."),
                step=number,
                of=of,
                domain=shown(domain) if domain else "",
            )
        return None

    def _follows(self, key: tuple[str, int, Name], number: int, time: float) -> bool:
        """Whether the step before was seen just now, or this one already (it was asked again)."""
        seen, when = self._expected.get(key, (0, 0.0))
        return number - 1 <= seen <= number and seen > 0 and time - when <= CHAIN_SECONDS
