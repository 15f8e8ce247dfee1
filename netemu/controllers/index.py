"""Which objects belong to what, so that one change never costs a scan of everything.

An index keeps names, never states: readers get the newest state from the API and see only objects
that belong to the group *now*. Memberships that come late from the watch therefore do no harm; a
controller that must not forget what it just created tells the index itself (`put`).
"""

from collections.abc import Callable, Hashable, Iterable

from netemu.model.client import Change, Client
from netemu.model.meta import Object, controller_of, key_of

Entry = tuple[str, str, str]
"""(resource, namespace, name)."""

Groups = Callable[[Object], Iterable[Hashable]]
"""The groups that an object belongs to."""


class Index:
    """Entries by group."""

    def __init__(self, client: Client, groups: Groups) -> None:
        self._client = client
        self._groups = groups
        self._members: dict[Hashable, set[Entry]] = {}

    def observe(self, change: Change) -> None:
        """Follow one change."""
        entry: Entry = (change.resource, *key_of(change.object))
        now = set() if change.new is None else set(self._groups(change.new))
        before = set() if change.old is None else set(self._groups(change.old))
        for group in before - now:
            self._drop(group, entry)
        for group in now:
            self._members.setdefault(group, set()).add(entry)

    def put(self, resource: str, obj: Object) -> None:
        """Count in an object that was just written, ahead of the watch."""
        entry: Entry = (resource, *key_of(obj))
        for group in self._groups(obj):
            self._members.setdefault(group, set()).add(entry)

    def _drop(self, group: Hashable, entry: Entry) -> None:
        members = self._members.get(group)
        if members is not None:
            members.discard(entry)
            if not members:
                del self._members[group]

    def size(self, group: Hashable) -> int:
        """How many entries a group has, perhaps a few too many."""
        return len(self._members.get(group, ()))

    def entries(self, group: Hashable) -> list[tuple[Entry, Object]]:
        """The members with their newest states, in order."""
        found = []
        for entry in sorted(self._members.get(group, ())):
            obj = self._client.get(*entry)
            if obj is not None and group in self._groups(obj):
                found.append((entry, obj))
        return found

    def objects(self, group: Hashable) -> list[Object]:
        """The newest states of the members, in order of their names."""
        return [obj for _, obj in self.entries(group)]


def ownership(obj: Object) -> tuple[tuple[str, str]]:
    """Groups for owners: ("owner", uid), or ("orphan", namespace) without a controlling owner."""
    owner = controller_of(obj)
    if owner is None:
        return (("orphan", obj["metadata"].get("namespace", "")),)
    return (("owner", owner["uid"]),)
