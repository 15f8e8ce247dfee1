from collections.abc import Iterator
from typing import Any

import pytest

import netemu.dns.querylog as module
from netemu.dns import logentries
from netemu.dns.logentries import Entry, Wanted
from netemu.dns.observation import Observers
from netemu.dns.querylog import QueryLog
from netemu.dns.records import name_from
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.snapshot import Snapshot, advance
from tests.dns.cluster import CLUSTER, packet, replies_to, responder

SVC = "default.svc.cluster.local"
ZONE = name_from("cluster.local")


def pod(name: str, address: str, namespace: str = "default") -> Object:
    return {
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Running", "podIPs": [{"ip": address}]},
    }


class Logged:
    """A server and its log."""

    def __init__(self, snapshot: Snapshot = CLUSTER, size: int = 100) -> None:
        self.latest = Latest(snapshot)
        self.time = 1000.0
        self.log = QueryLog(self.latest, ZONE, lambda: self.time, size)
        self.latest.subscribe(self.log.follow)
        observers = Observers()
        observers.subscribe(self.log.observe)
        self.server = responder(latest=self.latest, observers=observers)

    def ask(self, name: str, kind: str = "A", client: str = "10.244.0.5") -> None:
        self.time += 0.001
        replies_to(self.server, packet(name, kind), (client, 40000))

    def change(self, old: Object | None, new: Object | None) -> None:
        self.latest.replace(advance(self.latest.value, resources.PODS, old, new))

    def all(self, wanted: Wanted | None = None) -> list[Entry]:
        return list(self._all(wanted or Wanted()))

    def _all(self, wanted: Wanted) -> Iterator[Entry]:
        cursor, more = 0, True
        while more:
            page = logentries.page_of(self.log, cursor, wanted)
            yield from page.entries
            assert page.cursor > cursor or not page.more
            cursor, more = page.cursor, page.more


def row(entry: Entry) -> tuple[Any, ...]:
    step = entry.search
    return (
        entry.name,
        entry.type,
        entry.rcode,
        entry.answers,
        entry.source,
        f"{step.step}/{step.of} {step.name}" if step else "",
    )


def test_an_entry_says_who_asked_what_and_what_was_answered() -> None:
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    logged.ask("web.default.svc.cluster.local")
    (entry,) = logged.all()
    assert (entry.number, entry.time, entry.client) == (0, 1000.001, "10.244.0.5")
    assert (entry.pod, entry.protocol, entry.cut) == ("default/shell", "udp", False)
    assert 0 <= entry.micros < 1e6
    assert row(entry) == (f"web.{SVC}.", "A", "NOERROR", ("10.96.0.7",), "cluster", "1/4 web")


def test_a_walk_through_the_search_list_is_told() -> None:
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    for domain in (SVC, "svc.cluster.local", "cluster.local"):
        logged.ask(f"www.example.org.{domain}")
    logged.ask("www.example.org")
    logged.ask(f"web.{SVC}")
    logged.ask(f"web.{SVC}")
    nothing, www = ("NXDOMAIN", (), "cluster"), "www.example.org"
    assert [row(entry) for entry in logged.all()] == [
        (f"{www}.{SVC}.", "A", *nothing, f"1/4 {www}"),
        (f"{www}.svc.cluster.local.", "A", *nothing, f"2/4 {www}"),
        (f"{www}.cluster.local.", "A", *nothing, f"3/4 {www}"),
        (f"{www}.", "A", "REFUSED", (), "server", f"4/4 {www}"),
        (f"web.{SVC}.", "A", "NOERROR", ("10.96.0.7",), "cluster", "1/4 web"),
        (f"web.{SVC}.", "A", "NOERROR", ("10.96.0.7",), "kept", "1/4 web"),
    ]


def test_clients_that_are_no_pods_have_no_search_list() -> None:
    logged = Logged()
    logged.ask(f"web.{SVC}", client="127.0.0.1")
    (entry,) = logged.all()
    assert (entry.pod, entry.search) == ("", None)


def test_answers_of_every_kind_are_read() -> None:
    logged = Logged()
    logged.ask(f"db.{SVC}", "SRV")
    logged.ask("10.0.96.10.in-addr.arpa", "PTR")
    logged.ask("dns-version.cluster.local", "TXT")
    logged.ask(f"ext-web.{SVC}")
    logged.ask("7.0.96.10.in-addr.arpa", "PTR")
    found = [entry.answers for entry in logged.all()]
    assert f"0 25 5433 db-0.db.{SVC}." in found[0]
    assert found[2] == ('"1.1.0"',)
    assert found[3] == (f"web.{SVC}.", "10.96.0.7")
    assert found[4] == (f"web.{SVC}.",)


def test_an_address_keeps_the_name_it_had() -> None:
    logged = Logged()
    first, second = pod("first", "10.244.0.5"), pod("second", "10.244.0.5")
    logged.ask(f"web.{SVC}")
    logged.change(None, first)
    logged.ask(f"web.{SVC}")
    logged.change(first, None)
    logged.change(None, second)
    logged.ask(f"web.{SVC}")
    logged.change(second, None)
    assert [entry.pod for entry in logged.all()] == ["", "default/first", "default/second"]


def test_the_log_is_bounded_and_says_what_was_missed() -> None:
    logged = Logged(size=10)
    for number in range(25):
        logged.ask(f"n{number}.{SVC}")
    page = logentries.page_of(logged.log, 3)
    assert [entry.number for entry in page.entries] == list(range(15, 25))
    assert (page.missed, page.cursor, page.more) == (12, 25, False)
    assert logentries.page_of(logged.log, 25).entries == ()


def test_a_reader_gets_it_in_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logentries, "CHUNK", 3)
    monkeypatch.setattr(logentries, "LOOKED_THROUGH", 5)
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    for number in range(12):
        logged.ask(f"n{number}.{SVC}")
        logged.ask(f"n{number}.svc.cluster.local")
    entries = logged.all()
    assert [entry.number for entry in entries] == list(range(24))
    assert [entry.search and entry.search.step for entry in entries] == [1, 2] * 12


def test_one_can_ask_for_the_last_entries() -> None:
    logged = Logged()
    assert logged.log.before(5) == 0
    for number in range(9):
        logged.ask(f"n{number}.{SVC}")
    assert [
        entry.number for entry in logentries.page_of(logged.log, logged.log.before(2)).entries
    ] == [7, 8]


def test_one_name_is_found_in_all_its_steps() -> None:
    logged = Logged()
    for name in (f"web.{SVC}", "web.svc.cluster.local", "WEB", "webber", f"db.{SVC}"):
        logged.ask(name)
    found = logged.all(Wanted(query=name_from("web")))
    assert [entry.name for entry in found] == [f"web.{SVC}.", "web.svc.cluster.local.", "WEB."]


def test_one_pod_is_found() -> None:
    logged = Logged()
    logged.change(None, pod("a", "10.244.0.5"))
    logged.change(None, pod("b", "10.244.0.6"))
    for client in ("10.244.0.5", "10.244.0.6", "10.244.0.7"):
        logged.ask(f"web.{SVC}", client=client)
    assert [entry.pod for entry in logged.all(Wanted(pod="default/b"))] == ["default/b"]


def test_garbage_is_logged_without_a_name() -> None:
    logged = Logged()
    replies_to(logged.server, b"\0\1\1\0\0\2" + bytes(6))
    (entry,) = logged.all()
    assert (entry.name, entry.type, entry.rcode, entry.search) == ("", "", "FORMERR", None)


def test_of_long_replies_only_a_part_is_kept() -> None:
    logged = Logged()
    observers = Observers()
    observers.subscribe(logged.log.observe)
    by_tcp = responder(stream=True, observers=observers)
    replies_to(by_tcp, packet(f"big.{SVC}"))
    (entry,) = logged.all()
    assert len(entry.answers) == 60 or entry.cut
    logged.ask(f"big.{SVC}")
    assert logged.all()[-1].cut  # truncated


def test_a_reply_longer_than_the_bound_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 60)
    logged = Logged()
    logged.ask(f"db.{SVC}")
    (entry,) = logged.all()
    assert (entry.answers, entry.cut) == ((), True)
    assert entry.name == f"db.{SVC}."


def test_pods_that_come_and_go_are_remembered_within_bounds() -> None:
    logged = Logged()
    for number in range(2 * module.MOST_MARKS):
        logged.change(None, pod(f"p{number}", f"10.244.{number // 250}.{number % 250 + 1}"))
    assert len(logged.log._marks) == module.MOST_MARKS
    logged.ask(f"web.{SVC}", client="10.244.0.1")
    assert logged.all()[0].pod == "default/p0"
