"""The checklist of exact behaviour, over real sockets: asked by dnslib and by dig.

`POINTS` says for each of its points where its cases are. What the answers hold is in the table of
`test_answer`, and all of that is asked here again as clients do.
"""

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import dnslib
import pytest

from netemu.dns.records import Rcode, Type
from tests.dns.cluster import packet
from tests.dns.test_answer import CASES, Case
from tests.dns.test_server import Server, server  # noqa: F401  (a fixture)

TABLE = "answer: the_cluster_is_told_truly"
POINTS = {
    "1 another type of a name that exists is no data": (TABLE,),
    "2 unknown names are denied, whatever the type": (TABLE,),
    "3 denials have AA and the zone's SOA": (
        "answer: every_answer_has_its_form",
        "server: dig_sees_the_flags_and_the_soa",
    ),
    "4 names between have no data": (TABLE,),
    "5 without endpoints": (TABLE,),
    "6 headless of one family": (TABLE,),
    "7 what ready means": (TABLE,),
    "8 a virtual IP, once": (TABLE,),
    "9 every address once, one SRV per target and port": (TABLE,),
    "10 which port an SRV has": (TABLE,),
    "11 targets resolve, glue is theirs": ("answer: every_srv_target_resolves_to_its_glue",),
    "12 unnamed and missing ports": (TABLE,),
    "13 wrong protocols, deeper names": (TABLE,),
    "14 dual stack": (TABLE,),
    "15 PTR": (TABLE,),
    "16 unknown reverse names": (TABLE, "plugins/test_forward: each_question_is_answered_so"),
    "17 ExternalName": (TABLE, "answer: an_endless_chain_is_cut"),
    "18 targets without that family, and cut ones": (
        TABLE,
        "plugins/test_forward: an_alias_to_what_isnt_there_or_fails",
        "server: a_large_answer_of_others_is_cut_for_udp_and_whole_by_tcp",
    ),
    "19 pods by address": (
        TABLE,
        "plugins/test_kubernetes: pods_may_be_disabled_insecure_or_verified",
    ),
    "20 wildcards are labels": (TABLE,),
    "21 dns-version, SOA and NS": (TABLE,),
    "22 names are read from the right": (TABLE, "names: names_are_read_from_the_right"),
    "23 case": ("answer: owners_keep_the_spelling_of_the_question", "checklist: case_is_kept"),
    "24 labels are octets": (
        "names: a_label_of_any_octets_is_a_label",
        "names: dots_within_a_label_separate_nothing",
        "wire: the_longest_name_is_read",
        "checklist: any_octets_survive",
    ),
    "25 zones begin with a label": (TABLE, "names: a_zone_begins_with_a_label"),
    "26 what is copied": ("wire: flags", "wire: the_question_is_echoed_octet_for_octet"),
    "27 EDNS": ("wire: opt_answers_opt", "wire: edns_is_read", "wire: badvers_needs_both_halves"),
    "28 limits, compression, truncation": (
        "wire: 26_addresses_fit_512_octets_by_compression",
        "wire: what_doesnt_fit_is_cut_between_records",
        "responder: streams_give_everything_whatever_edns_says",
        "server: dig_turns_to_tcp_when_it_is_cut",
    ),
    "29 odd queries": (
        "responder: odd_queries_get_their_code",
        "responder: replies_and_scraps_get_silence",
        "responder: garbage_is_refused_or_ignored",
    ),
    "30 transfers": (
        TABLE,
        "transfer: it_is_refused",
        "transfer: endpoint_names_are_in_it",
        "server: dig_gets_a_whole_zone",
    ),
    "31 TCP": (
        "streams: pieces_make_a_query",
        "streams: several_queries_in_one_write_are_answered_in_order",
        "streams: a_connection_is_used_again",
        "streams: whoever_opens_many_is_bounded_and_starves_nobody",
    ),
    "32 foreign classes": (
        "answer: foreign_classes_are_refused",
        "consult: foreign_classes_are_refused_even_with_a_forwarder",
    ),
    "33 order": (
        "responder: addresses_come_in_every_order_equally_often",
        "responder: aliases_stay_before_their_addresses",
        "order: each_order",
    ),
    "34 one TTL per set, no record twice": ("answer: every_answer_has_its_form",),
    "35 cluster names never leave": (
        "plugins/test_forward: each_question_is_answered_so",
        "plugins/test_forward: without_forward_others_are_refused_and_aliases_stand_alone",
    ),
    "36 replies of others must match": (
        "forward: what_doesnt_match_is_ignored",
        "forward: what_comes_from_elsewhere_is_ignored",
        "forward: ids_and_ports_differ",
    ),
    "37 others may be dead": (
        "forward: no_server_means_failure_within_seconds",
        "server: the_cluster_answers_at_once_while_others_are_dead",
    ),
    "38 the cache": (
        "cache: answers_live",
        "cache: all_ttls_are_the_time_that_is_left",
        "forward: do_and_cd_make_another_answer",
    ),
    "39 before the first list": (
        "answer: before_the_first_list_nothing_is_denied",
        "pages: ready_waits_for_the_first_list",
    ),
    "40 changes": (
        "server: a_change_is_seen_by_the_next_query",
        "answer: the_serial_is_the_snapshots_revision",
        "../model/test_snapshot: what_dns_does_not_serve_leaves_the_revision",
    ),
    "41 ended pods hold no address": ("plugins/test_kubernetes: an_ended_pod_holds_no_address",),
}
HERE = Path(__file__).parent


def test_every_point_has_its_tests() -> None:
    assert [int(point.split()[0]) for point in POINTS] == list(range(1, 42))
    for where in (test for tests in POINTS.values() for test in tests):
        module, name = where.split(": ")
        file = f"{module}.py" if "/" in module else f"test_{module}.py"
        assert re.search(rf"def test_{name}\(", (HERE / file).read_text()), where


def told(case: Case) -> tuple[int, list[str]]:
    return int(case.rcode), sorted(case.answers)


def shown(record: dnslib.RR) -> str:
    kind = dnslib.QTYPE[record.rtype]
    if kind == "SOA":
        return f"SOA {str(record.rname).rstrip('.')} {record.rdata.times[-1]}"
    data = str(record.rdata).replace('"', "").rstrip(".")
    return f"{kind} {data}"


def asked(port: int, case: Case, sock: socket.socket | None) -> tuple[int, list[str]]:
    """By UDP through `sock`, else by TCP."""
    query = packet(case.qname, case.type, edns=4096)
    if sock is not None:
        sock.send(query)
        reply = dnslib.DNSRecord.parse(sock.recv(65535))
    else:
        octets = dnslib.DNSRecord.parse(query).send("127.0.0.1", port, tcp=True, timeout=5)
        reply = dnslib.DNSRecord.parse(octets)
    return int(reply.header.rcode), sorted(map(shown, reply.rr))


def wrong(port: int, *, tcp: bool) -> list[str]:
    """The cases that are answered otherwise than they should."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(5)
        return [
            f"{case.name}: {found}"
            for case in CASES
            if (found := asked(port, case, None if tcp else sock)) != told(case)
        ]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_dnslib_is_told_the_whole_table(server: Server, tcp: bool) -> None:  # noqa: F811
    for _ in ("worked out", "kept"):
        assert await asyncio.to_thread(wrong, server.inside, tcp=tcp) == []


def dig(port: int, cases: Sequence[Case]) -> list[tuple[int, int]]:
    """The code and the number of answers that dig sees for each case."""
    lines = [f"{case.qname} TYPE{int(case.type)} +nocookie" for case in cases]
    options = ["+time=5", "+tries=1", "+qr", "+comments"]
    done = subprocess.run(
        ["dig", "@127.0.0.1", "-p", str(port), *options, "-f", "/dev/stdin"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    replies = re.findall(r"Got answer:.*?status: (\w+).*?ANSWER: (\d+)", done.stdout, re.DOTALL)
    return [(int(Rcode[code]), int(count)) for code, count in replies]


TRANSFERS = (Type.AXFR, Type.IXFR)
"""dig prints these in another way."""


async def test_dig_is_told_the_whole_table(server: Server) -> None:  # noqa: F811
    if not shutil.which("dig"):
        pytest.skip("dig isn't installed")
    cases = [case for case in CASES if case.type not in TRANSFERS]
    found = await asyncio.to_thread(dig, server.inside, cases)
    expected = [(int(case.rcode), len(case.answers)) for case in cases]
    assert [
        (case.name, one)
        for case, one, want in zip(cases, found, expected, strict=True)
        if one != want
    ] == []


def raw(port: int, labels: Sequence[bytes]) -> tuple[bytes, bytes]:
    """A question as octets, and the reply to it."""
    name = b"".join(bytes([len(label)]) + label for label in (*labels, b""))
    question = name + b"\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(5)
        sock.send(b"\xab\xcd\1\0\0\1\0\0\0\0\0\0" + question)
        return question, sock.recv(65535)


ZONE = (b"default", b"svc", b"cluster", b"local")


async def test_case_is_kept(server: Server) -> None:  # noqa: F811
    labels = (b"wEb", b"dEfAuLt", b"SVC", b"cluster", b"LOCAL")
    question, reply = await asyncio.to_thread(raw, server.inside, labels)
    assert reply[12 : 12 + len(question)] == question
    assert reply[3] & 15 == 0
    record = dnslib.DNSRecord.parse(reply).rr[0]
    assert str(record.rname) == "wEb.dEfAuLt.SVC.cluster.LOCAL."


async def test_any_octets_survive(server: Server) -> None:  # noqa: F811
    long = tuple(bytes([65 + number]) * 63 for number in range(3))
    for labels in (
        (b"web.default", *ZONE),
        (bytes(range(63)), *ZONE),
        (bytes(range(193, 256)), *ZONE),
        (*long, b"x" * 33, *ZONE),
    ):
        question, reply = await asyncio.to_thread(raw, server.inside, labels)
        assert reply[:2] == b"\xab\xcd"
        assert reply[12 : 12 + len(question)] == question
        assert reply[3] & 15 == Rcode.NXDOMAIN
