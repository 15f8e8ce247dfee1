"""Which pods a pod wants near it, and how evenly pods are to be spread: facts and rules.

Pure; as upstream's plugins InterPodAffinity and PodTopologySpread. Topology means a node's label:
nodes with the same value of it are one domain.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from netemu.model.meta import Object
from netemu.model.selector import Operator, Requirement, Selector, from_object, matches

NamespaceLabels = Callable[[str], Mapping[str, str]]
"""The labels of a namespace."""

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class Neighbour(Struct, frozen=True, kw_only=True):
    """An affinity term: pods in the same domain."""

    topology: str
    pods: Selector | None
    """None: no pod at all."""
    namespaces: frozenset[str]
    namespace_selector: Selector | None = None
    """More namespaces, by their labels; () is every one."""

    def means(self, namespace: str, labels: Mapping[str, str], of: NamespaceLabels) -> bool:
        """Whether a pod is one of those."""
        if self.pods is None or not matches(self.pods, labels):
            return False
        if namespace in self.namespaces:
            return True
        chosen = self.namespace_selector
        return chosen is not None and matches(chosen, of(namespace))


class Spread(Struct, frozen=True, kw_only=True):
    """A topology spread constraint (KEP-895)."""

    topology: str
    skew: int
    hard: bool
    pods: Selector | None
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False


class Wishes(Struct, frozen=True, kw_only=True):
    """All that a pod wants of others."""

    near: tuple[Neighbour, ...] = ()
    apart: tuple[Neighbour, ...] = ()
    rather: tuple[tuple[int, Neighbour], ...] = ()
    """With weights; those of pods to keep away from are negative."""
    spread: tuple[Spread, ...] = ()


NONE = Wishes()


def wishes_of(spec: Object, namespace: str, labels: Mapping[str, str]) -> Wishes:
    """Read a pod's spec."""
    affinity, constraints = spec.get("affinity") or {}, spec.get("topologySpreadConstraints")
    near, apart = affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}
    if not (near or apart or constraints):
        return NONE
    rather = [(1, item) for item in near.get(_PREFERRED) or ()]
    rather += [(-1, item) for item in apart.get(_PREFERRED) or ()]
    return Wishes(
        near=tuple(_neighbour(item, namespace, labels) for item in near.get(_REQUIRED) or ()),
        apart=tuple(_neighbour(item, namespace, labels) for item in apart.get(_REQUIRED) or ()),
        rather=tuple(
            (sign * item["weight"], _neighbour(item["podAffinityTerm"], namespace, labels))
            for sign, item in rather
        ),
        spread=tuple(_spread(item, labels) for item in constraints or ()),
    )


def _neighbour(item: Object, namespace: str, labels: Mapping[str, str]) -> Neighbour:
    chosen, named = item.get("namespaceSelector"), item.get("namespaces") or ()
    return Neighbour(
        topology=item["topologyKey"],
        pods=_with_own(from_object(item.get("labelSelector")), item, labels),
        namespaces=frozenset(named if named or chosen is not None else (namespace,)),
        namespace_selector=None if chosen is None else from_object(chosen),
    )


def _with_own(pods: Selector | None, item: Object, labels: Mapping[str, str]) -> Selector | None:
    """The selector with the pod's own values of some labels (matchLabelKeys)."""
    if pods is None:
        return None
    keys = [key for key in item.get("matchLabelKeys") or () if key in labels]
    others = [key for key in item.get("mismatchLabelKeys") or () if key in labels]
    return (
        *pods,
        *(Requirement(key, Operator.IN, (labels[key],)) for key in keys),
        *(Requirement(key, Operator.NOT_IN, (labels[key],)) for key in others),
    )


def _spread(item: Object, labels: Mapping[str, str]) -> Spread:
    return Spread(
        topology=item["topologyKey"],
        skew=int(item["maxSkew"]),
        hard=item.get("whenUnsatisfiable") != "ScheduleAnyway",
        pods=_with_own(from_object(item.get("labelSelector")), item, labels),
        min_domains=int(item.get("minDomains") or 1),
        honors_affinity=item.get("nodeAffinityPolicy") != "Ignore",
        honors_taints=item.get("nodeTaintsPolicy") == "Honor",
    )


Domain = tuple[str, str]
"""A topology key and its value."""


class Placed(Struct, frozen=True):
    """What matters of a pod that is on a node."""

    namespace: str
    labels: Mapping[str, str]
    wishes: Wishes
    leaving: bool
    domains: Mapping[str, str]
    """The node's labels."""


NEAR = "node(s) didn't match pod affinity rules"
APART = "node(s) didn't match pod anti-affinity rules"
OTHERS_APART = "node(s) didn't satisfy existing pods anti-affinity rules"
SPREAD = "node(s) didn't match pod topology spread constraints"
UNLABELLED = f"{SPREAD} (missing required label)"
NOT_PREEMPTIBLE = frozenset({NEAR, UNLABELLED})
"""Where nobody's leaving helps."""


class Census:
    """What one pod's decision needs to know of all others, counted once."""

    def __init__(
        self,
        me: Placed,
        placed: Sequence[Placed],
        eligible: Mapping[Spread, Sequence[Mapping[str, str]]],
        of: NamespaceLabels,
    ) -> None:
        """`eligible`: the labels of the nodes that count for each spread constraint."""
        wishes = me.wishes
        self._me, self._of = me, of
        self._near: Counter[Domain] = Counter()
        self._apart: Counter[Domain] = Counter()
        self._shunned: Counter[Domain] = Counter()
        self._rather: Counter[Domain] = Counter()
        for other in placed:
            self._count(other)
        self._spread = {item: self._domains(item, placed, eligible[item]) for item in wishes.spread}

    def _count(self, other: Placed) -> None:
        wishes = self._me.wishes
        if wishes.near and all(self._means(term, other) for term in wishes.near):
            self._near.update(_domains(wishes.near, other))
        meant = [term for term in wishes.apart if self._means(term, other)]
        self._apart.update(_domains(meant, other))
        own = [term for term in other.wishes.apart if self._means(term, self._me)]
        self._shunned.update(_domains(own, other))
        for weight, term in wishes.rather:
            if self._means(term, other):
                for domain in _domains([term], other):
                    self._rather[domain] += weight
        for weight, term in other.wishes.rather:
            if self._means(term, self._me):
                for domain in _domains([term], other):
                    self._rather[domain] += weight

    def _means(self, term: Neighbour, other: Placed) -> bool:
        return term.means(other.namespace, other.labels, self._of)

    def _domains(
        self, item: Spread, placed: Sequence[Placed], nodes: Sequence[Mapping[str, str]]
    ) -> Counter[str]:
        keys = [each.topology for each in self._me.wishes.spread if each.hard == item.hard]
        found: Counter[str] = Counter()
        for labels in nodes:
            if all(key in labels for key in keys):
                found[labels[item.topology]] += 0
        for other in placed:
            value = other.domains.get(item.topology)
            same = other.namespace == self._me.namespace and not other.leaving
            if (
                value is not None
                and value in found
                and same
                and item.pods
                and matches(item.pods, other.labels)
            ):
                found[value] += 1
        return found

    def objection(self, labels: Mapping[str, str]) -> str:
        """Why the pod may not be on a node with these labels; "" if it may."""
        return next(self._objections(labels), "")

    def _objections(self, labels: Mapping[str, str]) -> Iterator[str]:
        for item in self._me.wishes.spread:
            if item.hard:
                yield from self._uneven(item, labels)
        if self._me.wishes.near and not self._is_near(labels):
            yield NEAR
        if self._touches(self._apart, labels):
            yield APART
        if self._touches(self._shunned, labels):
            yield OTHERS_APART

    def _uneven(self, item: Spread, labels: Mapping[str, str]) -> Iterator[str]:
        value = labels.get(item.topology)
        if value is None:
            yield UNLABELLED
            return
        counts = self._spread[item]
        least = min(counts.values(), default=0)
        if len(counts) < item.min_domains:
            least = 0
        mine = item.pods is not None and matches(item.pods, self._me.labels)
        if counts[value] + mine - least > item.skew:
            yield SPREAD

    def _touches(self, counts: Counter[Domain], labels: Mapping[str, str]) -> bool:
        return any(counts[key, labels[key]] for key, _ in counts if key in labels)

    def _is_near(self, labels: Mapping[str, str]) -> bool:
        terms = self._me.wishes.near
        if not all(term.topology in labels for term in terms):
            return False
        if all(self._near[term.topology, labels[term.topology]] for term in terms):
            return True
        # The first of a group that wants to be near itself has to begin somewhere.
        return not self._near and all(self._means(term, self._me) for term in terms)

    def liking(self, labels: Mapping[str, str]) -> float:
        """How much the pod would rather be on a node with these labels."""
        total = float(
            sum(n for (key, value), n in self._rather.items() if labels.get(key) == value)
        )
        for item in self._me.wishes.spread:
            if not item.hard:
                total -= self._spread[item][labels.get(item.topology, "")]
        return total


def _domains(terms: Sequence[Neighbour], other: Placed) -> list[Domain]:
    found = ((term.topology, other.domains.get(term.topology)) for term in terms)
    return [(key, value) for key, value in found if value is not None]
