"""The cluster-role aggregation controller: roles that are the sum of others.

Rules come in the order of the roles' names, each once (upstream: pkg/controller/
clusterroleaggregation).
"""

from collections.abc import Iterable, Sequence

from netemu.controllers.actions import Action, Update, execute
from netemu.controllers.runner import Context
from netemu.model import selector
from netemu.model.client import Change
from netemu.model.meta import Object, is_deleting, labels_of, name_of
from netemu.model.resources import CLUSTER_ROLES


def summed(role: Object, every: Sequence[Object]) -> list[Object]:
    """The rules of all roles that one asks for."""
    rules: list[Object] = []
    wishes = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    for wish in wishes:
        wanted = selector.from_object(wish)
        if wanted is None:
            continue
        for other in sorted(every, key=name_of):
            if name_of(other) != name_of(role) and selector.matches(wanted, labels_of(other)):
                rules += (rule for rule in other.get("rules") or () if rule not in rules)
    return rules


def plan(role: Object | None, every: Sequence[Object]) -> list[Action]:
    """The role with its sum, if it is one and that isn't right."""
    if role is None or is_deleting(role) or not role.get("aggregationRule"):
        return []
    rules = summed(role, every)
    if rules == (role.get("rules") or []):
        return []
    return [Update(CLUSTER_ROLES, {**role, "rules": rules})]


class AggregationController:
    """Brings sums in line."""

    resources = (CLUSTER_ROLES,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder

    def observe(self, change: Change) -> Iterable[str]:
        """Every sum: any role may be a part of it. There are few roles."""
        for role in self._client.list(CLUSTER_ROLES):
            if role.get("aggregationRule"):
                yield name_of(role)

    async def sync(self, key: str) -> float | None:
        """See to one sum."""
        every = self._client.list(CLUSTER_ROLES)
        role = self._client.get(CLUSTER_ROLES, "", key)
        await execute(self._client, self._recorder, plan(role, every))
        return None
