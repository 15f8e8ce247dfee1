"""What the command line asks of a running DNS server: its query log, and why a name means what.

Questions and answers are plain JSON; the daemon's control socket carries them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import to_builtins

from netemu.clock import rfc3339_micro
from netemu.dns.chain import Configuration
from netemu.dns.consult import Consultation
from netemu.dns.nodes import View
from netemu.dns.querylog import QueryLog
from netemu.dns.records import Name, lowered, name_from
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot

if TYPE_CHECKING:
    from netemu.dns.logentries import Entry
    from netemu.dns.searching import SearchList

DEFAULT_NAMESPACE = "default"
"""Whose search list counts when nobody says who asks."""

ResolverOf: TypeAlias = Callable[[str, str], tuple[Sequence[str], Sequence[str]] | None]
"""(namespace, pod) -> search domains and options of its resolv.conf; None: no such pod."""


class Unanswered(Exception):
    """The question makes no sense here; the message says why."""


class DnsQuestions:
    """Answers for one server."""

    def __init__(
        self,
        log: QueryLog,
        latest: Latest[Snapshot],
        configuration: Callable[[], Configuration],
        zone: Name,
        resolver_of: ResolverOf,
    ) -> None:
        self._log = log
        self._latest = latest
        self._configuration = configuration
        self._zone = zone
        self._resolver_of = resolver_of

    async def log(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """A chunk of the query log; `cursor` says from where, `tail` how many from its end.

        Raises Unanswered.
        """
        from netemu.dns.logentries import (  # late, as all that only answers questions
            Wanted,
            page_of,
        )

        wanted = Wanted(query=_name(question.get("query", "")), pod=str(question.get("pod", "")))
        cursor = question.get("cursor")
        if cursor is None:
            cursor = self._log.before(int(question["tail"])) if "tail" in question else 0
        page = page_of(self._log, int(cursor), wanted)
        return {
            "entries": [_facts(entry) for entry in page.entries],
            "cursor": page.cursor,
            "more": page.more,
            "missed": page.missed,
        }

    async def explain(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The walk through a search list. Raises Unanswered."""
        from netemu.dns.explain import explain
        from netemu.dns.presentation import type_number
        from netemu.dns.searching import pod_list

        pod = str(question.get("pod", ""))
        search, client = self._client(pod) if pod else (pod_list(DEFAULT_NAMESPACE, self._zone), "")
        consultation = Consultation(self._configuration(), self._latest.value, View(), client)
        try:
            kind = type_number(str(question.get("type", "A")))
            found = explain(str(question["name"]), kind, search, consultation)
        except ValueError as error:
            raise Unanswered(str(error)) from error
        return {"pod": pod, **to_builtins(found)}

    def _client(self, pod: str) -> tuple["SearchList", str]:
        from netemu.dns.searching import list_from

        namespace, slash, name = pod.partition("/")
        if not slash or not namespace or not name:
            raise Unanswered(f'"{pod}" is no pod: use NAMESPACE/NAME')
        resolver = self._resolver_of(namespace, name)
        if resolver is None:
            raise Unanswered(f'pods "{name}" not found in namespace "{namespace}"')
        addresses = (
            address
            for address, holder in self._latest.value.pods.items()
            if (holder.namespace, holder.name) == (namespace, name)
        )
        try:
            return list_from(*resolver), next(addresses, "")
        except ValueError as error:
            raise Unanswered(f"the resolv.conf of pod {pod}: {error}") from error


def _name(text: str) -> Name:
    if not text or text == ".":
        return ()
    try:
        return lowered(name_from(text))
    except ValueError as error:
        raise Unanswered(str(error)) from error


def _facts(entry: "Entry") -> dict[str, Any]:
    facts = to_builtins(entry)
    return {**facts, "time": rfc3339_micro(entry.time)}
